package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "see-other-host",
		Title: "inside TLS, the server sends the client to another address (see-other-host)",
		Good:  "connects there, for the same domain, and logs in",
		Ref:   "RFC 6120 §4.9.3.19",
		Needs: "there were no features inside TLS",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if !is(e, "features-2") || !t.before() {
				return proxy.Decision{}
			}
			return broken(nil, "the client is sent to another address, which is xmppscope's own", "see-other-host", t.Addr)
		},
		Judge: comesBack,
	})
}
