package bend

import (
	"math/rand/v2"
	"sync"
	"time"

	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["delay"] = action{says: "the element comes later, and what is behind it too", takes: []string{"for", "jitter"}, make: func(p *params) do {
		fixed, jitter := p.duration("for"), p.duration("jitter")
		if fixed+jitter == 0 {
			p.fail("do", "it needs for = \"2s\", or jitter")
		}
		rnd := rand.New(rand.NewPCG(uint64(p.count("seed")), 1))
		var mu sync.Mutex // sessions share it
		return func(*match) proxy.Decision {
			d := fixed
			if jitter > 0 {
				mu.Lock()
				d += time.Duration(rnd.Int64N(int64(jitter)))
				mu.Unlock()
			}
			return proxy.Decision{Delay: d, Bent: true, Reason: "delayed by " + session.ShortTime(d)}
		}
	}}
}
