package bend

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["inject"] = action{says: "something is said behind the element, to the client or the server", takes: []string{"xml", "to"}, make: func(p *params) do {
		template, to := p.needed("xml"), p.word("to", "client", "server")
		dir := session.S2C
		if to == "server" {
			dir = session.C2S
		}
		return func(m *match) proxy.Decision {
			return m.said(template, proxy.Sending{Dir: dir, Reason: "the rule wants it said to the " + to, Answer: true},
				proxy.Decision{Bent: true, Reason: "something was said to the " + to + " behind it"})
		}
	}}
}
