package columns

import "testing"

func TestColumns(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		in4     string
	}{
		{"", 0, ""}, {"abcd", 4, "abcd"}, {"abcde", 5, "abc…"}, {"日本語", 6, "日…"}, {"日本", 4, "日本"},
		{"e\u0301tude", 5, "e\u0301tu…"}, {"👩\u200d💻", 4, "👩\u200d💻"}, {"a\ufe0fbcd", 4, "a\ufe0fbcd"}, {"ü–“x”", 5, "ü–“…"},
	} {
		if got := Of(c.text); got != c.columns {
			t.Errorf("%q takes %d columns, want %d", c.text, got, c.columns)
		}
		if got := Clip(c.text, 4); got != c.in4 {
			t.Errorf("%q in 4 columns is %q, want %q", c.text, got, c.in4)
		}
		n, taken := Fit(c.text, 4)
		if taken != Of(c.text[:n]) || taken > 4 {
			t.Errorf("%d bytes of %q fit, in %d columns", n, c.text, taken)
		}
	}
}
