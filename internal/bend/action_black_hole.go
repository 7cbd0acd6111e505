package bend

import (
	"xmppscope/proxy"
)

func init() {
	actions["black-hole"] = action{says: "behind the element nothing is passed on any more, in a direction or both", takes: []string{"of"}, make: func(p *params) do {
		of := p.dir("of")
		return func(m *match) proxy.Decision {
			return bent("behind it nothing is passed on any more", proxy.Bend{What: proxy.BlackHole, Dir: of})
		}
	}}
}
