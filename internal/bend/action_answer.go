package bend

import (
	"xmppscope/proxy"
)

func init() {
	actions["answer"] = action{says: "the element is not passed on, and answered in the other side's place", takes: []string{"xml"}, make: func(p *params) do {
		template := p.needed("xml")
		return func(m *match) proxy.Decision {
			other := m.dir.Opposite()
			return m.said(template, proxy.Sending{Dir: other, Reason: "an answer in the " + other.Sender() + "'s place"},
				proxy.Decision{Drop: true, Reason: "answered in the " + other.Sender() + "'s place, and not passed on"})
		}
	}}
}
