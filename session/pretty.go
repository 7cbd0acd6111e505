package session

import (
	"iter"
	"strings"
)

// Class says how a piece of pretty-printed XML may be coloured.
type Class uint8

// The classes of Piece.
const (
	ClassPunct  Class = iota // angle brackets, quotes, equals signs, indentation
	ClassTag                 // an element's name
	ClassAttr                // an attribute's name
	ClassValue               // an attribute's value
	ClassText                // character data
	ClassXMLNS               // a namespace declaration, name and value
	ClassSecret              // a placeholder that stands for a secret
	ClassError               // what could not be parsed
)

// Piece is a run of one class; Line is one line of pretty-printed XML.
type (
	Piece struct {
		Class Class
		Text  string
	}
	Line []Piece
)

// Pretty turns the raw bytes of an event into indented lines. It never fails:
// what is not XML comes back as it is. Package decode has the one that is used;
// viewer and capture are handed it. A line is good until the next one is asked for.
type Pretty func(raw []byte) iter.Seq[Line]

// MarkupEnd is the length of the tag, comment, CDATA section or processing
// instruction that s begins with: the whole of s if it does not end.
func MarkupEnd(s string) int {
	for _, m := range [...]struct{ open, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if strings.HasPrefix(s, m.open) {
			if i := strings.Index(s[len(m.open):], m.end); i >= 0 {
				return len(m.open) + i + len(m.end)
			}
			return len(s)
		}
	}
	var quote byte
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return len(s)
}
