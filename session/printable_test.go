package session

import (
	"strings"
	"testing"
)

// TestPrintable: each byte, at each place of a number, ends the run if it has to.
func TestPrintable(t *testing.T) {
	long := strings.Repeat("text ", 100)
	if n := testing.AllocsPerRun(10, func() { Printable([]byte(long), 0, 0) }); n > 0 {
		t.Errorf("a string is copied: %v allocations", n)
	}
	for c := range 256 {
		for at := range 20 {
			s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("z", 19-at)
			want := 20
			if c < ' ' || c >= 0x7f || c == '"' || c == '~' {
				want = at
			}
			if got := Printable([]byte(s), '~', '"'); got != want {
				t.Fatalf("%q: %d, want %d", s, got, want)
			}
		}
	}
}
