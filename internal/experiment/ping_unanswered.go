package experiment

import (
	"bytes"

	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "ping-unanswered",
		Title: "the client's pings, and its requests for acknowledgement, get no answer",
		Good:  "treats the connection as dead, and comes back",
		Ref:   "XEP-0199 §4.2, XEP-0198 §4",
		Needs: "the client has not asked whether the connection is alive",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			asks := e.Dir == session.C2S && (e.Name == "iq" && bytes.Contains(e.Raw, []byte("urn:xmpp:ping")) && bytes.Contains(e.Raw, []byte("get")) ||
				e.Name == "r" && bytes.Contains(e.Raw, []byte("urn:xmpp:sm:")))
			if asks && t.jid(e) != "" && (t.before() || e.Session == t.session) {
				return proxy.Decision{Drop: true, Reason: "a question whether the connection is alive is not passed on"}
			}
			return proxy.Decision{}
		},
		Judge: func(o *Outcome) Result {
			if len(o.later()) == 0 && o.hit().Ended.IsZero() && !o.Exited {
				return result(Weak, "it did not mind within %s", o.watched())
			}
			return comesBack(o)
		},
	})
}
