package bend

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["duplicate"] = action{says: "the element comes more than once", takes: []string{"copies"}, make: func(p *params) do {
		n := max(p.count("copies"), 1)
		if n > 1000 {
			p.fail("copies", "copies: 1000 are the most")
		}
		return func(*match) proxy.Decision {
			return proxy.Decision{Copies: n, Bent: true, Reason: "passed on " + session.Plural(n+1, "time")}
		}
	}}
}
