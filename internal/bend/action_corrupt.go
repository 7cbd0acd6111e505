package bend

import (
	"bytes"

	"xmppscope/proxy"
)

func init() {
	actions["corrupt"] = action{says: "a byte of the element becomes another: its bits are turned round", takes: []string{"at"}, make: func(p *params) do {
		at := p.count("at")
		return func(m *match) proxy.Decision {
			if at >= len(m.raw) {
				return proxy.Decision{}
			}
			raw := bytes.Clone(m.raw)
			raw[at] ^= 0xff
			return m.changed(raw, "byte %d of it was turned round", at)
		}
	}}
}
