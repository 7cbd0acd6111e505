package session

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"
)

// Book numbers secrets, so that the same value has the same placeholder wherever
// it turns up in one run. It keeps hashes, not values. The zero value is ready;
// it may be used by several goroutines.
type Book struct {
	mu    sync.Mutex
	marks map[[sha256.Size]byte]string
	count map[string]int
}

// maxMarks bounds how many secrets are remembered: a run may last for weeks.
const maxMarks = 200_000

// Mark returns the placeholder of a secret: its kind, a number that is the same
// for equal values of one kind, and the length of the value in characters
// (bytes, where it is not text).
func (b *Book) Mark(kind, value string) string {
	key := sha256.Sum256([]byte(kind + "\x00" + value))
	b.mu.Lock()
	defer b.mu.Unlock()
	if m, ok := b.marks[key]; ok {
		return m
	}
	if b.marks == nil {
		b.marks, b.count = map[[sha256.Size]byte]string{}, map[string]int{}
	}
	if len(b.marks) >= maxMarks { // a value that comes again has another number from here on
		clear(b.marks)
	}
	b.count[kind]++
	length, unit := len(value), "bytes"
	if utf8.ValidString(value) {
		length, unit = utf8.RuneCountInString(value), "characters"
	}
	m := fmt.Sprintf("[%s #%d, %d %s]", kind, b.count[kind], length, unit)
	b.marks[key] = m
	return m
}

// AddSecrets marks spans of e.Raw as secret, keeping Secrets sorted and free of
// overlaps. Where two overlap the earlier one grows.
func (e *Event) AddSecrets(more ...Secret) {
	all := append(slices.Clone(e.Secrets), more...)
	all = slices.DeleteFunc(all, func(s Secret) bool { return s.Span.Len() <= 0 })
	slices.SortStableFunc(all, func(a, b Secret) int { return a.Span.Start - b.Span.Start })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && s.Span.Start < out[n-1].Span.End {
			out[n-1].Span.End = max(out[n-1].Span.End, s.Span.End)
			continue
		}
		out = append(out, s)
	}
	e.Secrets = out
}

// Shown is an event as it may be shown: blanked, unless secrets are to be revealed.
func Shown(e *Event, reveal bool) Event {
	if reveal {
		return *e
	}
	return Blank(*e)
}

// Blank returns e with every secret replaced by its placeholder, in Raw and in
// the notes, and Redacted set. Spans of notes are moved to fit. An event without
// secrets, or one that is blanked already, comes back as it is. Of one that has not been
// explained nobody knows what is secret: all its bytes are hidden.
func Blank(e Event) Event {
	if !e.Done && !e.Redacted && len(e.Raw) > 0 {
		whole := Span{0, len(e.Raw)}
		e.Secrets = []Secret{{Kind: unexplainedKind, Span: whole, Mark: "[" + unexplainedKind + ", " + Plural(len(e.Raw), "byte") + "]"}}
	}
	if e.Redacted || len(e.Secrets) == 0 && !e.tellsSecret() {
		return e
	}
	e.Redacted = true
	values := e.secretValues()
	raw := e.Raw
	var out []byte
	moved := func(at int) int { return at }
	if len(e.Secrets) > 0 && raw != nil {
		type shift struct{ start, end, to, toEnd int }
		var shifts []shift
		last := 0
		for _, s := range e.Secrets {
			start, end := min(s.Span.Start, len(raw)), min(s.Span.End, len(raw))
			out = append(out, raw[last:start]...)
			to := len(out)
			out = append(out, s.Mark...)
			shifts = append(shifts, shift{start, end, to, len(out)})
			last = end
		}
		out = append(out, raw[last:]...)
		e.Raw = out
		moved = func(at int) int {
			delta := 0
			for _, s := range shifts {
				switch {
				case at <= s.start:
					return at + delta
				case at < s.end: // inside the secret: the nearest edge we can name
					return s.to
				}
				delta = s.toEnd - s.end
			}
			return at + delta
		}
	}
	e.Summary, e.Body = values.scrub(e.Summary), values.inBody(e.Body)
	notes := slices.Clone(e.Notes)
	for i := range notes {
		n := &notes[i]
		if n.Text = values.scrub(n.Text); n.Secret != "" {
			n.Value = n.Mark
		} else {
			n.Value = values.scrub(n.Value)
		}
		if n.Span.Len() > 0 {
			n.Span = Span{moved(n.Span.Start), moved(n.Span.End)}
		}
	}
	e.Notes = notes
	secrets := slices.Clone(e.Secrets)
	for i := range secrets {
		s := &secrets[i].Span
		start := moved(s.Start)
		*s = Span{start, start + len(secrets[i].Mark)}
	}
	e.Secrets = secrets
	return e
}

// Hidden are the spans of an event's bytes that Blank takes out.
func Hidden(e *Event) []Span {
	switch {
	case e.Redacted:
		return nil
	case !e.Done && len(e.Raw) > 0:
		return []Span{{0, len(e.Raw)}}
	}
	var out []Span
	for _, s := range e.Secrets {
		out = append(out, s.Span)
	}
	return out
}

// unexplainedKind is what bytes are called that have not been explained.
const unexplainedKind = "not explained"

// tellsSecret says whether a note holds a secret.
func (e *Event) tellsSecret() bool {
	for i := range e.Notes {
		if e.Notes[i].Secret != "" {
			return true
		}
	}
	return false
}
