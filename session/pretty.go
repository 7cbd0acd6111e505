package session

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
// viewer and capture are handed it.
type Pretty func(raw []byte) []Line
