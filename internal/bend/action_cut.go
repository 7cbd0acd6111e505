package bend

import (
	"maps"
	"slices"

	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	ways := map[string]proxy.Bend{
		"fin": {What: proxy.Cut}, "reset": {What: proxy.Reset}, "half-close": {What: proxy.HalfClose},
		"drop-client": {What: proxy.DropLeg, Dir: session.C2S}, "drop-server": {What: proxy.DropLeg, Dir: session.S2C},
		"reset-client": {What: proxy.ResetLeg, Dir: session.C2S}, "reset-server": {What: proxy.ResetLeg, Dir: session.S2C},
	}
	words := append([]string{"fin"}, slices.Sorted(maps.Keys(ways))...)
	actions["cut"] = action{
		says:  "the connection ends: fin or reset on both legs, half-close (of the element's direction), or one leg alone is dropped or reset and the other kept",
		takes: []string{"how", "before"},
		make: func(p *params) do {
			how := p.word("how", words...)
			before, _ := p.get("before")
			drop, _ := before.(bool)
			b := ways[how]
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
