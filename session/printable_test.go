package session

import (
	"strings"
	"testing"
)

// TestPrintable: each byte, at each place of a number, ends the run if it has to.
func TestPrintable(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("z", 19-at)
			want := 20
			if c < ' ' || c >= 0x7f || c == '"' || c == '~' {
				want = at
			}
			if got := Printable(s, '"', '~'); got != want {
				t.Fatalf("%q: %d, want %d", s, got, want)
			}
			if got := Printable([]byte(s), '~', '"'); got != want {
				t.Fatalf("%q: %d, want %d", s, got, want)
			}
		}
	}
}
