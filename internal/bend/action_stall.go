package bend

import (
	"cmp"
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["stall"] = action{says: "behind the element a direction is not read any more, for a time or for good", takes: []string{"for", "of"}, make: func(p *params) do {
		long, of := p.duration("for"), p.dir("of")
		return func(m *match) proxy.Decision {
			dir := cmp.Or(of, m.dir)
			reason := "what the " + dir.Sender() + " sends stalls behind it"
			if long > 0 {
				reason += " for " + session.ShortTime(long)
			}
			return bent(reason, proxy.Bend{What: proxy.Stall, Dir: dir, For: long})
		}
	}}
}
