package xmpptest

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"xmppscope/decode"
	"xmppscope/decode/core"
	"xmppscope/decode/sasl"
	"xmppscope/decode/verdict"
	"xmppscope/decode/xep"
	"xmppscope/session"
)

// Transcripts runs the given rules over every testdata/*/*.txtar of the package
// under test and compares what they say with the file. A transcript has two
// parts:
//
//	-- dialogue --
//	C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>…</auth>
//	S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
//	-- notes --
//	1 info <PLAIN>
//	    mechanism: the client logs in with "PLAIN" (RFC 6120 §6.4.2)
//
// In the dialogue, C and S are what the two sides send; a line without a side
// goes on with the one before, after a line feed. "*: tls" stands for TLS on both legs, that is
// through xmppscope; "*: tls server" or "*: tls client" for one leg, as in other
// people's captures; what follows is the version. Any other event is written as
// its JSON: *: {"kind":"tcp:opened","leg":"client",…}. The clock moves by one
// millisecond a line, and by as much as "*: wait 40s" says. What is said in HTTP is
// "*: C http GET / HTTP/1.1|Host: a", where | is a line end, "*: C body <body…>" with a head
// of its own, and "*: C ws <open…>" for a message of WebSocket; and so with S. "*: session" begins
// another session of the same run; its events are numbered "2.1", "2.2", …
//
// In the notes, each one gives the event's number, severity, rule, and the bytes
// it points at, secrets blanked; then what it says. With -update the
// notes are written anew.
//
// Each dialogue is also fed byte by byte: what is said must not change.
func Transcripts(t *testing.T, rules []decode.Rule) {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.ToSlash(file), ".txtar"), func(t *testing.T) { transcript(t, file, rules) })
	}
}

// Knowing is a rule that says nothing, but tells the others the passwords of
// accounts, by "user@domain", as a user of xmppscope does.
func Knowing(passwords map[string]string) decode.Rule {
	return decode.Rule{
		ID: "test-passwords", Title: "the accounts of the test", Ref: "none",
		New: decode.Stateless(func(s *decode.Seen) []session.Note {
			s.State.Passwords = func(user, domain string) (string, bool) {
				p, ok := passwords[user+"@"+domain]
				return p, ok
			}
			return nil
		}),
	}
}

func transcript(t *testing.T, file string, rules []decode.Rule) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dialogue, want := part(ar, "dialogue"), part(ar, "notes")
	if dialogue == "" {
		t.Fatalf("%s has no dialogue", file)
	}
	got := Describe(Dialogue(t, dialogue, rules, 0))
	if bytewise := Describe(Dialogue(t, dialogue, rules, 1)); got != bytewise {
		t.Errorf("fed byte by byte, the notes differ (-whole +bytes):\n%s", cmp.Diff(got, bytewise))
	}
	if *update {
		ar.Files = []txtar.File{{Name: "dialogue", Data: []byte(dialogue)}, {Name: "notes", Data: []byte(got)}}
		write(t, file, txtar.Format(ar))
		return
	}
	compare(t, "notes", want, got)
}

func part(ar *txtar.Archive, name string) string {
	for _, f := range ar.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// Dialogue plays a dialogue to the rules and returns the explained events. The
// bytes are fed in chunks of this size, or a line at a time if it is 0.
func Dialogue(t testing.TB, text string, rules []decode.Rule, chunk int) []session.Event {
	t.Helper()
	p := &player{
		rules: rules,
		at:    time.Date(2008, 5, 12, 10, 0, 0, 0, time.UTC),
		chunk: chunk,
	}
	p.begin()
	var side byte
	for line := range strings.Lines(text) {
		if len(line) > 2 && line[1] == ':' && line[2] == ' ' && strings.IndexByte("CS*", line[0]) >= 0 {
			side = line[0]
			line = line[3:]
		} else {
			line = "\n" + line
		}
		line = strings.TrimSuffix(line, "\n")
		p.at = p.at.Add(time.Millisecond)
		switch side {
		case 'C':
			p.feed(session.C2S, line)
		case 'S':
			p.feed(session.S2C, line)
		case '*':
			p.command(t, strings.TrimSpace(line))
		default:
			t.Fatalf("nobody says %q", line)
		}
	}
	p.finish()
	return p.events
}

// Rules are all the rules there are, in the order in which xmppscope has them.
func Rules() []decode.Rule {
	return slices.Concat(core.Rules(), sasl.Rules(), xep.Rules(), verdict.Rules())
}

// Play plays a dialogue to all the rules.
func Play(t testing.TB, dialogue string) []session.Event {
	t.Helper()
	return Dialogue(t, dialogue, Rules(), 0)
}

// player turns bytes into explained events, as the proxy does.
type player struct {
	rules   []decode.Rule
	book    session.Book
	run     decode.Run
	session int
	explain *decode.Session
	stream  *decode.Stream
	at      time.Time
	chunk   int
	seq     uint64
	events  []session.Event
}

// begin begins a session.
func (p *player) begin() {
	p.session++
	p.seq, p.stream = 0, new(decode.Stream)
	p.explain = decode.NewSession(p.rules, &p.book)
	p.explain.Share(&p.run)
}

func (p *player) feed(dir session.Dir, text string) {
	data := []byte(text)
	for len(data) > 0 {
		n := len(data)
		if p.chunk > 0 {
			n = min(n, p.chunk)
		}
		part := data[:n]
		data = data[n:]
		for {
			n, piece, ok := p.stream.Next(dir, part)
			if !ok {
				break
			}
			part = part[n:]
			piece.Events(p.append)
		}
	}
}

func (p *player) finish() {
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		p.stream.Finish(dir)
	}
	p.rest()
}

// rest appends what is left of pieces.
func (p *player) rest() {
	for piece, ok := p.stream.Rest(); ok; piece, ok = p.stream.Rest() {
		piece.Events(p.append)
	}
}

// command is an event as JSON, the beginning of another session, a pause, or "tls [server|client] [version]": a handshake,
// and a new document.
func (p *player) command(t testing.TB, text string) {
	if rest, ok := strings.CutPrefix(text, "{"); ok {
		e, err := session.DecodeJSON([]byte(`{"session":1,"at":"2008-05-12T10:00:00Z",` + rest))
		if err != nil {
			t.Fatal(err)
		}
		p.append(e.Seen)
		return
	}
	words := strings.Fields(text)
	if text == "session" {
		p.finish()
		p.begin()
		return
	}
	if dir, ok := map[string]session.Dir{"C": session.C2S, "S": session.S2C}[first(words)]; ok && len(words) > 2 {
		_, what, _ := strings.Cut(text, " ")
		kind, what, _ := strings.Cut(what, " ")
		p.feed(dir, inHTTP(dir, kind, what))
		return
	}
	if len(words) == 2 && words[0] == "wait" {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		p.at = p.at.Add(d)
		return
	}
	if len(words) == 0 || words[0] != "tls" {
		t.Fatalf("unknown command %q", text)
	}
	legs := []session.Leg{session.ServerLeg, session.ClientLeg}
	version := strings.Join(words[1:], " ")
	if v, ok := strings.CutPrefix(version, "client"); ok {
		legs, version = legs[1:], strings.TrimSpace(v)
	} else if v, ok := strings.CutPrefix(version, "server"); ok {
		legs, version = legs[:1], strings.TrimSpace(v)
	}
	if version == "" {
		version = "TLS 1.3"
	}
	for _, leg := range legs {
		p.append(session.Seen{Leg: leg, Body: session.TLSEstablished{TLSFacts: session.TLSFacts{Version: version}}})
	}
	p.stream.Secured()
	p.rest()
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// inHTTP is what a side says in HTTP: "http" and lines, "body" and what is in it, "ws" and a
// message.
func inHTTP(dir session.Dir, kind, text string) string {
	switch kind {
	case "http":
		return strings.ReplaceAll(text, "|", "\r\n") + "\r\n\r\n"
	case "body":
		head := "POST /http-bind HTTP/1.1\r\nHost: example.net"
		if dir == session.S2C {
			head = "HTTP/1.1 200 OK"
		}
		return fmt.Sprintf("%s\r\nContent-Length: %d\r\n\r\n%s", head, len(text), text)
	}
	return string(WebSocketFrame(dir, 0x81, []byte(text)))
}

// WebSocketFrame is a frame (RFC 6455 §5.2): its first byte, and a payload, masked if it is a
// client's.
func WebSocketFrame(dir session.Dir, first byte, payload []byte) []byte {
	frame := []byte{first}
	masked := byte(0)
	if dir == session.C2S {
		masked = 0x80
	}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, masked|byte(n))
	case n < 1<<16:
		frame = append(frame, masked|126, byte(n>>8), byte(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, masked|127), uint64(n))
	}
	if masked == 0 {
		return append(frame, payload...)
	}
	key := [4]byte{0x12, 0x34, 0x56, 0x78}
	frame = append(frame, key[:]...)
	for i, b := range payload {
		frame = append(frame, b^key[i%4])
	}
	return frame
}

func (p *player) append(e session.Seen) {
	p.seq++
	e.Session, e.Seq, e.At = p.session, p.seq, p.at
	p.events = append(p.events, p.explain.Explain(e))
}

// Describe writes the notes of events as transcripts have them, secrets blanked.
func Describe(events []session.Event) string {
	var b strings.Builder
	for _, e := range events {
		e = session.Blank(e)
		for _, n := range e.Notes {
			if e.Session > 1 {
				fmt.Fprintf(&b, "%d.", e.Session)
			}
			fmt.Fprintf(&b, "%d %s %s", e.Seq, n.Severity, n.Rule)
			if n.Span.Len() > 0 {
				fmt.Fprintf(&b, " %s", excerpt(e.Raw[n.Span.Start:n.Span.End]))
			}
			b.WriteString("\n    ")
			if n.Name != "" {
				fmt.Fprintf(&b, "%s=%q", n.Name, n.Value)
				if n.Secret != "" {
					b.WriteString(" secret")
				}
				if n.Text != "" {
					b.WriteString(": ")
				}
			}
			fmt.Fprintf(&b, "%s (%s)\n", n.Text, n.Ref)
		}
	}
	return b.String()
}

// excerpt shows the beginning and the end of the bytes that a note points at.
func excerpt(raw []byte) string {
	s := session.SafeLine(string(raw))
	if r := []rune(s); len(r) > 48 {
		s = string(r[:32]) + "…" + string(r[len(r)-12:])
	}
	return s
}
