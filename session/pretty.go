package session

import (
	"iter"
	"strings"
)

// Syntax says what a piece of pretty-printed XML is, and so how it may be coloured.
type Syntax uint8

// What a Piece can be.
const (
	SyntaxPunct  Syntax = iota // angle brackets, quotes, equals signs, indentation
	SyntaxTag                  // an element's name
	SyntaxAttr                 // an attribute's name
	SyntaxValue                // an attribute's value
	SyntaxText                 // character data
	SyntaxXMLNS                // a namespace declaration, name and value
	SyntaxSecret               // a placeholder that stands for a secret
	SyntaxError                // what could not be parsed
)

// Piece is a run of one kind; Line is one line of pretty-printed XML.
type (
	Piece struct {
		Syntax Syntax
		Text   string
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
