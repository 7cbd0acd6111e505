package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// FormatName and FormatVersion stand in the first line of --json and .jsonl.
const (
	FormatName    = "xmppscope"
	FormatVersion = 1
)

// Header is the first line of a JSON Lines recording.
type Header struct {
	Format   string    `json:"format"`
	Version  int       `json:"version"`
	Tool     string    `json:"tool,omitempty"`     // "xmppscope 0.1.0"
	Created  time.Time `json:"created,omitzero"`   // when the recording began
	Revealed bool      `json:"revealed,omitempty"` // secrets are in the clear
}

// NewHeader is the header of a recording that begins at a time.
func NewHeader(tool string, at time.Time, revealed bool) Header {
	return Header{Format: FormatName, Version: FormatVersion, Tool: tool, Created: at, Revealed: revealed}
}

// Check says whether this version can read what follows the header.
func (h Header) Check() error {
	if h.Format != FormatName {
		return fmt.Errorf("session: not an xmppscope recording: format is %q", h.Format)
	}
	if h.Version != FormatVersion {
		return fmt.Errorf("session: recording has format version %d, this xmppscope reads version %d", h.Version, FormatVersion)
	}
	return nil
}

type jsonStep struct {
	N       int     `json:"n"`
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Text    string  `json:"text,omitempty"`
	Ref     string  `json:"ref,omitempty"`
	SinceMS float64 `json:"since_ms,omitempty"`
}

type jsonNote struct {
	Rule     string   `json:"rule,omitempty"`
	Severity Severity `json:"severity"`
	Name     string   `json:"name,omitempty"`
	Value    *string  `json:"value,omitempty"`
	Value64  []byte   `json:"value_base64,omitempty"` // beside a value that is not UTF-8
	Text     string   `json:"text,omitempty"`
	Ref      string   `json:"ref,omitempty"`
	Secret   string   `json:"secret,omitempty"`
	Mark     string   `json:"mark,omitempty"`
	Span     *[2]int  `json:"span,omitempty"`
}

type jsonSecret struct {
	Kind string `json:"kind"`
	Mark string `json:"mark"`
	Span [2]int `json:"span"`
}

type jsonEvent struct {
	Session   int             `json:"session"`
	Seq       uint64          `json:"seq,omitempty"`
	At        time.Time       `json:"at"`
	Leg       string          `json:"leg,omitempty"`
	Dir       string          `json:"dir,omitempty"`
	Kind      string          `json:"kind"`
	Origin    string          `json:"origin,omitempty"`
	Step      *jsonStep       `json:"step,omitempty"`
	Name      string          `json:"name,omitempty"`
	NS        string          `json:"ns,omitempty"`
	Summary   string          `json:"summary,omitempty"`
	Raw       *string         `json:"raw,omitempty"`
	RawBase64 []byte          `json:"raw_base64,omitempty"`
	Size      int64           `json:"size,omitempty"`
	Offset    int64           `json:"offset,omitempty"`
	Truncated bool            `json:"truncated,omitempty"`
	Redacted  bool            `json:"redacted,omitempty"`
	Answers   uint64          `json:"answers,omitempty"`
	RTTMS     float64         `json:"rtt_ms,omitempty"`
	Detail    json.RawMessage `json:"detail,omitempty"`
	Notes     []jsonNote      `json:"notes,omitempty"`
	Secrets   []jsonSecret    `json:"secrets,omitempty"`
}

// EncodeJSON writes the event as one JSON object on one line, without a line
// feed. It writes what it is given: a caller who must not show secrets passes
// Blank(e).
func EncodeJSON(e Event) ([]byte, error) {
	j := jsonEvent{
		Session: e.Session, Seq: e.Seq, At: e.At.UTC(), Leg: e.Leg.String(), Dir: e.Dir.String(),
		Kind: e.Kind(), Origin: e.Origin, Name: e.Name, NS: e.Space, Summary: e.Summary,
		Size: e.Size, Offset: e.Offset, Truncated: e.Truncated, Redacted: e.Redacted,
		Answers: e.Answers, RTTMS: millis(e.RTT),
	}
	if s := e.Step; s != nil {
		j.Step = &jsonStep{N: s.N, ID: s.ID, Title: s.Title, Text: s.Text, Ref: s.Ref, SinceMS: millis(s.Since)}
	}
	if e.Raw != nil {
		if utf8.Valid(e.Raw) {
			raw := string(e.Raw)
			j.Raw = &raw
		} else {
			j.RawBase64 = e.Raw
		}
	}
	for i := range e.Notes {
		n := &e.Notes[i]
		out := jsonNote{Rule: n.Rule, Severity: n.Severity, Name: n.Name, Text: n.Text, Ref: n.Ref, Secret: n.Secret, Mark: n.Mark}
		if n.Name != "" {
			out.Value = &n.Value
			if !utf8.ValidString(n.Value) {
				out.Value64 = []byte(n.Value)
			}
		}
		if n.Span.Len() > 0 {
			out.Span = &[2]int{n.Span.Start, n.Span.End}
		}
		j.Notes = append(j.Notes, out)
	}
	for _, s := range e.Secrets {
		j.Secrets = append(j.Secrets, jsonSecret{s.Kind, s.Mark, [2]int{s.Span.Start, s.Span.End}})
	}
	if e.Body != nil {
		d, err := json.Marshal(e.Body)
		if err != nil {
			return nil, fmt.Errorf("session: %s: %w", e.Kind(), err)
		}
		if !bytes.Equal(d, []byte("{}")) {
			j.Detail = d
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		return nil, fmt.Errorf("session: %s: %w", e.Kind(), err)
	}
	return visibleJSON(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// visibleJSON writes characters that Safe would not show (C1 controls, bidi
// overrides, zero-width marks) as \u escapes: the value is the same, and a
// terminal that the line is printed on stays as it is.
func visibleJSON(line []byte) []byte {
	if isSafe(string(line)) {
		return line
	}
	out := make([]byte, 0, len(line)+32)
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		switch {
		case r != 0x7f && (r < 0x80 || visible(r)):
			out = append(out, line[i:i+n]...)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

var bodyTypes = func() map[string]reflect.Type {
	m := map[string]reflect.Type{}
	for _, b := range Bodies {
		m[b.Name()] = reflect.TypeOf(b)
	}
	return m
}()

// DecodeJSON reads back what EncodeJSON wrote. A kind that this version does not
// know is kept under its name (as Unknown), so that newer recordings can be shown.
func DecodeJSON(line []byte) (Event, error) {
	var j jsonEvent
	if err := json.Unmarshal(line, &j); err != nil {
		return Event{}, fmt.Errorf("session: event: %w", err)
	}
	// A log that has lost events cannot say whose they were.
	unowned := j.Session == 0 && j.Kind == LogLost{}.Name()
	if j.Kind == "" || (j.Session < 1 && !unowned) {
		return Event{}, fmt.Errorf("session: event: it has no kind or no session number")
	}
	e := Event{
		Session: j.Session, Seq: j.Seq, At: j.At, Origin: j.Origin,
		Offset: j.Offset, Size: j.Size, Truncated: j.Truncated, Redacted: j.Redacted,
		Name: j.Name, Space: j.NS, Summary: j.Summary,
		Answers: j.Answers, RTT: duration(j.RTTMS),
	}
	e.Dir, e.Leg = parseDir(j.Dir), parseLeg(j.Leg)
	switch {
	case j.Raw != nil:
		e.Raw = []byte(*j.Raw)
	case j.RawBase64 != nil:
		e.Raw = j.RawBase64
	}
	if s := j.Step; s != nil {
		e.Step = &Step{N: s.N, ID: s.ID, Title: s.Title, Text: s.Text, Ref: s.Ref, Since: duration(s.SinceMS)}
	}
	for _, n := range j.Notes {
		out := Note{Rule: n.Rule, Severity: n.Severity, Name: n.Name, Text: n.Text, Ref: n.Ref, Secret: n.Secret, Mark: n.Mark}
		if n.Value != nil {
			out.Value = *n.Value
		}
		if n.Value64 != nil {
			out.Value = string(n.Value64)
		}
		if n.Span != nil {
			out.Span = clampSpan(*n.Span, len(e.Raw))
		}
		e.Notes = append(e.Notes, out)
	}
	for _, s := range j.Secrets {
		e.AddSecrets(Secret{s.Kind, clampSpan(s.Span, len(e.Raw)), s.Mark})
	}
	t, ok := bodyTypes[j.Kind]
	if !ok {
		e.Body = Unknown{Kind: j.Kind, Detail: j.Detail}
		return e, nil
	}
	v := reflect.New(t)
	if len(j.Detail) > 0 {
		if err := json.Unmarshal(j.Detail, v.Interface()); err != nil {
			return Event{}, fmt.Errorf("session: %s: detail: %w", j.Kind, err)
		}
	}
	e.Body = v.Elem().Interface().(Body)
	return e, nil
}

// Unknown is the body of an event whose kind this version does not know.
type Unknown struct {
	Kind   string
	Detail json.RawMessage
}

// Name is the kind as it was read.
func (u Unknown) Name() string { return u.Kind }

// MarshalJSON gives the detail back as it was read.
func (u Unknown) MarshalJSON() ([]byte, error) {
	if len(u.Detail) == 0 {
		return []byte("{}"), nil
	}
	return u.Detail, nil
}

func clampSpan(s [2]int, size int) Span {
	start := max(0, min(s[0], size))
	return Span{start, max(start, min(s[1], size))}
}

func parseDir(s string) Dir {
	for i, n := range dirNames {
		if n == s {
			return Dir(i)
		}
	}
	return NoDir
}

func parseLeg(s string) Leg {
	for i, n := range legNames {
		if n == s {
			return Leg(i)
		}
	}
	return NoLeg
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func duration(ms float64) time.Duration { return time.Duration(ms*float64(time.Millisecond) + 0.5) }
