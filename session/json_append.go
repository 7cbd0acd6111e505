package session

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// AppendJSON appends what EncodeJSON returns to a buffer. It writes jsonEvent by
// hand, which is several times as fast as by reflection, and makes no garbage.
func AppendJSON(b []byte, e Event) ([]byte, error) {
	b = appendInt(b, `{"session":`, int64(e.Session))
	if e.Seq != 0 {
		b = strconv.AppendUint(append(b, `,"seq":`...), e.Seq, 10)
	}
	b = append(b, `,"at":"`...)
	b, err := e.At.UTC().AppendText(b)
	if err != nil {
		return nil, fmt.Errorf("session: %s: %w", e.Kind(), err)
	}
	b = append(b, '"')
	b = appendWord(b, `,"leg":"`, e.Leg.String())
	b = appendCount(b, `,"conn":`, int64(e.Conn))
	b = appendTrue(b, `,"beside":true`, e.Beside)
	b = appendWord(b, `,"dir":"`, e.Dir.String())
	b = appendString(append(b, `,"kind":`...), e.Kind())
	b = appendNamed(b, `,"origin":`, e.Origin)
	if e.Step != nil {
		b = appendStep(b, e.Step)
	}
	b = appendNamed(b, `,"name":`, e.Name)
	b = appendNamed(b, `,"ns":`, e.Space)
	b = appendNamed(b, `,"summary":`, e.Summary)
	b = appendRaw(b, e.Raw)
	b = appendCount(b, `,"size":`, e.Size)
	b = appendCount(b, `,"offset":`, e.Offset)
	b = appendTrue(b, `,"truncated":true`, e.Truncated)
	b = appendTrue(b, `,"redacted":true`, e.Redacted)
	b = appendTrue(b, `,"unexplained":true`, !e.Done)
	if e.Answers != 0 {
		b = strconv.AppendUint(append(b, `,"answers":`...), e.Answers, 10)
	}
	b = appendMillis(b, `,"rtt_ms":`, e.RTT)
	if b, err = appendDetail(b, e.Body); err != nil {
		return nil, fmt.Errorf("session: %s: %w", e.Kind(), err)
	}
	b = appendNotes(b, e.Notes)
	return append(appendSecrets(b, e.Secrets), '}'), nil
}

func appendStep(b []byte, s *Step) []byte {
	b = appendInt(b, `,"step":{"n":`, int64(s.N))
	b = appendString(append(b, `,"id":`...), s.ID)
	b = appendString(append(b, `,"title":`...), s.Title)
	b = appendNamed(b, `,"text":`, s.Text)
	b = appendNamed(b, `,"ref":`, s.Ref)
	return append(appendMillis(b, `,"since_ms":`, s.Since), '}')
}

func appendRaw(b, raw []byte) []byte {
	switch {
	case raw == nil:
	case utf8.Valid(raw):
		b = appendString(append(b, `,"raw":`...), raw)
	default:
		b = append(b, `,"raw_base64":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, raw), '"')
	}
	return b
}

// appendDetail leaves out the details of a body that has none.
func appendDetail(b []byte, body Body) ([]byte, error) {
	switch body := body.(type) {
	case nil, StreamElement, StreamOpened, StreamWhitespace, StreamClosed, StreamPartial:
		return b, nil
	case StreamRaw:
		if !body.Between {
			return b, nil
		}
	}
	d, err := json.Marshal(body)
	if err != nil || string(d) == "{}" {
		return b, err
	}
	return append(append(b, `,"detail":`...), visibleJSON(d)...), nil
}

func appendNotes(b []byte, notes []Note) []byte {
	before := `,"notes":[`
	for i := range notes {
		n := &notes[i]
		b = append(append(b, before...), '{')
		if n.Rule != "" {
			b = append(appendString(append(b, `"rule":`...), n.Rule), ',')
		}
		b = appendWord(b, `"severity":"`, n.Severity.String())
		if n.Name != "" {
			b = appendString(append(b, `,"name":`...), n.Name)
			b = appendString(append(b, `,"value":`...), n.Value)
			if !utf8.ValidString(n.Value) {
				b = append(b, `,"value_base64":"`...)
				b = append(base64.StdEncoding.AppendEncode(b, []byte(n.Value)), '"')
			}
		}
		b = appendWord(b, `,"class":"`, n.Class.String())
		b = appendWord(b, `,"holds":"`, n.Holds.String())
		b = appendNamed(b, `,"text":`, n.Text)
		b = appendNamed(b, `,"ref":`, n.Ref)
		b = appendNamed(b, `,"secret":`, n.Secret)
		b = appendNamed(b, `,"mark":`, n.Mark)
		if n.Span.Len() > 0 {
			b = appendSpan(b, n.Span)
		}
		b, before = append(b, '}'), ","
	}
	if len(notes) > 0 {
		b = append(b, ']')
	}
	return b
}

func appendSecrets(b []byte, secrets []Secret) []byte {
	before := `,"secrets":[`
	for _, s := range secrets {
		b = appendString(append(append(b, before...), `{"kind":`...), s.Kind)
		b = appendString(append(b, `,"mark":`...), s.Mark)
		b, before = append(appendSpan(b, s.Span), '}'), ","
	}
	if len(secrets) > 0 {
		b = append(b, ']')
	}
	return b
}

func appendSpan(b []byte, s Span) []byte {
	b = appendInt(b, `,"span":[`, int64(s.Start))
	return append(appendInt(b, ",", int64(s.End)), ']')
}

func appendInt(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, name...), n, 10)
}

// The appenders of fields that are left out where they are zero.

func appendNamed(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, name...), value)
}

// appendWord is for words of ours, in which nothing has to be escaped.
func appendWord(b []byte, name, word string) []byte {
	if word == "" {
		return b
	}
	return append(append(append(b, name...), word...), '"')
}

func appendCount(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return appendInt(b, name, n)
}

func appendTrue(b []byte, field string, is bool) []byte {
	if is {
		b = append(b, field...)
	}
	return b
}

func appendMillis(b []byte, name string, d time.Duration) []byte {
	if d == 0 {
		return b
	}
	return strconv.AppendFloat(append(b, name...), millis(d), 'f', -1, 64)
}

// appendString writes a JSON string. Characters that Safe would not show (C1
// controls, bidi overrides, zero-width marks) are written as \u escapes: the value
// is the same, and a terminal that the line is printed on stays as it is.
func appendString[S string | []byte](b []byte, s S) []byte {
	b = append(b, '"')
	for len(s) > 0 {
		n := Printable([]byte(s), '"', '\\')
		b = append(b, s[:n]...)
		if s = s[n:]; len(s) > 0 {
			b, n = appendEscaped(b, string(s[:min(len(s), utf8.UTFMax)]))
			s = s[n:]
		}
	}
	return append(b, '"')
}

// appendEscaped writes the first character of s, escaped if need be, and returns
// its length in s.
func appendEscaped(b []byte, s string) ([]byte, int) {
	if i := strings.IndexByte("\"\\\b\f\n\r\t", s[0]); i >= 0 {
		return append(b, '\\', `"\bfnrt`[i]), 1
	}
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && n == 1:
		return append(b, `\ufffd`...), 1
	case r >= 0x80 && visible(r):
		return append(b, s[:n]...), n
	}
	return appendUnicode(b, r), n
}
