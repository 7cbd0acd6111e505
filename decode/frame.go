package decode

import (
	"bytes"

	"xmppscope/session"
)

// Kind says what a Frame is.
type Kind uint8

// The kinds of frame.
const (
	Opened     Kind = iota + 1 // a stream header with what stood before it
	Element                    // a whole first-level element
	Whitespace                 // one byte of white space between elements
	Closed                     // the end tag of the stream
	Partial                    // what was left when the bytes ended
	Raw                        // bytes of an opaque direction
	Stray                      // what stands between elements and is none: text, a comment; framing goes on behind it
)

// Body is the event body that a frame of this kind becomes.
func (k Kind) Body() session.Body {
	switch k {
	case Opened:
		return session.StreamOpened{}
	case Element:
		return session.StreamElement{}
	case Whitespace:
		return session.StreamWhitespace{}
	case Closed:
		return session.StreamClosed{}
	case Partial:
		return session.StreamPartial{}
	case Stray:
		return session.StreamRaw{Between: true}
	}
	return session.StreamRaw{}
}

// Frame is one piece of a direction's plaintext. Its byte slices are borrowed:
// they are valid until the scanner is called next.
type Frame struct {
	Kind      Kind
	Offset    int64  // of its first byte in the direction
	Size      int64  // its length in bytes
	Raw       []byte // its bytes, at most MaxFrame of them
	Name      []byte // qualified name of its top element, as written
	Tag       []byte // start tag of its top element; nil if it was cut off
	Truncated bool   // Raw holds less than Size bytes
	// Problem is set on the first frame of an opaque direction and says why.
	Problem *Problem
}

// Local is the local part of the frame's name.
func (f *Frame) Local() []byte {
	if i := bytes.IndexByte(f.Name, ':'); i >= 0 {
		return f.Name[i+1:]
	}
	return f.Name
}

// Problem says why a direction became opaque, and where.
type Problem struct {
	Reason string // one clause: "the end tag </b> does not match <a>"
	At     int64  // offset in the direction
}

// Event makes an event as seen of a frame that dir's sender sent. It copies what
// the frame borrows.
func (f *Frame) Event(dir session.Dir) session.Event {
	return session.Event{
		Leg: dir.From(), Dir: dir, Body: f.Kind.Body(), Offset: f.Offset, Name: localName(f.Local()),
		Raw: bytes.Clone(f.Raw), Size: f.Size, Truncated: f.Truncated,
	}
}

// localName is the name as a string, without allocating those that come often.
func localName(name []byte) string {
	switch string(name) {
	case "message":
		return "message"
	case "presence":
		return "presence"
	case "iq":
		return "iq"
	case "r":
		return "r"
	case "a":
		return "a"
	}
	return string(name)
}
