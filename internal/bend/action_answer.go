package bend

import (
	"xmppscope/proxy"
)

func init() {
	actions["answer"] = action{says: "the element is not passed on, and answered in the other side's place", takes: []string{"xml"}, make: func(p *params) do {
		template := p.needed("xml")
		return func(m *match) proxy.Decision {
			return proxy.Decision{Drop: true, Reason: "answered in the " + m.dir.Opposite().Sender() + "'s place, and not passed on", Sends: []proxy.Sending{{
				Dir: m.dir.Opposite(), XML: fill(template, m.event), Reason: "an answer in the " + m.dir.Opposite().Sender() + "'s place",
			}}}
		}
	}}
}
