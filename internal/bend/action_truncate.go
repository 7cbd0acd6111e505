package bend

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["truncate"] = action{says: "the element ends in its middle, and the connection with it", takes: []string{"bytes", "how"}, make: func(p *params) do {
		n, how := p.count("bytes"), p.word("how", "fin", "reset")
		b := proxy.Bend{What: proxy.Cut}
		if how == "reset" {
			b.What = proxy.Reset
		}
		return func(m *match) proxy.Decision {
			keep := n
			if keep == 0 {
				keep = len(m.raw) / 2
			}
			d := m.changed(append([]byte{}, m.raw[:min(keep, len(m.raw))]...), "cut off after %s, and the connection with it (%s)", session.Plural(min(keep, len(m.raw)), "byte"), how)
			d.Bends = []proxy.Bend{b}
			return d
		}
	}}
}
