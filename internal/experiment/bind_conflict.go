package experiment

import (
	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "bind-conflict",
		Title: "the resource that the client asks for is taken (conflict)",
		Good:  "asks for another one, or lets the server choose",
		Ref:   "RFC 6120 §7.7.2.2",
		Needs: "the client has not asked for a resource",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if !is(e, "bind-request") || !t.before() {
				return proxy.Decision{}
			}
			root, _ := decode.Parse(e.Raw, nil)
			if root == nil {
				return proxy.Decision{}
			}
			return inPlace("the resource is refused with conflict",
				"<iq type='error' id='%s'><error type='cancel'><conflict xmlns='%s'/></error></iq>", session.EscapeXML(root.Attr("id")), decode.NSStanzaError)
		},
		Judge: func(o *Outcome) Result {
			if s := o.hit(); s.in() {
				return result(Good, "it got %s on the same connection", session.ShortLine(s.Login().JID))
			}
			return comesBack(o)
		},
	})
}
