package session

import (
	"encoding/json"
	"errors"
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
	Created  time.Time `json:"created,omitzero"`   // when the file was begun, by a recording or an export
	Revealed bool      `json:"revealed,omitempty"` // secrets are in the clear
	Refused  string    `json:"refused,omitempty"`  // why a run sends no events (package attach)
}

// NewHeader is the header of a recording that begins at a time.
func NewHeader(tool string, at time.Time, revealed bool) Header {
	return Header{Format: FormatName, Version: FormatVersion, Tool: tool, Created: at, Revealed: revealed}
}

// ErrVersion is wrapped by Check's error for recordings of another version than ours.
var ErrVersion = errors.New("the recording has another format version")

// Check says whether this version can read what follows the header.
func (h Header) Check() error {
	if h.Format != FormatName {
		return fmt.Errorf("session: not an xmppscope recording: format is %q", h.Format)
	}
	if h.Version != FormatVersion {
		return fmt.Errorf("session: %w: it has %d, this xmppscope reads %d", ErrVersion, h.Version, FormatVersion)
	}
	if h.Refused != "" {
		return errors.New(h.Refused)
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
	Class    Class    `json:"class,omitempty"`
	Holds    Holds    `json:"holds,omitempty"`
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
	Session   int       `json:"session"`
	Seq       uint64    `json:"seq,omitempty"`
	At        time.Time `json:"at"`
	Leg       string    `json:"leg,omitempty"`
	Conn      int32     `json:"conn,omitempty"`
	Beside    bool      `json:"beside,omitempty"`
	Dir       string    `json:"dir,omitempty"`
	Kind      string    `json:"kind"`
	Origin    string    `json:"origin,omitempty"`
	Step      *jsonStep `json:"step,omitempty"`
	Name      string    `json:"name,omitempty"`
	NS        string    `json:"ns,omitempty"`
	Summary   string    `json:"summary,omitempty"`
	Raw       *string   `json:"raw,omitempty"`
	RawBase64 []byte    `json:"raw_base64,omitempty"`
	Size      int64     `json:"size,omitempty"`
	Offset    int64     `json:"offset,omitempty"`
	Truncated bool      `json:"truncated,omitempty"`
	Redacted  bool      `json:"redacted,omitempty"`
	// Unexplained is the contrary of Done: files of old have no such field.
	Unexplained bool            `json:"unexplained,omitempty"`
	Answers     uint64          `json:"answers,omitempty"`
	RTTMS       float64         `json:"rtt_ms,omitempty"`
	Detail      json.RawMessage `json:"detail,omitempty"`
	Notes       []jsonNote      `json:"notes,omitempty"`
	Secrets     []jsonSecret    `json:"secrets,omitempty"`
}

// EncodeJSON writes the event as one JSON object on one line, without a line
// feed. It writes what it is given: a caller who must not show secrets passes
// Blank(e).
func EncodeJSON(e Event) ([]byte, error) {
	return AppendJSON(make([]byte, 0, 256+2*len(e.Raw)+256*len(e.Notes)), e)
}

// visibleJSON writes the characters of a JSON text as appendString does.
func visibleJSON(line []byte) []byte {
	if isSafe(string(line)) {
		return line
	}
	out := make([]byte, 0, len(line)+32)
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r != 0x7f && (r < 0x80 || visible(r)) {
			out = append(out, line[i:i+n]...)
		} else {
			out = appendUnicode(out, r)
		}
		i += n
	}
	return out
}

// appendUnicode writes a character as its \u escapes.
func appendUnicode(out []byte, r rune) []byte {
	if r > 0xFFFF {
		hi, lo := utf16.EncodeRune(r)
		return fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
	}
	return fmt.Appendf(out, `\u%04x`, r)
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
	if e, ok := readLine(line); ok {
		return e, nil
	}
	return decodeByReflection(line)
}

func decodeByReflection(line []byte) (Event, error) {
	var j jsonEvent
	if err := json.Unmarshal(line, &j); err != nil {
		return Event{}, fmt.Errorf("session: event: %w", err)
	}
	if j.Kind == "" || j.Session < 1 && !(j.Session == 0 && OfRun(j.Kind)) {
		return Event{}, fmt.Errorf("session: event: it has no kind or no session number")
	}
	e := Event{
		Seen: Seen{Session: j.Session, Seq: j.Seq, At: j.At, Origin: j.Origin, Offset: j.Offset, Size: j.Size, Truncated: j.Truncated, Name: j.Name}, Said: Said{Done: !j.Unexplained, Redacted: j.Redacted, Space: j.NS, Summary: j.Summary, Answers: j.Answers, RTT: duration(j.RTTMS)},
	}
	e.Dir, e.Leg, e.Conn, e.Beside = parseDir(j.Dir), parseLeg(j.Leg), j.Conn, j.Beside
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
		out := Note{Rule: n.Rule, Severity: n.Severity, Name: n.Name, Class: n.Class, Holds: n.Holds, Text: n.Text, Ref: n.Ref, Secret: n.Secret, Mark: n.Mark}
		if n.Value != nil {
			out.Value = *n.Value
		}
		if n.Value64 != nil {
			out.Value = string(n.Value64)
		}
		if n.Span != nil {
			out.Span = clampSpan(Span{n.Span[0], n.Span[1]}, len(e.Raw))
		}
		e.Notes = append(e.Notes, out)
	}
	var secrets []Secret
	for _, s := range j.Secrets {
		secrets = append(secrets, Secret{s.Kind, Span{s.Span[0], s.Span[1]}, s.Mark})
	}
	e.restoreSecrets(secrets)
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

// restoreSecrets sets the secrets to those of a line that may hold anything.
func (e *Event) restoreSecrets(secrets []Secret) {
	for i := range secrets {
		secrets[i].Span = clampSpan(secrets[i].Span, len(e.Raw))
	}
	if e.Secrets = nil; len(secrets) > 0 {
		e.AddSecrets(secrets...)
	}
}

func clampSpan(s Span, size int) Span {
	start := max(0, min(s.Start, size))
	return Span{start, max(start, min(s.End, size))}
}

func parseDir(s string) Dir {
	d, _ := DirNamed(s)
	return d
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

// JSONForm is the type whose fields are those of an event in JSON, for those who describe it.
var JSONForm = reflect.TypeFor[jsonEvent]()
