package experiment

import (
	"time"

	"xmppscope/proxy"
	"xmppscope/session"
)

// lateness is how long features come behind their header.
const lateness = 8 * time.Second

func init() {
	add(Experiment{
		Name:  "features-late",
		Title: "the features inside TLS come 8 s behind the server's stream header",
		Good:  "waits for them before it goes on, and logs in",
		Ref:   "RFC 6120 §4.3.2",
		Needs: "there were no features inside TLS",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if is(e, "features-2") && t.before() {
				return proxy.Decision{Delay: lateness, Bent: true, Reason: "the features are late"}
			}
			return proxy.Decision{}
		},
		Judge: logsIn,
		More:  lateness,
	})
}
