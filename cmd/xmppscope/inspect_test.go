package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/capture"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
	"xmppscope/viewer"
)

// scramLogin is the example of RFC 5802 §5; the password is "pencil".
const scramLogin = `C: <?xml version='1.0'?><stream:stream to='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
S: <?xml version='1.0'?><stream:stream from='example.net' id='s1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>
S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>
C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>biwsbj11c2VyLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdM</auth>
S: <challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj1meWtvK2QybGJiRmdPTlJ2OXFreGRhd0wzcmZjTkhZSlkxWlZ2V1ZzN2oscz1RU1hDUitRNnNlazhiZjkyLGk9NDA5Ng==</challenge>
C: <response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yz1iaXdzLHI9ZnlrbytkMmxiYkZnT05Sdjlxa3hkYXdMM3JmY05IWUpZMVpWdldWczdqLHA9djBYOHYzQnoyVDBDSkdiSlF5RjBYK0hJNFRzPQ==</response>
S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9</success>
`

func TestVerify(t *testing.T) {
	events := xmpptest.Dialogue(t, scramLogin, rules(), 0)
	before := slices.Clone(events)
	check := func(jid, password string, events []session.Event) (string, *inspection) {
		i := new(inspection)
		c := i.verify(jid, password, slices.Values(events))
		said := c.Why
		for _, p := range c.Proofs {
			said += p.Note.Name + " " + p.Note.Value + "; "
			if p.Step == nil || p.Seq == 0 || strings.Contains(p.Note.Text, password) {
				t.Errorf("%s: proof %+v", jid, p)
			}
		}
		return said, i
	}
	said, i := check("User@example.net", "pencil", events)
	if said != "proof-check fits; signature-check fits; " {
		t.Errorf("the right password: %s", said)
	}
	if got, ok := i.accounts.find("user", "example.net"); !ok || got != "pencil" {
		t.Error("the password is not kept for later logins")
	}
	if said, _ := check("user@example.net", "pen", events); !strings.HasPrefix(said, "proof-check does not fit; ") {
		t.Errorf("a wrong password: %s", said)
	}
	if said, _ := check("juliet@example.net", "pencil", events); said != "this session logs in as user@example.net, not as juliet@example.net" {
		t.Errorf("another account: %s", said)
	}
	if said, _ := check("user@example.net", "pencil", events[:3]); said != "no login was begun in this session" {
		t.Errorf("no login: %s", said)
	}
	if said, _ := check("user@example.net", "pencil", events[:4]); !strings.Contains(said, "SCRAM-SHA-1") {
		t.Errorf("a login that was cut off: %s", said)
	}
	if len(before) != len(events) || before[5].Summary != events[5].Summary || len(before[5].Notes) != len(events[5].Notes) {
		t.Error("the events were changed")
	}
	for k := range events {
		events[k] = session.Blank(events[k])
	}
	if said, _ := check("user@example.net", "pencil", events); !strings.Contains(said, "saved without its secrets") {
		t.Errorf("a recording without secrets: %s", said)
	}
}

// TestVerdictBroughtUpToDate: a password that is given after the login changes the verdict,
// for all that read the log.
func TestVerdictBroughtUpToDate(t *testing.T) {
	refused := strings.Replace(scramLogin, "S: <success", `S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
*: {"kind":"tcp:closed","leg":"client","detail":{"by":"client"}}
`+"*: ", 1)
	refused = refused[:strings.LastIndex(refused, "*: ")]
	events := xmpptest.Dialogue(t, refused, rules(), 0)
	log := session.NewLog()
	defer log.Close()
	i := &inspection{log: log}
	session1 := func() []session.Event {
		later, _ := log.Read(0)
		return slices.Concat(events, later)
	}
	for _, password := range []string{"pencil", "pencil", "pen"} {
		i.verify("user@example.net", password, slices.Values(session1()))
		for right, says := range map[string]string{"pencil": "another password for this account", "pen": "used another password"} {
			if verdict := newestVerdict(session1()); strings.Contains(verdict, says) != (right == password) {
				t.Errorf("with %q: %s", password, verdict)
			}
		}
	}
	if n := log.Len(); n != 2 { // what has not changed is not told again
		t.Errorf("%d verdicts", n)
	}
	all := session1()
	last := all[len(all)-1]
	if b, ok := last.Body.(session.RelayVerdict); !ok || b.Replaces != last.Seq-1 || last.Seq != all[len(all)-2].Seq+1 || last.Kind() != "relay:verdict" {
		t.Errorf("%+v", last)
	}
}

func TestExportHook(t *testing.T) {
	events := xmpptest.Dialogue(t, scramLogin, rules(), 0)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("taken.xml"), []byte("<x/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("inuse.jsonl"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	i := &inspection{inUse: []string{at("inuse.jsonl")}}
	for name, want := range map[string]string{
		"taken.xml": "exists and is not empty", "inuse.jsonl": "by this run", "x.doc": "unknown extension", "": "is a folder", "none/x.xml": "there is no folder",
	} {
		err := i.export(t.Context(), at(name), viewer.ExportOptions{}, slices.Values(events))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	if err := i.export(t.Context(), "-", viewer.ExportOptions{}, slices.Values(events)); err == nil {
		t.Error("an export to the screen is accepted")
	}
	for _, reveal := range []bool{false, true} {
		path := at(map[bool]string{false: "blank.jsonl", true: "clear.jsonl"}[reveal])
		if err := i.export(t.Context(), path, viewer.ExportOptions{Reveal: reveal}, slices.Values(events)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || bytes.Contains(text, []byte("v0X8v3Bz2T0CJGbJQyF0X")) != reveal {
			t.Errorf("%s: the proof is in it: %v (%v)", path, !reveal, err)
		}
		n := 0
		if _, err := capture.Read(bytes.NewReader(text), func(session.Event) error { n++; return nil }); err != nil || n != len(events) {
			t.Errorf("%s: %d events are read back, want %d (%v)", path, n, len(events), err)
		}
	}
	left, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.export(left, at("cut.txt"), viewer.ExportOptions{}, slices.Values(events[:2])); err != nil {
		t.Fatal(err)
	}
	i.ending.Sessions = make([]session.Overview, reportedSessions+2)
	for k := range i.ending.Sessions {
		i.ending.Sessions[k] = session.Overview{ID: k + 1, Story: session.Story{State: session.Failed, Reason: "no reason\x1b[31m"}}
	}
	i.ending.Sessions[21].Verdict = "logged in as user"
	var out strings.Builder
	i.report(&out)
	for _, want := range []string{"2 sessions before these", "session 3: failed: no reason", "session 22: logged in as user", "blank.jsonl", "clear.jsonl", "cut.txt, and no more"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "session 2:") {
		t.Errorf("the report:\n%s", out.String())
	}
}

func TestHooksNameEveryFormat(t *testing.T) {
	h := new(inspection).hooks()
	if len(h.Formats) != len(capture.Formats()) || h.Export == nil || h.Verify == nil || h.Ended == nil {
		t.Errorf("hooks %+v", h)
	}
	h.Ended(viewer.Ending{})
}

// TestOpenedFiles: the inspector's first page says which sessions came from which file.
func TestOpenedFiles(t *testing.T) {
	said := strings.Join(recording([]opened{{path: "a.xml", from: 1, to: 1}, {path: "b.xml", from: 2, to: 4}, {path: "c.xml", from: 5, to: 4}}), "|")
	if want := "Opened:|  a.xml: session 1|  b.xml: sessions 2 to 4|  c.xml: no session"; said != want {
		t.Errorf("got %s, want %s", said, want)
	}
	if got := openTitle([]string{"/tmp/a.xml", "b.xml", "c.xml"}); got != "xmppscope a.xml +2" {
		t.Errorf("the title is %s", got)
	}
}

// TestExportOverAFile: a file is replaced only when that was asked for.
func TestExportOverAFile(t *testing.T) {
	events := xmpptest.Dialogue(t, scramLogin, rules(), 0)
	path := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := new(inspection)
	if err := i.export(t.Context(), path, viewer.ExportOptions{}, slices.Values(events)); !errors.Is(err, viewer.ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if err := i.export(t.Context(), path, viewer.ExportOptions{Replace: true, Pseudonymise: true}, slices.Values(events)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.HasPrefix(text, []byte("mine")) || bytes.Contains(text, []byte("example.net")) || !bytes.Contains(text, []byte("SCRAM-SHA-1")) {
		t.Errorf("replaced by %.200s (%v)", text, err)
	}
}

func TestFromHome(t *testing.T) {
	t.Setenv("HOME", "/home/juliet")
	for path, want := range map[string]string{"~/x.xml": "/home/juliet/x.xml", "~x.xml": "~x.xml", "a/~/b": "a/~/b"} {
		if got := fromHome(path); filepath.ToSlash(got) != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

// TestFilesOfALiveRun: the inspector is told of each file of --save and how far it is.
func TestFilesOfALiveRun(t *testing.T) {
	t.Chdir(t.TempDir())
	for rotate, want := range map[string]string{
		"":     "x.jsonl is being written: 0 bytes so far",
		"50MB": "x.jsonl is being written, in numbered files: 0 bytes in the newest",
	} {
		l := &live{saves: []string{"x.jsonl"}, rotate: rotate}
		if err := l.open(); err != nil {
			t.Fatal(err)
		}
		l.inspect.wrote("exported %d events to y.md", 3)
		first := l.inspect.hooks().Files()
		if len(first) != 2 || !strings.HasPrefix(first[0], strings.Split(want, ": ")[0]+": ") || first[1] != "exported 3 events to y.md" {
			t.Errorf("%q: told is %q, want %q", rotate, first, want)
		}
		if err := l.files[0].Write(session.Event{Seen: session.Seen{Session: 1, Seq: 1, Body: session.TCPOpened{}}, Said: session.Said{Done: true}}); err != nil {
			t.Fatal(err)
		}
		if second := l.inspect.hooks().Files(); second[0] == first[0] {
			t.Errorf("%q: told is still %q", rotate, second)
		}
		l.closeFiles()
		l.log.Close()
	}
	if got := new(inspection).hooks().Files(); len(got) != 0 {
		t.Errorf("nothing is saved, told is %q", got)
	}
}

// TestAFailedSaveIsTold: in the inspector's first line and on its page, not over the screen.
func TestAFailedSaveIsTold(t *testing.T) {
	t.Chdir(t.TempDir())
	l := &live{saves: []string{"x.jsonl"}}
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	l.board.to = &out
	defer l.log.Close()
	end := l.board.begin()
	l.log.Append(session.Event{Seen: session.Seen{Session: 1, Seq: 1, Body: session.TCPOpened{}}, Said: session.Said{Done: true}})
	l.spool = session.NewSpool(session.SpoolOptions{})
	defer l.spool.Close()
	l.files[0].Close() // as a full disk: nothing can be written any more
	l.log.End()
	if err := l.save(l.savers[0], l.files[0]); err == nil {
		t.Fatal("writing to a closed file works")
	}
	h := l.inspect.hooks()
	saves := h.Saves()
	if len(saves) != 1 || saves[0].Name != "x.jsonl" || !saves[0].Keeps || saves[0].Problem == "" || saves[0].At.IsZero() || saves[0].Events != 0 {
		t.Errorf("saves %+v", saves)
	}
	if got := h.Files(); len(got) != 1 || !strings.Contains(got[0], "x.jsonl: saving stopped at ") || !strings.Contains(got[0], "the first 0 of 1 event are in it") {
		t.Errorf("the page says %q", got)
	}
	if got := h.Told(); len(got) != 1 || !strings.Contains(got[0], "nothing more is saved there") || out.Len() != 0 {
		t.Errorf("told %q, written %q", got, out.String())
	}
	end()
	if !strings.Contains(out.String(), "nothing more is saved there") {
		t.Errorf("after the inspector: %q", out.String())
	}
}

// TestRootOf: of a full disk the first line says just that.
func TestRootOf(t *testing.T) {
	err := fmt.Errorf("cannot write %q: %w", "a.pcapng", &os.PathError{Op: "write", Path: "a.pcapng", Err: errors.New("no space left on device")})
	for _, err := range []error{err, errors.Join(err, errors.New("and it cannot be closed"))} {
		if got := rootOf(err); got != "no space left on device" {
			t.Errorf("the cause is %q", got)
		}
	}
}

// TestCommandLine: what prints one event, as a shell takes it.
func TestCommandLine(t *testing.T) {
	for want, i := range map[string]*inspection{
		"": {},
		"xmppscope print a.pcapng b.jsonl --filter 'session == 2 && seq == 7'":   {inUse: []string{"a.pcapng", "b.jsonl"}},
		"xmppscope print a.pcapng --filter 'session == 2 && seq == 7'":           {inUse: []string{"a.pcapng", "b.jsonl"}, saves: func() []viewer.Save { return nil }},
		`xmppscope print 'it'\''s $(x).xml' --filter 'session == 2 && seq == 7'`: {inUse: []string{"it's $(x).xml"}},
	} {
		if got := i.commandLine(2, 7); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
