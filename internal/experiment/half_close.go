package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "half-close",
		Title: "the server's side of the connection ends (FIN) without a word, and the client's stays open",
		Good:  "treats the connection as gone, closes its own side, and comes back",
		Ref:   "RFC 6120 §4.4, §3.3",
		Needs: "the client has not used its session",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if t.inUse(e) && t.before() {
				return proxy.Decision{Bends: []proxy.Bend{{What: proxy.HalfClose, Dir: session.S2C, Reason: "the server's side of the connection ends"}}}
			}
			return proxy.Decision{}
		},
		Judge: func(o *Outcome) Result {
			if o.hit().Ended.IsZero() && !o.Exited {
				return result(Bad, "it keeps a connection on which nothing can come any more, for %s", o.watched())
			}
			return comesBack(o)
		},
	})
}
