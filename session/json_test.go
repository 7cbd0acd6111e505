package session

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// full is an event with every field set.
func full(body Body) Event {
	return Event{
		Session: 3, Seq: 17, At: time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.UTC), Leg: ClientLeg, Dir: C2S,
		Body: body, Origin: OriginSelf, Offset: 42, Raw: []byte("<auth>c2VjcmV0</auth>\u2028"), Size: 99, Truncated: true,
		Name: "auth", Space: "urn:x", Summary: "PLAIN as \x1b", Answers: 4, RTT: 12345 * time.Microsecond,
		Step:    &Step{N: 10, ID: "sasl-auth", Title: "t", Text: "x", Ref: "RFC 6120 §6.4.2", Since: 1500 * time.Microsecond},
		Notes:   []Note{{Rule: "r", Severity: Warning, Name: "password", Value: "", Text: "s", Ref: "f", Span: Span{6, 14}, Secret: "password", Mark: "[password #1, 0 characters]"}},
		Secrets: []Secret{{Kind: "password", Span: Span{6, 14}, Mark: "[password #1, 0 characters]"}},
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
	want := Event{Session: 1, Seq: 1, At: time.Unix(1, 0).UTC(), Body: StreamRaw{}, Raw: []byte("a\xff\x00b"), Size: 4}
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
	want := Event{Session: 1, Seq: 1, At: time.Unix(1, 0).UTC(), Body: StreamElement{}, Raw: []byte("\u009b\x7f\u202e\u200f\u0085\U000e0041 ä 😀"), Summary: "\u2066"}
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

// TestJSONKeepsValuesThatAreNotText: a field need not be UTF-8, and comes back as
// it was.
func TestJSONKeepsValuesThatAreNotText(t *testing.T) {
	want := Event{Session: 1, Body: StreamElement{}, Notes: []Note{{Name: "payload", Value: "\x00tim\x00\xff\xfe"}, {Name: "user", Value: "tim ü"}}}
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
