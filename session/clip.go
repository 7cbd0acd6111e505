package session

// Clip shortens text to at most n characters, the last of them "…" where
// something was cut off. It reads no more of the text than it keeps.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	count, cut := 0, 0
	for i := range s {
		switch count++; count {
		case n:
			cut = i
		case n + 1:
			return s[:cut] + "…"
		}
	}
	return s
}
