package session

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBookNumbersValues(t *testing.T) {
	var b Book
	for _, c := range []struct{ kind, value, want string }{
		{"password", "hunter2hunter", "[password #1, 13 characters]"},
		{"password", "öäü", "[password #2, 3 characters]"},
		{"password", "hunter2hunter", "[password #1, 13 characters]"},
		{"token", "hunter2hunter", "[token #1, 13 characters]"},
		{"token", "\xff\xfe", "[token #2, 2 bytes]"},
	} {
		if got := b.Mark(c.kind, c.value); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.kind, c.value, got, c.want)
		}
	}
}

func TestBlank(t *testing.T) {
	raw := "<a x='sec1'>then sec2 end</a>"
	at := func(s string) Span { i := strings.Index(raw, s); return Span{i, i + len(s)} }
	e := Event{Seen: Seen{Raw: []byte(raw)}, Said: Said{Done: true, Notes: []Note{
		{Text: "before", Span: at("<a")}, {Text: "on", Span: at("sec1"), Name: "password", Value: "sec1", Secret: "password", Mark: "[1]"},
		{Text: "between", Span: at("then")}, {Text: "after", Span: at("end")}, {Text: "across", Span: Span{at("sec1").Start, at("sec2").End}},
	}}}
	e.AddSecrets(Secret{"password", at("sec2"), "[a longer mark]"}, Secret{"password", at("sec1"), "[1]"})
	got := Blank(e)
	if string(got.Raw) != "<a x='[1]'>then [a longer mark] end</a>" || !got.Redacted {
		t.Fatalf("raw %q, redacted %v", got.Raw, got.Redacted)
	}
	var spans []string
	for _, n := range got.Notes {
		spans = append(spans, string(got.Raw[n.Span.Start:n.Span.End]))
	}
	if d := cmp.Diff([]string{"<a", "[1]", "then", "end", "[1]'>then [a longer mark]"}, spans); d != "" {
		t.Errorf("the notes point at (-want +got):\n%s", d)
	}
	if got.Notes[1].Value != "[1]" {
		t.Errorf("value %q", got.Notes[1].Value)
	}
	if string(e.Raw) != raw || e.Notes[1].Value != "sec1" {
		t.Error("the event itself was changed")
	}
	if d := cmp.Diff(got, Blank(got)); d != "" {
		t.Errorf("blanking twice changes it:\n%s", d)
	}
}

func TestAddSecretsJoinsOverlaps(t *testing.T) {
	var e Event
	e.AddSecrets(Secret{"b", Span{5, 9}, "B"}, Secret{"a", Span{2, 6}, "A"}, Secret{"none", Span{3, 3}, "N"}, Secret{"c", Span{9, 12}, "C"})
	want := []Secret{{"a", Span{2, 9}, "A"}, {"c", Span{9, 12}, "C"}}
	if d := cmp.Diff(want, e.Secrets); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"plain ä 😀 👩‍💻\n\t": "plain ä 😀 👩‍💻\n\t",
		"\x1b[31mred":       "␛[31mred",
		"a\u202eb\u2066":    "a\\u202eb\\u2066",
		"\x00\x7f\r":        "␀␡␍",
		"\u009b31m":         "\\u009b31m",
		"zero\u200bwidth":   "zero\\u200bwidth",
		"bad\xff":           `bad\xff`,
		"\ufeffbom\u2028":   "\\ufeffbom\\u2028",
	} {
		if got := Safe(in); got != want {
			t.Errorf("Safe(%q) = %q, want %q", in, got, want)
		}
	}
	if got := SafeLine("a\nb\tc"); got != "a␊b␉c" {
		t.Errorf("SafeLine: %q", got)
	}
}
