package xmpptest

import "xmppscope/internal/lent"

// All tests that use this package spoil what was lent when it comes back.
func init() { lent.Spoil = true }
