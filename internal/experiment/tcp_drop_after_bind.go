package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "tcp-drop-after-bind",
		Title: "the connection breaks when the client has been given its JID and begins to use it",
		Good:  "comes back by itself, after a pause that grows if it fails",
		Ref:   "RFC 6120 §3.3",
		Needs: "the client has not used its session",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if t.inUse(e) && t.before() {
				return proxy.Decision{Delay: calm, Bends: []proxy.Bend{{What: proxy.Reset, Reason: "both connections are reset"}}}
			}
			return proxy.Decision{}
		},
		Judge: comesBack,
	})
}
