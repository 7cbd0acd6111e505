package viewer

import (
	"fmt"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestFindings: kinds with counts, their places, checks that are ignored, an export.
func TestFindings(t *testing.T) {
	var w written
	o := exporting(&w)
	b := newBench(t, 120, 40, o).play(login(1), refused(2), distrust(3)).press("l")
	b.has("Findings · session 1", "2 kinds, 2 places", "▲ should", "im", "has no id; receipts", "• notice", "sasl-plain", "#13", "#25").lacks("not-authorized")
	b.press("o").has("sorted by count").press("oo").has("sorted by who").press("oo").has("sorted by severity")
	b.press("l").has("Findings · all sessions", "3 kinds, 4 places", "✗ breaks", "2#14", "1#25").press("l").has("Findings · session 1").press("l")
	b.press("jj<Enter>").has("sasl-plain · 2 places", "#13", "logs in  PLAIN as ysong.lee@gmail.com").press("j<Enter>")
	if b.ui.current().ID != 2 || b.seq() != 13 {
		t.Errorf("Enter goes to #%d of session %d", b.seq(), b.ui.current().ID)
	}
	b.press("ll").press("jjx").has("2 kinds, 2 places · 1 check ignored", "sasl-plain is ignored").lacks("4616").press("X").has("3 kinds")
	b.press("jje").has("Export the events with sasl-plain").press("<CtrlU>x.txt<Enter>")
	if fmt.Sprint(w.seqs) != "[1.13 2.13]" {
		t.Errorf("exported %v", w.seqs)
	}
	b = newBench(t, 120, 30, Options{}).play(login(1)).press("ljx<Esc>g..")
	if b.seq() != 25 {
		t.Errorf("with a check ignored . goes to #%d", b.seq())
	}
	newBench(t, 80, 24, Options{}).press("l").has("there is no session yet")
	quiet := newScript(1)
	quiet.connect()
	newBench(t, 80, 24, Options{}).play(quiet).press("l").has("✓ no findings")
}

// TestFindingsAreReadWhole on a small terminal, too.
func TestFindingsAreReadWhole(t *testing.T) {
	newBench(t, 80, 24, Options{}).play(login(1)).press("l").has("has no id; receipts and corrections cannot name it")
}

// TestPagesNameTheirKeys: what a page says of its keys has room on the last line of a small terminal.
func TestPagesNameTheirKeys(t *testing.T) {
	b, _ := holding(t, 80, 24, "<message/>")
	for keys, last := range map[string]string{"H": "b break", "l": "e export", "l<Enter>": "back to the findings", "T": "T this/all", "C": "X reset"} {
		if got := b.press(keys).has(last).ui.sheet.hint; !strings.HasSuffix(string(got), last) {
			t.Errorf("%s: %q", keys, got)
		}
		b.press("<Esc><Esc>")
	}
	b.press("<Enter>").has("Enter back").press("<Enter>").lacks("Enter back").press("S").has("Enter open")
}

// TestFindingsHideSecrets that they quote.
func TestFindingsHideSecrets(t *testing.T) {
	s := newScript(1)
	e := s.element(0, session.C2S, "<auth>hunter22-and-more</auth>", "logs in")
	e.Secrets = []session.Secret{{Kind: "password", Span: session.Span{Start: 6, End: 23}, Mark: "[password #1, 8 characters]"}}
	e.Notes = []session.Note{{Rule: "y", Name: "password", Value: "hunter22-and-more", Secret: "password", Mark: "[password #1, 17 characters]"}, {Rule: "x", Severity: session.Warning, Text: `it says "hunter22-and-more"`}}
	newBench(t, 120, 30, Options{}).play(s).press("l").has("it says").lacks("hunter22-and-more").press("<Enter>").lacks("hunter22-and-more")
}

// TestSummary stands where a session ends.
func TestSummary(t *testing.T) {
	b := newBench(t, 120, 60, Options{}).play(refused(2)).press("G").has("The session", "at #14 (sasl-failure)", "17 events, 0 stanzas", "✗ 1 × sasl", "#14", "l lists the findings")
	b.press("g").lacks("The session")
	s := login(1)
	s.add(0, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}})
	newBench(t, 120, 60, Options{}).play(s).press("G").has("The session", "━━", "27 events", "stanzas", "round trips in the login")
}

// TestWhoIsBlamed: what is found in a handshake is about the side whose leg it is on, unless the
// handshake says who was guilty.
func TestWhoIsBlamed(t *testing.T) {
	for want, e := range map[string]session.Event{
		"server    ": {Seen: session.Seen{Leg: session.ServerLeg, Body: session.TLSEstablished{TLSFacts: facts(session.ServerLeg)}}},
		"client    ": {Seen: session.Seen{Leg: session.ServerLeg, Body: session.TLSFailed{Guilty: "client"}}},
	} {
		s := newScript(1)
		e.Notes = []session.Note{{Rule: "T11", Severity: session.Warning, Text: "a certificate"}}
		s.add(0, e)
		newBench(t, 80, 24, Options{}).play(s).press("l").has("▲ should    " + want)
	}
}
