package decode

import (
	"bytes"
	"testing"
)

// TestWords puts every byte at every place of a word and behind it, and asks byte
// by byte what the words are to find.
func TestWords(t *testing.T) {
	first := func(p []byte, stop func(byte) bool) int {
		for i, c := range p {
			if stop(c) {
				return i
			}
		}
		return len(p)
	}
	for size := range 20 {
		for at := range size {
			for c := range 256 {
				for _, other := range []byte("a!\x7f") {
					p := bytes.Repeat([]byte{'b'}, size)
					p[at] = byte(c)
					p[min(at+1, size-1)] = other
					check := func(what string, got int, stop func(byte) bool) {
						t.Helper()
						if want := first(p, stop); got != want {
							t.Fatalf("%s of %q is %d, byte by byte it is %d", what, p, got, want)
						}
					}
					check("valueEnd", valueEnd(p, '"'), func(c byte) bool { return c == '"' || c == '<' })
					check("valueEnd", valueEnd(p, '\''), func(c byte) bool { return c == '\'' || c == '<' })
					check("ordinary", ordinary(string(p)), func(c byte) bool { return c < ' ' || c >= 0x7f || c == '&' || c == '<' })
				}
			}
		}
	}
}
