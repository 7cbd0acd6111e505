package decode

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestSentence holds every kind of verb and argument against fmt, those that are
// wrong included.
func TestSentence(t *testing.T) {
	formats := []string{"", "plain", "100%", "%", "%%", "a %s", "%s", "%q and %q", "%d of %s", "%v", "%5d", "%x", "%s%s", "%[1]s", "%%%s", "é %q ü", "%s %", "%-3s|", "%T", "%c"}
	values := []any{"", "text", "a \"quote\" \\ \x00 é \u202e \xff", 7, -7, int64(-9), uint64(9), uint8(3), 1.5, true, nil,
		time.Second, errors.New("e"), []string{"x"}, struct{ A int }{1}}
	for _, f := range formats {
		check := func(args ...any) {
			t.Helper()
			if got, want := sentence(f, args), fmt.Sprintf(f, args...); got != want {
				t.Errorf("sentence(%q, %#v) = %q, fmt says %q", f, args, got, want)
			}
		}
		check()
		for _, a := range values {
			check(a)
			for _, b := range values {
				check(a, b)
			}
		}
	}
}
