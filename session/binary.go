package session

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The binary form of an event is what a Log writes to its file: all that the event
// holds, in a fraction of the room and the time that JSON takes. No other run reads
// it, so it has no version.
//
// It is the length of the fields, the length of Raw, the fields, and Raw. A number is
// a varint. A string is its number in a stringTable or stands there itself. A slice
// begins with its length, which tells nil from empty.

// binaryWriter writes events in the binary form.
type binaryWriter struct {
	table  *stringTable
	fields []byte // room for those of an event
	err    error
}

// append appends an event to a buffer. It fails if the kind is not among Bodies.
func (w *binaryWriter) append(b []byte, e *Event) ([]byte, error) {
	w.err = nil
	w.fields = w.event(w.fields[:0], e)
	if w.err != nil {
		return b, fmt.Errorf("session: %s: %w", e.Kind(), w.err)
	}
	b = binary.AppendUvarint(b, uint64(len(w.fields)))
	b = appendLength(b, len(e.Raw), e.Raw == nil)
	return append(append(b, w.fields...), e.Raw...), nil
}

// event appends all fields but Raw.
func (w *binaryWriter) event(b []byte, e *Event) []byte {
	b = binary.AppendVarint(b, int64(e.Session))
	b = binary.AppendUvarint(b, e.Seq)
	b = w.time(b, e.At)
	b = append(b, byte(e.Leg), byte(e.Dir))
	b = appendBool(b, e.Beside)
	b = binary.AppendVarint(b, int64(e.Conn))
	b = w.body(b, e.Body)
	b = w.string(b, e.Origin)
	b = binary.AppendVarint(b, e.Offset)
	b = binary.AppendVarint(b, e.Size)
	b = appendBool(b, e.Truncated)
	b = appendBool(b, e.Done)
	b = appendBool(b, e.Redacted)
	b = w.string(b, e.Name)
	b = w.string(b, e.Space)
	b = w.step(b, e.Step)
	b = w.string(b, e.Summary)
	b = appendLength(b, len(e.Notes), e.Notes == nil)
	for i := range e.Notes {
		b = w.note(b, &e.Notes[i])
	}
	b = appendLength(b, len(e.Secrets), e.Secrets == nil)
	for i := range e.Secrets {
		b = w.secret(b, &e.Secrets[i])
	}
	b = binary.AppendUvarint(b, e.Answers)
	return binary.AppendVarint(b, int64(e.RTT))
}

func (w *binaryWriter) step(b []byte, s *Step) []byte {
	if b = appendBool(b, s != nil); s == nil {
		return b
	}
	b = binary.AppendVarint(b, int64(s.N))
	b = w.string(b, s.ID)
	b = w.string(b, s.Title)
	b = w.string(b, s.Text)
	b = w.string(b, s.Ref)
	return binary.AppendVarint(b, int64(s.Since))
}

func (w *binaryWriter) note(b []byte, n *Note) []byte {
	b = w.string(b, n.Rule)
	b = append(b, byte(n.Severity), byte(n.Class), byte(n.Holds))
	b = w.string(b, n.Name)
	b = w.string(b, n.Value)
	b = w.string(b, n.Text)
	b = w.string(b, n.Ref)
	b = appendRange(b, n.Span)
	b = w.string(b, n.Secret)
	return w.string(b, n.Mark)
}

func (w *binaryWriter) secret(b []byte, s *Secret) []byte {
	b = w.string(b, s.Kind)
	b = appendRange(b, s.Span)
	return w.string(b, s.Mark)
}

func (w *binaryWriter) string(b []byte, s string) []byte {
	if s == "" {
		return append(b, 0)
	}
	if n, ok := w.table.number(s); ok {
		return binary.AppendUvarint(b, uint64(n)<<1|1)
	}
	return append(binary.AppendUvarint(b, uint64(len(s))<<1), s...)
}

// time appends a time with its nanoseconds and its zone: what is shown depends on that.
func (w *binaryWriter) time(b []byte, t time.Time) []byte {
	b = binary.AppendVarint(b, t.Unix())
	b = binary.AppendUvarint(b, uint64(t.Nanosecond()))
	switch t.Location() {
	case time.UTC:
		return append(b, zoneUTC)
	case time.Local:
		return append(b, zoneLocal)
	}
	name, offset := t.Zone()
	return binary.AppendVarint(w.string(append(b, zoneFixed), name), int64(offset))
}

// The zones of a time; behind zoneFixed stand its name and its offset.
const (
	zoneUTC = iota
	zoneLocal
	zoneFixed
	zones
)

func appendBool(b []byte, is bool) []byte {
	if is {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendRange(b []byte, s Span) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, int64(s.Start)), int64(s.Len()))
}

// appendLength appends the length of a slice: 0 stands for nil, and 1 for an empty one.
func appendLength(b []byte, n int, isNil bool) []byte {
	if isNil {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(n)+1)
}
