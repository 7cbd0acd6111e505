package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"
)

var errBinary = errors.New("session: this is not an event in the binary form")

// binaryLayout is where the parts of an event in the binary form lie.
type binaryLayout struct {
	fields, raw, end int  // where they begin, and where the event ends
	hasRaw           bool // Raw is not nil
}

// layoutOf measures the event at the beginning of p.
func layoutOf(p []byte) (l binaryLayout, err error) {
	fields, n := binary.Uvarint(p)
	if n <= 0 {
		return l, errBinary
	}
	raw, m := binary.Uvarint(p[n:])
	if m <= 0 {
		return l, errBinary
	}
	if l.hasRaw = raw > 0; l.hasRaw {
		raw--
	}
	rest := uint64(len(p) - n - m)
	if fields > rest || raw > rest-fields {
		return l, errBinary
	}
	l.fields = n + m
	l.raw = l.fields + int(fields)
	l.end = l.raw + int(raw)
	return l, nil
}

// readBinary reads the event at the beginning of p into e, and returns where it ends.
// It keeps nothing of p, which may be any bytes.
func readBinary(p []byte, table []string, e *Event) (end int, err error) {
	l, err := layoutOf(p)
	if err != nil {
		return 0, err
	}
	r := binaryReader{fields: string(p[l.fields:l.raw]), table: table}
	r.event(e)
	if r.bad || r.left() > 0 {
		return 0, errBinary
	}
	e.Raw = nil
	if l.hasRaw {
		e.Raw = bytes.Clone(p[l.raw:l.end])
	}
	return l.end, nil
}

// binaryReader takes the fields of one event. Their strings are parts of one, and so
// cost no allocation each. Once something is wrong, it takes zeroes.
type binaryReader struct {
	fields string
	at     int // what is before it has been taken
	table  []string
	bad    bool
}

// left is how many bytes are still to be taken.
func (r *binaryReader) left() int { return len(r.fields) - r.at }

func (r *binaryReader) fail() { r.at, r.bad = len(r.fields), true }

// event takes what binaryWriter.event wrote.
func (r *binaryReader) event(e *Event) {
	e.Session = int(r.int())
	e.Seq = r.uint()
	e.At = r.time()
	e.Leg = Leg(r.below(len(legNames)))
	e.Dir = Dir(r.below(len(dirNames)))
	e.Beside = r.bool()
	e.Conn = int32(r.int())
	e.Body = r.body()
	e.Origin = r.string()
	e.Offset = r.int()
	e.Size = r.int()
	e.Truncated = r.bool()
	e.Done = r.bool()
	e.Redacted = r.bool()
	e.Name = r.string()
	e.Space = r.string()
	e.Step = r.step()
	e.Summary = r.string()
	if n, ok := r.length(minNote); ok {
		e.Notes = make([]Note, n)
		for i := range e.Notes {
			r.note(&e.Notes[i])
		}
	}
	if n, ok := r.length(minSecret); ok {
		e.Secrets = make([]Secret, n)
		for i := range e.Secrets {
			r.secret(&e.Secrets[i])
		}
	}
	e.Answers = r.uint()
	e.RTT = time.Duration(r.int())
}

func (r *binaryReader) step() *Step {
	if !r.bool() {
		return nil
	}
	s := new(Step)
	s.N = int(r.int())
	s.ID = r.string()
	s.Title = r.string()
	s.Text = r.string()
	s.Ref = r.string()
	s.Since = time.Duration(r.int())
	return s
}

func (r *binaryReader) note(n *Note) {
	n.Rule = r.string()
	n.Severity = Severity(r.below(len(severityNames)))
	n.Class = Class(r.below(len(classNames)))
	n.Holds = Holds(r.below(len(holdsNames)))
	n.Name = r.string()
	n.Value = r.string()
	n.Text = r.string()
	n.Ref = r.string()
	n.Span = r.span()
	n.Secret = r.string()
	n.Mark = r.string()
}

func (r *binaryReader) secret(s *Secret) {
	s.Kind = r.string()
	s.Span = r.span()
	s.Mark = r.string()
}

func (r *binaryReader) span() Span {
	start := int(r.int())
	return Span{start, start + int(r.int())}
}

// The fewest bytes that a note and a secret take: a length that promises more of them
// than there are bytes for is wrong, and must not take memory.
const (
	minNote   = 12
	minSecret = 4
)

// length takes the length of a slice whose elements take at least so many bytes; it is
// not ok if the slice is nil.
func (r *binaryReader) length(least int) (n int, ok bool) {
	u := r.uint()
	if u > uint64(r.left()/least)+1 {
		r.fail()
	}
	if u == 0 || r.bad {
		return 0, false
	}
	return int(u - 1), true
}

func (r *binaryReader) uint() uint64 {
	n := uint64(0)
	for shift := 0; shift < 64 && r.at < len(r.fields); shift += 7 {
		c := r.fields[r.at]
		r.at++
		if n |= uint64(c&0x7f) << shift; c < 0x80 {
			return n
		}
	}
	r.fail()
	return 0
}

func (r *binaryReader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// below takes a number that stands for one of n things.
func (r *binaryReader) below(n int) int {
	u := r.uint()
	if u >= uint64(n) {
		r.fail()
		return 0
	}
	return int(u)
}

func (r *binaryReader) bool() bool { return r.below(2) == 1 }

func (r *binaryReader) string() string {
	u := r.uint()
	n := u >> 1
	switch {
	case u&1 == 1 && n < uint64(len(r.table)):
		return r.table[n]
	case u&1 == 0 && n <= uint64(r.left()):
		from := r.at
		r.at += int(n)
		return r.fields[from:r.at]
	}
	r.fail()
	return ""
}

func (r *binaryReader) time() time.Time {
	t := time.Unix(r.int(), int64(r.below(int(time.Second))))
	switch r.below(zones) {
	case zoneUTC:
		return t.UTC()
	case zoneFixed:
		name := r.string()
		return t.In(time.FixedZone(name, int(r.int())))
	}
	return t
}
