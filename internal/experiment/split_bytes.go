package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "split-bytes",
		Title: "what the server says comes byte by byte",
		Good:  "logs in: TCP and TLS may cut anywhere",
		Ref:   "RFC 9293 §3.7, RFC 8446 §5.1",
		Needs: "the client has not opened a stream",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if e.Dir == session.C2S && is(e, "stream-open-1") && (t.before() || e.Session == t.session) {
				return proxy.Decision{Bends: []proxy.Bend{{What: proxy.Pace, Dir: session.S2C, Chunk: 1, Reason: "the server's bytes come one by one"}}}
			}
			return proxy.Decision{}
		},
		Judge: logsIn,
	})
}
