package viewer

import (
	"strings"
	"testing"

	"xmppscope/session"
)

// TestCopyAs: a value, Markdown, a command line; nothing of it holds a secret that is not on
// the screen, or does harm where it is pasted.
func TestCopyAs(t *testing.T) {
	o := Options{}
	o.CommandLine = func(session int, seq uint64) string { return "" }
	b := newBench(t, 100, 40, o).play(login(1)).press("/logs in<Enter>")
	b.press("Y").has("Copy #", "m  Markdown", "c  a command line", "x  its text").press("c").has("nothing is being saved")
	b.ui.options.CommandLine = func(session int, seq uint64) string { return "xmppscope print a.pcapng" }
	copied := func(keys string) string {
		b.press(keys)
		return string(b.ui.copied)
	}
	if got := copied("Yc"); got != "xmppscope print a.pcapng" {
		t.Errorf("the command line: %q", got)
	}
	if got := copied("Ym"); !strings.HasPrefix(got, "**#") || !strings.Contains(got, "```xml\n<auth") || strings.Contains(got, plainPayload) {
		t.Errorf("Markdown: %s", got)
	}
	if got := copied("Yx"); !strings.Contains(got, "<auth") || strings.Contains(got, plainPayload) {
		t.Errorf("the text: %q", got)
	}
	b.press("Y").has("mechanism: PLAIN").press("<Esc>")
	if got := copied("Y1"); got == "" || strings.Contains(got, "ysong@1984") {
		t.Errorf("a value: %q", got)
	}
	s := chats(1)
	s.events = s.events[:0]
	e := s.element(0, session.S2C, "<message><body>```` *x* \x1b[31m</body></message>", "says *it* [now](http://x)")
	e.Notes = append(e.Notes, session.Note{Severity: session.Warning, Text: "a <b>finding</b>", Ref: "RFC 6120"})
	got := markdown(e, false)
	for _, want := range []string{"`````xml", "\\*it\\* \\[now\\](http://x)", "* warning: a \\<b\\>finding\\</b\\> RFC 6120"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Error("an escape is in it")
	}
	newBench(t, 80, 24, Options{}).press("Y").has("there is no event to copy")
}
