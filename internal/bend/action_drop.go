package bend

import (
	"xmppscope/proxy"
)

func init() {
	actions["drop"] = action{says: "the element is not passed on", make: func(*params) do {
		return func(*match) proxy.Decision { return proxy.Decision{Drop: true, Reason: "not passed on"} }
	}}
}
