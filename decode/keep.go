package decode

import "strings"

// Keep is a string to be remembered: a copy of what was cut from the bytes of an event,
// which it would hold on to; or one of those that are remembered, if it is the same.
func Keep(s string, had ...string) string {
	for _, h := range had {
		if h == s {
			return h
		}
	}
	return strings.Clone(s)
}
