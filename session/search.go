package session

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Search finds a text in events, whatever the case of its letters. It is made for a
// million of them within seconds, and is not safe for use by several goroutines at once.
type Search struct {
	text   []byte // in lower case
	ascii  bool   // it has no other characters
	reveal bool
	room   []byte
}

// NewSearch looks for a text in events as they are shown: without their secrets unless
// they are to be revealed.
func NewSearch(text string, reveal bool) *Search {
	s := &Search{text: []byte(strings.ToLower(text)), reveal: reveal, ascii: true}
	for i := range len(text) {
		s.ascii = s.ascii && text[i] < utf8.RuneSelf
	}
	return s
}

// In says whether the text is in the bytes of the event, or in what is said of it.
func (s *Search) In(e *Event) bool {
	if !s.in(e) {
		return false
	}
	if s.reveal {
		return true
	}
	shown := Blank(*e) // only what is found has to be looked at twice
	return s.in(&shown)
}

func (s *Search) in(e *Event) bool {
	s.room = append(s.room[:0], e.Raw...)
	if s.isIn(s.room) || s.holds(e.Summary) || s.holds(e.Kind()) {
		return true
	}
	if t := e.Step; t != nil && (s.holds(t.Title) || s.holds(t.ID)) {
		return true
	}
	for i := range e.Notes {
		if n := &e.Notes[i]; s.holds(n.Name) || s.holds(n.Value) || s.holds(n.Text) || s.holds(n.Mark) {
			return true
		}
	}
	for i := range e.Secrets {
		if s.holds(e.Secrets[i].Mark) {
			return true
		}
	}
	return false
}

func (s *Search) holds(text string) bool {
	if len(text) < len(s.text) && s.ascii {
		return false
	}
	s.room = append(s.room[:0], text...)
	return s.isIn(s.room)
}

// isIn says whether the text is in bytes, which it changes to lower case.
func (s *Search) isIn(b []byte) bool {
	if !s.ascii {
		return bytes.Contains(bytes.ToLower(b), s.text)
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return bytes.Contains(b, s.text)
}
