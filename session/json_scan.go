package session

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// lineReader reads the lines that AppendJSON writes, as they are written: without
// white space, with the fields that it knows. It gives up on all else, and leaves
// that to encoding/json: a line of another program, an event with details, one
// that is wrong. What it does read, it reads as encoding/json would, several times
// as fast.
type lineReader struct {
	line []byte
	at   int
	bad  bool // it has given up
}

// readLine returns the event of a line, or false if it gives up.
func readLine(line []byte) (Event, bool) {
	p := lineReader{line: bytes.TrimSuffix(line, []byte("\n"))}
	e := Event{Said: Said{Done: true}} // one that has not been explained says so
	kind := ""
	p.object(func(name []byte) { kind = p.eventField(&e, name, kind) })
	body, ok := plainBodies[kind]
	if p.bad || !ok || p.at != len(p.line) || e.Session < 1 {
		return Event{}, false
	}
	e.Body = body
	for i := range e.Notes {
		e.Notes[i].Span = clampSpan(e.Notes[i].Span, len(e.Raw))
	}
	e.restoreSecrets(e.Secrets)
	return e, true
}

// plainBodies are the bodies without details, by name.
var plainBodies = func() map[string]Body {
	m := map[string]Body{}
	for _, b := range Bodies {
		m[b.Name()] = b
	}
	return m
}()

// eventField reads a field, and returns the event's kind as far as it is known.
func (p *lineReader) eventField(e *Event, name []byte, kind string) string {
	switch string(name) {
	case "session":
		e.Session = int(p.number())
	case "seq":
		e.Seq = uint64(p.count())
	case "at":
		p.give(e.At.UnmarshalText(p.bytes()) == nil)
	case "leg":
		e.Leg = parseLeg(p.text())
	case "conn":
		n := p.number()
		p.give(n == int64(int32(n)))
		e.Conn = int32(n)
	case "beside":
		e.Beside = p.isTrue()
	case "dir":
		e.Dir = parseDir(p.text())
	case "kind":
		return p.text()
	case "origin":
		e.Origin = p.text()
	case "step":
		p.give(e.Step == nil)
		e.Step = new(Step)
		p.object(func(name []byte) { p.stepField(e.Step, name) })
	case "name":
		e.Name = p.text()
	case "ns":
		e.Space = p.text()
	case "summary":
		e.Summary = p.text()
	case "raw":
		e.Raw = bytes.Clone(p.bytes())
	case "size":
		e.Size = p.number()
	case "offset":
		e.Offset = p.number()
	case "truncated":
		e.Truncated = p.isTrue()
	case "redacted":
		e.Redacted = p.isTrue()
	case "unexplained":
		e.Done = !p.isTrue()
	case "answers":
		e.Answers = uint64(p.count())
	case "rtt_ms":
		e.RTT = p.millis()
	case "notes":
		p.give(e.Notes == nil) // once is enough
		e.Notes = make([]Note, 0, 8)
		p.array(func() {
			e.Notes = append(e.Notes, Note{})
			n := &e.Notes[len(e.Notes)-1]
			p.object(func(name []byte) { p.noteField(n, name) })
		})
	case "secrets":
		p.give(e.Secrets == nil)
		p.array(func() {
			var s Secret
			p.object(func(name []byte) { p.secretField(&s, name) })
			e.Secrets = append(e.Secrets, s)
		})
	default: // "detail", "raw_base64", or one that a newer version has
		p.bad = true
	}
	return kind
}

func (p *lineReader) stepField(s *Step, name []byte) {
	switch string(name) {
	case "n":
		s.N = int(p.number())
	case "id":
		s.ID = p.text()
	case "title":
		s.Title = p.text()
	case "text":
		s.Text = p.text()
	case "ref":
		s.Ref = p.text()
	case "since_ms":
		s.Since = p.millis()
	default:
		p.bad = true
	}
}

func (p *lineReader) noteField(n *Note, name []byte) {
	switch string(name) {
	case "rule":
		n.Rule = p.text()
	case "severity":
		p.give(n.Severity.UnmarshalText(p.bytes()) == nil)
	case "name":
		n.Name = p.text()
	case "value":
		n.Value = p.text()
	case "class":
		p.give(n.Class.UnmarshalText(p.bytes()) == nil)
	case "holds":
		p.give(n.Holds.UnmarshalText(p.bytes()) == nil)
	case "text":
		n.Text = p.text()
	case "ref":
		n.Ref = p.text()
	case "secret":
		n.Secret = p.text()
	case "mark":
		n.Mark = p.text()
	case "span":
		n.Span = p.span()
	default:
		p.bad = true
	}
}

func (p *lineReader) secretField(s *Secret, name []byte) {
	switch string(name) {
	case "kind":
		s.Kind = p.text()
	case "mark":
		s.Mark = p.text()
	case "span":
		s.Span = p.span()
	default:
		p.bad = true
	}
}

// give gives up unless all is well.
func (p *lineReader) give(ok bool) { p.bad = p.bad || !ok }

// next says whether a byte stands here, and steps over it.
func (p *lineReader) next(c byte) bool {
	if p.at < len(p.line) && p.line[p.at] == c {
		p.at++
		return true
	}
	return false
}

// object calls field for each field, behind its name and colon.
func (p *lineReader) object(field func(name []byte)) {
	p.give(p.next('{'))
	for !p.bad {
		name := p.bytes()
		p.give(p.next(':'))
		if p.bad {
			return
		}
		field(name)
		if p.next('}') {
			return
		}
		p.give(p.next(','))
	}
}

// array calls element for each element; an empty array is none of ours.
func (p *lineReader) array(element func()) {
	p.give(p.next('['))
	for !p.bad {
		element()
		if p.next(']') {
			return
		}
		p.give(p.next(','))
	}
}

func (p *lineReader) span() Span {
	p.give(p.next('['))
	s := Span{Start: int(p.number())}
	p.give(p.next(','))
	s.End = int(p.number())
	p.give(p.next(']'))
	return s
}

func (p *lineReader) isTrue() bool {
	ok := bytes.HasPrefix(p.line[p.at:], []byte("true"))
	p.give(ok)
	p.at += len("true")
	return ok
}

// digits takes a number without a sign, a fraction allowed or not.
func (p *lineReader) digits(fraction bool) []byte {
	from, point := p.at, -1
	for p.at < len(p.line) {
		c := p.line[p.at]
		if c == '.' && fraction && point < 0 && p.at > from {
			point = p.at
		} else if c < '0' || c > '9' {
			break
		}
		p.at++
	}
	s := p.line[from:p.at]
	p.give(len(s) > 0 && len(s) <= 18 && p.at-1 != point && (s[0] != '0' || len(s) == 1 || s[1] == '.'))
	return s
}

func (p *lineReader) count() int64 {
	n, err := strconv.ParseInt(string(p.digits(false)), 10, 64)
	p.give(err == nil)
	return n
}

func (p *lineReader) number() int64 {
	if p.next('-') {
		return -p.count()
	}
	return p.count()
}

func (p *lineReader) millis() time.Duration {
	ms, err := strconv.ParseFloat(string(p.digits(true)), 64)
	p.give(err == nil)
	return duration(ms)
}

// text takes a string.
func (p *lineReader) text() string { return string(p.bytes()) }

// bytes takes a string. What it returns is a part of the line if it can be.
func (p *lineReader) bytes() []byte {
	var out []byte
	p.give(p.next('"'))
	from, ascii := p.at, true
	for !p.bad && p.at < len(p.line) {
		c := p.line[p.at]
		p.at++
		switch {
		case c == '"':
			s := p.line[from : p.at-1]
			if len(out) > 0 {
				s = append(out, s...)
			}
			p.give(ascii || utf8.Valid(s))
			return s
		case c == '\\':
			out = p.escape(append(out, p.line[from:p.at-1]...))
			from, ascii = p.at, false
		case c < ' ':
			p.bad = true
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.bad = true
	return nil
}

// escape takes what stands behind a backslash.
func (p *lineReader) escape(out []byte) []byte {
	if p.at == len(p.line) {
		p.bad = true
		return out
	}
	c := p.line[p.at]
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return append(out, "\"\\/\b\f\n\r\t"[i])
	}
	if c != 'u' {
		p.bad = true
		return out
	}
	r := p.hex()
	if utf16.IsSurrogate(r) {
		p.give(p.next('\\') && p.next('u'))
		r = utf16.DecodeRune(r, p.hex())
		p.give(r != utf8.RuneError)
	}
	return utf8.AppendRune(out, r)
}

func (p *lineReader) hex() rune {
	if p.bad || p.at+4 > len(p.line) {
		p.bad = true
		return 0
	}
	n, err := strconv.ParseUint(string(p.line[p.at:p.at+4]), 16, 16)
	p.give(err == nil)
	p.at += 4
	return rune(n)
}
