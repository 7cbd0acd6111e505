package experiment

import (
	"time"

	"xmppscope/proxy"
	"xmppscope/session"
)

// slowness is what each of a slow server's words takes longer.
const slowness = time.Second

func init() {
	add(Experiment{
		Name:  "slow-server",
		Title: "each word of the server in the login takes a second longer",
		Good:  "waits, and logs in",
		Ref:   "RFC 6120 §4.6",
		Needs: "the server has said nothing",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if e.Dir == session.S2C && e.Step != nil && (t.before() || e.Session == t.session) && t.jid(e) == "" {
				return proxy.Decision{Delay: slowness, Bent: true, Reason: "the server is slow"}
			}
			return proxy.Decision{}
		},
		Judge: logsIn,
		More:  15 * slowness, // so many words a long login has
	})
}
