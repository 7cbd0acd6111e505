package viewer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// written is what a made-up Export has been given.
type written struct {
	path   string
	reveal bool
	o      ExportOptions
	seqs   []string // "session.seq" of each event
	raw    string
}

// exporting gives options with an Export that fills w, and refuses "taken.xml".
func exporting(w *written) Options {
	return Options{CompileFilter: byName, Hooks: Hooks{
		Formats: []Format{{Ext: ".pcapng", Secrets: true}, {Ext: ".txt"}, {Ext: ".xml"}},
		Export: func(_ context.Context, path string, o ExportOptions, events iter.Seq[session.Event]) error {
			if path == "taken.xml" && !o.Replace {
				return fmt.Errorf("taken.xml %w: choose another name", ErrExists)
			}
			*w = written{path: path, reveal: o.Reveal, o: o}
			for e := range events {
				w.seqs = append(w.seqs, fmt.Sprintf("%d.%d", e.Session, e.Seq))
				w.raw += string(e.Raw)
			}
			return nil
		},
	}}
}

func TestExport(t *testing.T) {
	var w written
	b := newBench(t, 100, 40, exporting(&w)).play(login(1), refused(2))
	b.press("e").has("s  this session (1): 26 events", "w  all sessions: 2 sessions, 43 events", "Esc goes back").lacks("marked", "filter: ")
	b.press("z").has("export which events?").press("<Esc>").lacks("export which events?")

	b.press("es").has("session-1.txt", "secrets will be blanked", ".pcapng .txt .xml")
	b.press("<Enter>").has("✓ 26 events written to session-1.txt, secrets blanked")
	if w.path != "session-1.txt" || w.reveal || len(w.seqs) != 26 || w.seqs[0] != "1.1" || w.seqs[25] != "1.26" {
		t.Errorf("exported %+v", w)
	}
	if !strings.Contains(w.raw, plainPayload) {
		t.Error("the events were blanked before Export had them: it cannot tell the formats apart")
	}

	b.press("]ew<CtrlU>taken.xml<CtrlR>").has("secrets will be IN THE CLEAR").press("<Enter>")
	b.has("✗ taken.xml exists and is not empty: choose another name", "to file: taken.xml", "IN THE CLEAR")
	b.press("<CtrlU>two.pcapng").has("always contains passwords and keys").press("<Tab>").has("two.txt").press("<Enter>")
	b.has("43 events written to two.txt, secrets in the clear")
	if w.path != "two.txt" || !w.reveal || len(w.seqs) != 43 {
		t.Errorf("exported %+v", w)
	}
	b.press("es").has("session-2.txt", "secrets will be blanked") // to reveal is for one export only
	b.press("<CtrlU>  <Enter>").has("no file was named")
}

// TestExportToShare: what is taken out, and what is not written over.
func TestExportToShare(t *testing.T) {
	var w written
	b := newBench(t, 100, 40, exporting(&w)).play(login(1))
	b.press("es<CtrlU>a.pcapng<CtrlR>").has("secrets will be blanked", "Ctrl-P replaces them").press("<Tab>")
	b.has("to file: a.txt", "secrets will be blanked").lacks("IN THE CLEAR")
	b.press("<BackTab><Tab><Tab><Enter>").has("written to a.pcapng, secrets blanked")
	if w.o != (ExportOptions{Redact: true}) {
		t.Errorf("redacted with %+v", w.o)
	}
	b.press("es<CtrlU>b.txt<CtrlR><CtrlP>").has("names, addresses and texts will be replaced").lacks("IN THE CLEAR")
	b.press("<Enter>").has("written to b.txt, secrets blanked, names replaced")
	if !w.o.Pseudonymise || w.o.Reveal {
		t.Errorf("pseudonymised with %+v", w.o)
	}
	b.press("es<CtrlU>taken.xml").lacks("Ctrl-O").press("<CtrlO><Enter>").has("✗ taken.xml exists", "Ctrl-O replaces the file")
	b.press("x").lacks("Ctrl-O replaces").press("<CtrlO>").has("to file: taken.xmlx").press("<CtrlU>taken.xml<CtrlO>")
	b.has("written to taken.xml").lacks("to file:")
	if w.path != "taken.xml" || !w.o.Replace {
		t.Errorf("replaced %s with %+v", w.path, w.o)
	}
}

func TestExportOfMarkedAndFiltered(t *testing.T) {
	var w written
	b := newBench(t, 100, 40, exporting(&w)).play(login(1), refused(2))
	b.press("jjm").has("1 marked event;", "· 1 marked", "◆ ").press("]gjm").has("· 2 marked")
	b.press("em<Enter>").has("2 events written to marked.txt")
	if got := strings.Join(w.seqs, " "); got != "1.3 2.2" {
		t.Errorf("marked events exported: %s", got)
	}
	b.press("m").has("unmarked; 1 marked event left").press("M").has("1 mark cleared").lacks("◆ ")
	b.press("M").has("nothing is marked").press("e").lacks("the marked events").press("<Esc>")

	b.press("Ffeatures<Enter>e").has("what passes the filter: still being counted").press("f")
	b.press("<Esc>e").has("what passes the filter: 5 events of all sessions").press("f<Enter>")
	if got := strings.Join(w.seqs, " "); got != "1.5 1.12 1.17 2.5 2.12" || w.path != "filtered.txt" {
		t.Errorf("filtered events exported to %s: %s", w.path, got)
	}
	newBench(t, 80, 24, exporting(&w)).press("m").has("there is no event to mark").press("e").has("nothing to export yet")
}

// TestExportOfBytes: packets and keys go along with a session, but not with a choice of events.
func TestExportOfBytes(t *testing.T) {
	var w written
	b := newBench(t, 100, 40, exporting(&w))
	s := login(1)
	for _, e := range s.events {
		b.log.Append(e)
		b.log.Append(session.Event{Seen: session.Seen{Session: 1, At: e.At, Body: session.WireBytes{}, Raw: []byte("x")}, Said: session.Said{Done: true}})
		b.log.Append(session.Event{Seen: session.Seen{Session: 7, Seq: 1, At: e.At, Body: session.StreamWhitespace{}}, Said: session.Said{Done: true}})
	}
	b.pull()
	b.press("es<Enter>").has("26 events written")
	if len(w.seqs) != 52 || slices.Contains(w.seqs, "7.1") {
		t.Errorf("exported %s", w.seqs)
	}
	b.press("gmem<Enter>").has("1 event written")
	if len(w.seqs) != 1 {
		t.Errorf("exported %s", w.seqs)
	}
}

// TestLeavingWhileExporting: q gives an export up only when asked for twice.
func TestLeavingWhileExporting(t *testing.T) {
	var w written
	b := newBench(t, 100, 40, exporting(&w)).play(login(1))
	var done func(context.Context)
	b.ui.spawn = func(_, then func(context.Context)) context.CancelFunc { done = then; return func() {} }
	b.press("es<Enter>").has("writing session-1.txt", "WRITING").press("e").has("one at a time")
	b.press("q").has("q again abandons it")
	if b.quits != 0 {
		t.Error("q leaves while an export is being written")
	}
	b.press("jq").has("q again abandons it") // between the two came another key
	if b.quits != 0 {
		t.Error("a q of long ago counts")
	}
	b.press("q")
	if b.quits != 1 {
		t.Error("the second q does not leave")
	}
	done(t.Context())
	b.lacks("WRITING")
}

// TestAFailedExportDoesNotDisturb: when something else is being asked, only a line is said.
func TestAFailedExportDoesNotDisturb(t *testing.T) {
	var w written
	b := newBench(t, 100, 40, exporting(&w)).play(login(1))
	b.press("/hello")
	b.ui.exported(export{path: "x.txt"}, 0, errors.New("disk full"))
	b.has("search: hello").press("<Esc>").ui.exported(export{path: "x.txt"}, 0, errors.New("disk full"))
	b.has("✗ disk full", "to file: x.txt")
}

func TestCheckPassword(t *testing.T) {
	var asked []string
	result := Check{
		Proofs: []Proof{
			{Seq: 13, Step: &session.Step{N: 10, Title: "logs in"}, Note: session.Note{Value: "fits", Text: "the client's proof fits the password given to xmppscope"}},
			{Seq: 14, Note: session.Note{Value: "does not fit", Severity: session.Error, Text: "the server's signature does not fit"}},
		},
		Verdict: "the server has another password", Advice: "reset it",
	}
	o := Options{Live: true, Hooks: Hooks{Verify: func(jid, password string, events iter.Seq[session.Event]) Check {
		n := 0
		for range events {
			n++
		}
		asked = append(asked, fmt.Sprintf("%s %s %d", jid, password, n))
		return result
	}}}
	b := newBench(t, 100, 40, o).play(login(1))
	b.press("p").has("password of ysong.lee@gmail.com:", "never written").press("xyl phn").lacks("xyl", "phn").has("*******")
	b.press("<Enter>").has("Password check · session 1", "✓ the client's proof fits the password", "#13, logs in",
		"✗ the server's signature does not fit", "#14", "the server has another password", "→ reset it", "Later logins")
	b.press("<Esc>").lacks("Password check")

	b.press("p<Tab>").has("account: ysong.lee@gmail.com").press("<CtrlU>nobody<Enter>").has(`"nobody" is not a bare JID`)
	result = Check{Why: "this recording was saved without its secrets"}
	b.press("p<Tab><CtrlU>bob@example.net<Enter>")
	b.ui.paste("  two  blanks \r\nand a second line")
	b.press("<Enter>").has("bob@example.net", "nothing could be checked: this recording was saved without its secrets")
	b.press("<Esc>p<Enter>").has("no password was typed")
	if got := strings.Join(asked, "|"); got != "ysong.lee@gmail.com xyl phn 26|bob@example.net   two  blanks  26" {
		t.Errorf("asked for %q", got)
	}
	b.play(distrust(2)).press("p").has("account:", "bare JID of the account").press("<Esc>")
	newBench(t, 80, 24, Options{}).press("p").has("not available here")
	newBench(t, 80, 24, o).press("i").press("p").has("no session yet")
}

func TestCompare(t *testing.T) {
	var given []string
	lines := []DiffLine{{Text: "B's server refused the login", Kind: DiffHead}, {Text: "- #14 authenticated", Kind: DiffA, A: 14}, {Text: "+ #14 refused\x1b[31m", Kind: DiffB, B: 14}}
	o := Options{Hooks: Hooks{Diff: func(a, b []session.Event) func(int) []DiffLine {
		given = append(given, fmt.Sprint(a[0].Session, len(a), b[0].Session, len(b)))
		return func(width int) []DiffLine {
			return append(slices.Clip(lines), DiffLine{Text: fmt.Sprint("in ", width, " columns")})
		}
	}}}
	b := newBench(t, 120, 30, o).play(login(1), refused(2))
	b.press("d").has("comparing session 1: select another, press d", "compare with …").press("d").has("comparing session 1 was cancelled").lacks("compare with …")
	b.press("d]d").has("Session 1 compared with session 2", "B's server refused the login", "+ #14 refused␛[31m", "in 118 columns").lacks("compare with …")
	b.size(200, 30)
	b.show()
	b.has("in 198 columns")
	b.size(120, 30)
	if fmt.Sprint(given) != "[1 26 2 17]" {
		t.Errorf("compared %s", given)
	}
	for i := range 100 {
		lines = append(lines, DiffLine{Text: fmt.Sprint("line ", i)})
	}
	b.press("<Esc>d[d").has("Session 2 compared with session 1", "line 3").lacks("line 99").press("G").has("line 99")
	o.Diff = func(a, b []session.Event) func(int) []DiffLine { return func(int) []DiffLine { return nil } }
	newBench(t, 120, 30, o).play(login(1), refused(2)).press("d]d").has("✓ no difference")
	newBench(t, 80, 24, Options{}).play(login(1)).press("d").has("not available here")
	newBench(t, 80, 24, o).press("d").has("no session to compare")
}

func TestPickReadsOnlyWhatIsAskedFor(t *testing.T) {
	b := newBench(t, 80, 24, Options{})
	for i := range 1000 {
		b.log.Append(session.Event{Seen: session.Seen{Session: 1 + i%2, Seq: uint64(i/2 + 1), At: began, Body: session.StreamElement{}, Name: "iq"}, Said: session.Said{Done: true}})
	}
	b.pull()
	count := func(p inspect.Pick) (n int) {
		for range p.Events(t.Context()) {
			n++
		}
		return n
	}
	b.ui.marks = map[int]bool{0: true, 999: true, 500: true}
	for _, c := range []struct {
		what string
		pick inspect.Pick
		want int
	}{{"whole", b.ui.whole(), 1000}, {"session", b.ui.ofSession(b.ui.model.Sessions[1]), 500}, {"marked", b.ui.ofMarked(), 3}, {"filtered", b.ui.ofFilter(), 1000}} {
		if got := count(c.pick); got != c.want {
			t.Errorf("%s: %d events, want %d", c.what, got, c.want)
		}
	}
	if got, more := b.ui.whole().First(t.Context(), 7); len(got) != 7 || !more {
		t.Errorf("the first 7 are %d, more: %v", len(got), more)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range b.ui.whole().Events(ctx) {
		t.Fatal("events come after the end")
	}
}

// TestFilesOnThePage: the page i names the files that are written, as they stand then.
func TestFilesOnThePage(t *testing.T) {
	var files []string
	o := Options{Live: true, Hooks: Hooks{Files: func() []string { return files }}}
	b := newBench(t, 80, 24, o).lacks("Files")
	files = []string{"login.jsonl is being written: 12 bytes so far", "exported 3 events to a\x1b.md"}
	b.has("Files", "login.jsonl is being written: 12 bytes").lacks("\x1b").play(login(1)).press("i").has("Files", "exported 3 events")
}
