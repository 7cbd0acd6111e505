package peertest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// event is a line of --json, by the names that scripts rely on. It is written
// down here once more on purpose: a name that changes in package session has to
// fail a test.
type event struct {
	Session   int
	Seq       uint64
	At        time.Time
	Leg       string
	Conn      int
	Beside    bool
	Answers   uint64
	Dir       string
	Kind      string
	Origin    string
	Step      *step
	Name      string
	NS        string
	Summary   string
	Raw       *string
	RawBase64 []byte `json:"raw_base64"`
	Size      int64
	Offset    int64
	Truncated bool
	Redacted  bool
	Detail    detail
	Notes     []note
}

type step struct {
	N     int
	ID    string
	Title string
}

type note struct {
	Rule, Severity, Name, Value, Text, Ref, Secret string
}

// detail has what the tests look at of tls:… and tcp:… events.
type detail struct {
	Version, Suite, SNI, Class, Guilty, Alert, Reason, Hint, By string
}

type header struct {
	Format  string
	Version int
}

// field returns the value of a decoded field.
func (e *event) field(name string) string {
	for _, n := range e.Notes {
		if n.Name == name {
			return n.Value
		}
	}
	return ""
}

// says tells whether one of the notes, or the summary, mentions the text.
func (e *event) says(text string) bool {
	if strings.Contains(strings.ToLower(e.Summary), text) {
		return true
	}
	return slices.ContainsFunc(e.Notes, func(n note) bool { return strings.Contains(strings.ToLower(n.Text), text) })
}

func (e *event) is(stepID string) bool { return e.Step != nil && e.Step.ID == stepID }

// recording is all that one run of xmppscope wrote to standard output.
type recording struct {
	header header
	events []event
}

func decode(t *testing.T, lines []byte) recording {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(lines))
	var r recording
	if err := d.Decode(&r.header); err != nil {
		t.Fatalf("the first line is no header: %v", err)
	}
	for d.More() {
		var e event
		if err := d.Decode(&e); err != nil {
			t.Fatalf("event %d: %v", len(r.events)+1, err)
		}
		r.events = append(r.events, e)
	}
	return r
}

// find returns the events that satisfy a condition.
func (r recording) find(f func(*event) bool) []event {
	var out []event
	for i := range r.events {
		if f(&r.events[i]) {
			out = append(out, r.events[i])
		}
	}
	return out
}

// step returns the events on rungs of this kind.
func (r recording) step(id string) []event {
	return r.find(func(e *event) bool { return e.is(id) })
}

// ladder lists the ids of the rungs of a session in order.
func (r recording) ladder(session int) []string {
	var out []string
	n := 0
	for _, e := range r.events {
		if e.Session == session && e.Step != nil && e.Step.N > n {
			n = e.Step.N
			out = append(out, e.Step.ID)
		}
	}
	return out
}

// check fails the test if a recording breaks what is promised of every one.
func (r recording) check(t *testing.T, revealed bool) {
	t.Helper()
	for _, p := range r.problems(revealed) {
		t.Error(p)
	}
}

// problems holds a recording against what is promised of every one. The raws are
// compared with sizes only if secrets were revealed.
func (r recording) problems(revealed bool) (out []string) {
	if r.header.Format != "xmppscope" || r.header.Version != 1 {
		out = append(out, fmt.Sprintf("header is %+v", r.header))
	}
	sessions := map[int]*promises{}
	for i := range r.events {
		e := &r.events[i]
		p := sessions[e.Session]
		if p == nil {
			p = &promises{ids: map[int]string{}, plain: map[string][]event{}}
			sessions[e.Session] = p
		}
		for _, broken := range p.next(e) {
			out = append(out, fmt.Sprintf("event %d/%d (%s): %s", e.Session, e.Seq, e.Kind, broken))
		}
	}
	for session, p := range sessions {
		for dir, events := range p.plain {
			for _, broken := range plaintextProblems(events, revealed) {
				out = append(out, fmt.Sprintf("session %d %s: %s", session, dir, broken))
			}
		}
	}
	return out
}

// promises is what the events of one session have to keep to.
type promises struct {
	seq   uint64
	rung  int
	ids   map[int]string     // of the rungs
	plain map[string][]event // what each direction consists of
}

func (p *promises) next(e *event) (broken []string) {
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if p.seq++; e.Seq != p.seq {
		say("seq is %d, want %d", e.Seq, p.seq)
	}
	if e.At.IsZero() || e.Session < 1 {
		say("it has no time or no session")
	}
	if s := e.Step; s != nil {
		if s.N < p.rung || s.N > p.rung+1 || s.N < 1 {
			say("rung %d after rung %d", s.N, p.rung)
		}
		p.rung = s.N
		if p.ids[s.N] == "" {
			p.ids[s.N] = s.ID
		}
		if p.ids[s.N] != s.ID || s.Title == "" {
			say("rung %d is %q and %q, title %q", s.N, p.ids[s.N], s.ID, s.Title)
		}
	}
	if strings.HasPrefix(e.Kind, "stream:") {
		if leg := map[string]string{"c2s": "client", "s2c": "server"}[e.Dir]; e.Leg != leg || leg == "" {
			say("%q on leg %q", e.Dir, e.Leg)
		}
		p.plain[e.Dir] = append(p.plain[e.Dir], *e)
	}
	for _, n := range e.Notes {
		if !slices.Contains([]string{"info", "notice", "warning", "error"}, n.Severity) {
			say("severity %q", n.Severity)
		}
	}
	return broken
}

// plaintextProblems joins the raws of one direction: nothing may be missing, and
// each document from a stream header on has to be well-formed.
func plaintextProblems(events []event, revealed bool) (out []string) {
	var offset int64
	var documents []string
	for _, e := range events {
		raw := string(e.RawBase64)
		if e.Raw != nil {
			raw = *e.Raw
		}
		if e.Offset != offset {
			out = append(out, fmt.Sprintf("event %d begins at %d, the one before ended at %d", e.Seq, e.Offset, offset))
		}
		if offset = e.Offset + e.Size; revealed && (e.Size != int64(len(raw)) || e.Truncated || e.Redacted) {
			out = append(out, fmt.Sprintf("event %d: size %d, raw has %d bytes, truncated %v, redacted %v", e.Seq, e.Size, len(raw), e.Truncated, e.Redacted))
		}
		if e.Kind == "stream:opened" || len(documents) == 0 {
			documents = append(documents, "")
		}
		documents[len(documents)-1] += raw
	}
	for _, doc := range documents {
		err := wellFormed(doc)
		if err != nil { // a document that was replaced at a restart has no end tag
			err = wellFormed(doc + "</stream:stream>")
		}
		if err != nil {
			out = append(out, fmt.Sprintf("not well-formed: %v\n%s", err, doc))
		}
	}
	return out
}

func wellFormed(doc string) error {
	d := xml.NewDecoder(strings.NewReader(doc))
	for {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// The harness has to find what is broken, or its tests prove nothing.
func TestProblemsAreFound(t *testing.T) {
	good := func() recording {
		raw := func(s string) *string { return &s }
		now := time.Now()
		return recording{header{"xmppscope", 1}, []event{
			{Session: 1, Seq: 1, At: now, Kind: "tcp:opened", Leg: "client"},
			{Session: 1, Seq: 2, At: now, Kind: "stream:opened", Leg: "client", Dir: "c2s", Step: &step{1, "stream-open-1", "x"}, Raw: raw("<stream:stream>"), Size: 15},
			{Session: 1, Seq: 3, At: now, Kind: "stream:element", Leg: "client", Dir: "c2s", Step: &step{2, "starttls", "x"}, Raw: raw("<starttls/>"), Size: 11, Offset: 15},
		}}
	}
	if p := good().problems(true); len(p) > 0 {
		t.Fatalf("a good recording has problems: %q", p)
	}
	for what, spoil := range map[string]func(*recording){
		"header is":       func(r *recording) { r.header.Version = 2 },
		"seq is":          func(r *recording) { r.events[1].Seq = 3 },
		"no time":         func(r *recording) { r.events[0].At = time.Time{} },
		"after rung":      func(r *recording) { r.events[2].Step.N = 3 },
		"rung 1 is":       func(r *recording) { r.events[2].Step.N = 1 },
		"on leg":          func(r *recording) { r.events[1].Leg = "server" },
		"severity":        func(r *recording) { r.events[1].Notes = []note{{Severity: "bad"}} },
		"begins at":       func(r *recording) { r.events[2].Offset = 16 },
		"raw has":         func(r *recording) { r.events[2].Size = 12 },
		"not well-formed": func(r *recording) { *r.events[2].Raw = "<starttls>." },
	} {
		r := good()
		spoil(&r)
		if p := strings.Join(r.problems(true), "\n"); !strings.Contains(p, what) {
			t.Errorf("%q is not among the problems found: %q", what, p)
		}
	}
}
