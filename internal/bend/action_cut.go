package bend

import (
	"maps"
	"slices"

	"xmppscope/proxy"
)

func init() {
	words := append([]string{"fin"}, slices.Sorted(maps.Keys(proxy.Endings))...)
	actions["cut"] = action{
		says:  "the connection ends: fin or reset on both legs, half-close (of the element's direction), or one leg alone is dropped or reset and the other kept",
		takes: []string{"how", "before"},
		make: func(p *params) do {
			how := p.word("how", words...)
			drop := p.yes("before")
			b, other := proxy.Endings[how]
			if !other {
				b.What = proxy.Cut
			}
			return func(m *match) proxy.Decision {
				one := b
				if one.What == proxy.HalfClose {
					one.Dir = m.dir
				}
				d := bent("the connection was cut behind it: "+how, one)
				if drop {
					d.Drop, d.Bent, d.Reason = true, false, "the connection was cut before it: "+how
				}
				return d
			}
		},
	}
}
