package decode

import (
	"errors"
	"fmt"
	"testing"

	"xmppscope/session"
)

// TestSentence holds every kind of verb and argument against fmt, those that are
// wrong included.
func TestSentence(t *testing.T) {
	formats := []string{"", "plain", "100%", "%", "%%", "a %s", "%s", "%q and %q", "%d of %s", "%v", "%5d", "%x", "%s%s", "%[1]s", "%%%s", "é %q ü", "%s %", "%-3s|", "%T", "%c"}
	values := []any{"", "text", "a \"quote\" \\ \x00 é \u202e \xff", 7, -7, int64(-9), uint64(9)}
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
	for _, other := range []any{1.5, nil, errors.New("e"), []string{"x"}} {
		if got := sentence("%s: %s", []any{"this", other}); got != "this: "+notSaid {
			t.Errorf("%v is said as %q", other, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Say(session.Info, session.Span{}, "%q sends %d", unknown("him"), len(unknown("x"))) }); n != 1 {
		t.Errorf("a sentence takes %v allocations: its text should be the only one", n)
	}
}

// unknown is a string that the compiler does not know.
//
//go:noinline
func unknown(s string) string { return s }
