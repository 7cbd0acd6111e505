package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// full is an event with every field set.
func full(body Body) Event {
	return Event{
		Seen: Seen{Session: 3, Seq: 17, At: time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC), Leg: ClientLeg, Dir: C2S, Conn: 2, Beside: true,
			Body: body, Origin: OriginSelf, Offset: 42, Raw: []byte("<auth>c2VjcmV0</auth>\u2028"), Size: 99, Truncated: true,
			Name: "auth"}, Said: Said{Done: true, Space: "urn:x", Summary: "PLAIN as \x1b", Answers: 4, RTT: 12345 * time.Microsecond,
			Step:    &Step{N: 10, ID: "sasl-auth", Title: "t", Text: "x", Ref: "RFC 6120 §6.4.2", Since: 1500 * time.Microsecond},
			Notes:   []Note{{Rule: "r", Severity: Warning, Name: "password", Value: "", Class: Identifier, Holds: User, Text: "s", Ref: "f", Span: Span{6, 14}, Secret: "password", Mark: "[password #1, 0 characters]"}},
			Secrets: []Secret{{Kind: "password", Span: Span{6, 14}, Mark: "[password #1, 0 characters]"}}},
	}
}

// fill sets every field of a body, so that a field that JSON loses is noticed.
func fill(t *testing.T, b Body) Body {
	t.Helper()
	v := reflect.New(reflect.TypeOf(b)).Elem()
	fillValue(t, v)
	return v.Interface().(Body)
}

func fillValue(t *testing.T, v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text of it")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(8)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillValue(t, v.Index(0))
		fillValue(t, v.Index(1))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": "value"}))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(t, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(t, v.Field(i))
		}
	default:
		t.Fatalf("fill does not know %s", v.Type())
	}
}

// TestJSONRoundTrip: every kind of event comes back as it was.
func TestJSONRoundTrip(t *testing.T) {
	for _, b := range Bodies {
		want := full(fill(t, b))
		line, err := EncodeJSON(want)
		if err != nil {
			t.Fatalf("%s: %v", b.Name(), err)
		}
		if strings.Contains(string(line), "\n") {
			t.Errorf("%s: more than one line", b.Name())
		}
		got, err := DecodeJSON(line)
		if err != nil {
			t.Fatalf("%s: %v\n%s", b.Name(), err, line)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", b.Name(), d)
		}
	}
}

func TestJSONKeepsWhatIsNotUTF8(t *testing.T) {
	want := Event{Seen: Seen{Session: 1, Seq: 1, At: time.Unix(1, 0).UTC(), Body: StreamRaw{}, Raw: []byte("a\xff\x00b"), Size: 4}, Said: Said{Done: true}}
	line, err := EncodeJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(line), `"raw_base64":"Yf8AYg=="`) || strings.Contains(string(line), `"raw":`) {
		t.Errorf("line %s", line)
	}
	got, err := DecodeJSON(line)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestJSONHoldsNothingInvisible(t *testing.T) {
	want := Event{Seen: Seen{Session: 1, Seq: 1, At: time.Unix(1, 0).UTC(), Body: StreamElement{}, Raw: []byte("\u009b\x7f\u202e\u200f\u0085\U000e0041 ä 😀")}, Said: Said{Done: true, Summary: "\u2066"}}
	line, err := EncodeJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(line); Safe(s) != s || !strings.Contains(s, "ä 😀") {
		t.Errorf("line %q", s)
	}
	got, err := DecodeJSON(line)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestJSONOfNewerVersions(t *testing.T) {
	line := `{"session":1,"seq":2,"at":"2026-11-22T10:00:00Z","kind":"quic:opened","detail":{"x":1},"unheard":true}`
	e, err := DecodeJSON([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind() != "quic:opened" {
		t.Errorf("kind %q", e.Kind())
	}
	again, err := EncodeJSON(e)
	if err != nil || !strings.Contains(string(again), `"detail":{"x":1}`) {
		t.Errorf("again %s, %v", again, err)
	}
	for _, bad := range []string{``, `{}`, `[]`, `{"session":1}`, `{"session":1,"kind":"tcp:opened","detail":[]}`} {
		if _, err := DecodeJSON([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}

func TestHeaderCheck(t *testing.T) {
	if err := NewHeader("x", time.Unix(0, 0), false).Check(); err != nil {
		t.Error(err)
	}
	for _, h := range []Header{{}, {Format: "other", Version: 1}, {Format: FormatName, Version: 2}} {
		if h.Check() == nil {
			t.Errorf("%+v accepted", h)
		}
	}
}

// byReflection is EncodeJSON as encoding/json does it, from the type that DecodeJSON
// reads.
func byReflection(e Event) ([]byte, error) {
	j := jsonEvent{
		Session: e.Session, Seq: e.Seq, At: e.At.UTC(), Leg: e.Leg.String(), Conn: e.Conn, Beside: e.Beside, Dir: e.Dir.String(),
		Kind: e.Kind(), Origin: e.Origin, Name: e.Name, NS: e.Space, Summary: e.Summary,
		Size: e.Size, Offset: e.Offset, Truncated: e.Truncated, Redacted: e.Redacted, Unexplained: !e.Done,
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
		out := jsonNote{Rule: n.Rule, Severity: n.Severity, Name: n.Name, Class: n.Class, Holds: n.Holds, Text: n.Text, Ref: n.Ref, Secret: n.Secret, Mark: n.Mark}
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

// TestJSONByHand: what is written by hand is what encoding/json writes.
func TestJSONByHand(t *testing.T) {
	events := []Event{{}, {Seen: Seen{Raw: []byte{}, At: time.Unix(0, 1)}, Said: Said{Done: true, Notes: []Note{{}, {}}, Secrets: []Secret{{}, {}}, Step: &Step{}}}, {Seen: Seen{At: time.Unix(1<<40, 0)}, Said: Said{Done: true}}}
	for _, b := range Bodies {
		events = append(events, full(b), full(fill(t, b)))
	}
	var all []byte
	for c := range 256 {
		all = append(all, byte(c), 'a')
	}
	texts := []string{string(all), "\u2028\u2029\u202e\u0085\ufffd\U000e0041 ä 😀 \xe4\xb8", "\xf0\x9f\x98", "<&>\"\\/"}
	for _, s := range texts {
		e := full(StreamElement{})
		e.Name, e.Summary, e.Raw, e.RTT, e.Notes[0].Value, e.Notes[0].Text = s, s, []byte(s), -1, s, s
		events = append(events, e, full(RelayDropped{Reason: s}), full(Unknown{Kind: s, Detail: []byte(`{ "a": "<\u202e" }`)}))
	}
	for _, e := range events {
		got, err := EncodeJSON(e)
		want, wantErr := byReflection(e)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%+v: error %v, want %v", e, err, wantErr)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

// FuzzDecodeJSON: what readLine reads, encoding/json reads in the same way.
func FuzzDecodeJSON(f *testing.F) {
	for _, b := range Bodies {
		line, err := EncodeJSON(full(b))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"session":1,"kind":"stream:raw","at":"2026-11-22T10:00:00Z","raw":"\ud83d\ude00\u009b\/\ufffd","rtt_ms":0.5,"notes":[{"severity":"info","span":[-1,99]}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, ok := readLine(line)
		if !ok {
			return
		}
		want, err := decodeByReflection(line)
		if err != nil {
			t.Fatalf("read, but encoding/json says %v: %q", err, line)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", line, d)
		}
	})
}

// TestReadLine: what is written most is read without reflection.
func TestReadLine(t *testing.T) {
	for _, b := range Bodies {
		line, err := EncodeJSON(full(b))
		if err != nil {
			t.Fatal(err)
		}
		_, ok := readLine(line)
		if want := !strings.Contains(string(line), `"detail":`); ok != want {
			t.Errorf("%s: read %v, want %v: %s", b.Name(), ok, want, line)
		}
	}
}

// TestJSONKeepsValuesThatAreNotText: a field need not be UTF-8, and comes back as
// it was.
func TestJSONKeepsValuesThatAreNotText(t *testing.T) {
	want := Event{Seen: Seen{Session: 1, Body: StreamElement{}}, Said: Said{Done: true, Notes: []Note{{Name: "payload", Value: "\x00tim\x00\xff\xfe"}, {Name: "user", Value: "tim ü"}}}}
	line, err := EncodeJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeJSON(line)
	if err != nil || got.Notes[0].Value != want.Notes[0].Value || got.Notes[1].Value != want.Notes[1].Value {
		t.Errorf("%+v, %v", got.Notes, err)
	}
	if n := strings.Count(string(line), "value_base64"); n != 1 {
		t.Errorf("%d values are in base64: %s", n, line)
	}
}

// TestJSONOfTheRun: events of the run have session 0; others without a session are
// none.
func TestJSONOfTheRun(t *testing.T) {
	for _, b := range []Body{RelayLimit{Limit: "sessions", Over: true, Reason: "again", Hint: "more"}, LogLost{Events: 3}} {
		e := Event{Seen: Seen{Seq: 1, At: time.Unix(1, 0).UTC(), Body: b}, Said: Said{Done: true, Summary: "s"}}
		line, err := EncodeJSON(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeJSON(line); err != nil || got.Session != 0 || got.Body != b {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{`{"session":0,"seq":1,"kind":"tcp:closed"}`, `{"seq":1,"kind":"stream:opened"}`, `{"session":-1,"kind":"relay:limit"}`} {
		if e, err := DecodeJSON([]byte(line)); err == nil {
			t.Errorf("%s: %+v", line, e)
		}
	}
}
