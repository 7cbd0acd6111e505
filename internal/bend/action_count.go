package bend

import (
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/proxy"
)

func init() {
	actions["count"] = action{says: "lies about h, how many stanzas have arrived (XEP-0198): h = \"+5\", \"-1\" or \"0\"", takes: []string{"h"}, make: func(p *params) do {
		text := p.needed("h")
		by, err := strconv.ParseInt(text, 10, 33)
		relative := strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-")
		if text != "" && err != nil {
			p.fail("h", "h has to be a number, or by how much it differs: \"+5\"")
		}
		return func(m *match) proxy.Decision {
			root, _ := decode.ParseTag(m.raw, m.scope)
			if root == nil {
				return proxy.Decision{}
			}
			h, err := strconv.ParseUint(root.Attr("h"), 10, 32)
			if err != nil {
				return proxy.Decision{}
			}
			lie := uint32(by)
			if relative {
				lie = uint32(int64(h) + by)
			}
			return m.changed(root.AttrSpan("h").Replaced(m.raw, strconv.FormatUint(uint64(lie), 10)), "h says %d, and was %d", lie, h)
		}
	}}
}
