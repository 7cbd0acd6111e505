package capture

import (
	"crypto/tls"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/internal/columns"
	"xmppscope/session"
)

func TestLadderArrows(t *testing.T) {
	step := &session.Step{N: 10, ID: "sasl-auth"}
	up, down := session.ServerLeg, session.ClientLeg
	for _, c := range []struct {
		event session.Event
		want  string
	}{
		{session.Event{Seen: session.Seen{Seq: 3, Dir: session.C2S, Body: session.StreamElement{}}, Said: session.Said{Done: true, Step: step}}, "│─ #3 sasl-auth ───────────────┼─────────────────────────────▶│"},
		{session.Event{Seen: session.Seen{Dir: session.S2C, Body: session.StreamElement{}, Name: "message"}, Said: session.Said{Done: true}}, "│◀─────────────────────────────┼──────────────────── message ─│"},
		{session.Event{Seen: session.Seen{Seq: 8, Leg: up, Body: session.TLSEstablished{}}, Said: session.Said{Done: true, Step: &session.Step{N: 6, ID: "tls"}}}, "│                              │◀══════════ #8 tls ══════════▶│"},
		{session.Event{Seen: session.Seen{Leg: down, Body: session.TCPOpened{}}, Said: session.Said{Done: true}}, "│──────── tcp:opened ─────────▶│                              │"},
		{session.Event{Seen: session.Seen{Leg: up, Body: session.TCPClosed{}}, Said: session.Said{Done: true}}, "│                              │╌╌╌╌╌╌╌╌ tcp:closed ╌╌╌╌╌╌╌╌╌×│"},
		{session.Event{Seen: session.Seen{Dir: session.C2S, Origin: session.OriginSelf, Body: session.RelaySent{}}, Said: session.Said{Done: true}}, "│                              │─ relay:sent ────────────────▶│"},
		{session.Event{Seen: session.Seen{Dir: session.S2C, Origin: session.OriginSelf, Body: session.RelaySent{}}, Said: session.Said{Done: true}}, "│◀──────────────── relay:sent ─│                              │"},
		{session.Event{Seen: session.Seen{Body: session.LogLost{}}, Said: session.Said{Done: true}}, "│           log:lost           │                              │"},
		{session.Event{Seen: session.Seen{Dir: session.C2S, Body: session.StreamElement{}, Name: "\x1b[2J" + strings.Repeat("x", 99)}, Said: session.Said{Done: true}}, "│─ ␛[2Jxxxxxxxxxxxxxxxxxxx… ───┼─────────────────────────────▶│"},
	} {
		if diff := cmp.Diff(c.want, arrow(&c.event)); diff != "" {
			t.Errorf("%s: %s", c.event.Kind(), diff)
		}
	}
}

// TestLadderFits: 80 columns hold all, hostile text included, and nothing of the
// explanation is lost.
func TestLadderFits(t *testing.T) {
	file := string(record(t, ".txt", Options{Tool: "xmppscope test"}, append(mixed(t), evilEvents(t)...)))
	for i, line := range strings.Split(file, "\n") {
		if n := columns.Of(line); n > 80 {
			t.Errorf("line %d is %d wide: %q", i+1, n, line)
		}
	}
	if session.Safe(file) != file {
		t.Error("the file steers a terminal")
	}
	for _, want := range []string{"━━ session 2, 2026-11-22 ━", "━━ session 1 goes on ━", "what happens at sasl-auth (RFC 6120 §6.4.2)", "! warning: password = [password #1, 13"} {
		if !strings.Contains(file, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestLadderInShort(t *testing.T) {
	file := string(record(t, ".txt", Options{}, full(t, 1, tls.VersionTLS13)))
	_, short, _ := strings.Cut(file[strings.LastIndex(file, "tcp:closed"):], "\n\n")
	for _, want := range []string{"ms │─ #3 stream-open-1 ────", "│◀════════ #8 TLS 1.3 ════════▶│◀════════ #8 TLS 1.3 ════════▶│", "session 1: logged in", "! warning at #13: password = [password #1, 13 characters]"} {
		if !strings.Contains(short, want) {
			t.Errorf("%q is missing in\n%s", want, short)
		}
	}
}

// TestLadderFileBeginsWithVerdicts: in a file they come before what they judge,
// and nothing is lost or told twice.
func TestLadderFileBeginsWithVerdicts(t *testing.T) {
	events := mixed(t)
	f, err := Create(filepath.Join(t.TempDir(), "x.txt"), false, Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := saved(t, f, events)
	top, rest, _ := strings.Cut(string(file), "\n━━ session ")
	streamed := string(record(t, ".txt", Options{}, events))
	for _, verdict := range []string{"\nsession 1: ", "\nsession 2: "} {
		if strings.Count(top, verdict) != 1 || strings.Contains(rest, verdict) {
			t.Errorf("%q is not on top alone", verdict)
		}
	}
	if a, b := strings.Count(string(file), "\n"), strings.Count(streamed, "\n"); a != b {
		t.Errorf("the file has %d lines, what was streamed %d", a, b)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, nil},
		{"one two three", 8, []string{"one two", "three"}},
		{"  in dent", 6, []string{"  in", "  dent"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"a abcdefghij b", 4, []string{"a", "abcd", "efgh", "ij b"}},
		{strings.Repeat(" ", 50) + "x", 4, []string{"  x"}},
		{"a\nb\x1b", 9, []string{"a␊b␛"}},
		{"你好 世界", 4, []string{"你好", "世界"}},
		{"你好世界", 5, []string{"你好", "世界"}},
		{"e\u0301e\u0301 👍🏽x", 2, []string{"e\u0301e\u0301", "👍", "🏽", "x"}},
	} {
		if diff := cmp.Diff(c.want, wrap(c.text, c.width)); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}
