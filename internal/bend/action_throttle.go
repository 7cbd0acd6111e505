package bend

import (
	"cmp"
	"fmt"

	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["throttle"] = action{says: "from the element on a direction is written slowly (bytes a second), or a few bytes at a time", takes: []string{"rate", "chunk", "of"}, make: func(p *params) do {
		rate, chunk, of := p.count("rate"), p.count("chunk"), p.dir("of")
		if rate+chunk == 0 {
			p.fail("do", "it needs rate = 1000 (bytes a second), or chunk = 1 (bytes at a time)")
		}
		reason := "written slowly from here on"
		if rate > 0 {
			reason = fmt.Sprintf("written at %d bytes a second from here on", rate)
		}
		if chunk > 0 {
			reason += fmt.Sprintf(", %s at a time", session.Plural(chunk, "byte"))
		}
		return func(m *match) proxy.Decision {
			dir := cmp.Or(of, m.dir)
			return bent("what the "+dir.Sender()+" sends is "+reason, proxy.Bend{What: proxy.Pace, Dir: dir, Rate: rate, Chunk: chunk})
		}
	}}
}
