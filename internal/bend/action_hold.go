package bend

import (
	"xmppscope/proxy"
)

func init() {
	actions["hold"] = action{says: "the element waits for somebody to decide, in the inspector or over the api", make: func(*params) do {
		return func(m *match) proxy.Decision {
			return proxy.Decision{Hold: "rule " + m.rule.Name, Bent: true, Reason: "held"}
		}
	}}
}
