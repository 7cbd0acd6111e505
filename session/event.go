package session

import (
	"slices"
	"time"
)

// Dir is the direction in which bytes travel.
type Dir uint8

// The two directions; NoDir is for events that have none.
const (
	NoDir Dir = iota
	C2S       // from the client towards the server
	S2C       // from the server towards the client
)

var dirNames = [...]string{NoDir: "", C2S: "c2s", S2C: "s2c"}

// String gives the name that JSON and filters use: "c2s", "s2c" or "".
func (d Dir) String() string { return dirNames[d] }

// DirNamed is the direction that is called so; ok is false if none is.
func DirNamed(name string) (d Dir, ok bool) {
	at := slices.Index(dirNames[:], name)
	return Dir(max(at, 0)), at >= 0
}

// Opposite is the other direction; NoDir stays NoDir.
func (d Dir) Opposite() Dir {
	switch d {
	case C2S:
		return S2C
	case S2C:
		return C2S
	}
	return NoDir
}

// Sender names who sends in this direction: "client", "server", or "peer" if it is
// not known which.
func (d Dir) Sender() string {
	if d == NoDir {
		return "peer"
	}
	return d.From().String()
}

// From is the leg on which bytes of this direction arrive.
func (d Dir) From() Leg {
	switch d {
	case C2S:
		return ClientLeg
	case S2C:
		return ServerLeg
	}
	return NoLeg
}

// To is the leg on which bytes of this direction leave.
func (d Dir) To() Leg { return d.Opposite().From() }

// Leg is one of the two connections of a session.
type Leg uint8

// The two legs; NoLeg is for events that belong to neither.
const (
	NoLeg     Leg = iota
	ClientLeg     // between the client and xmppscope
	ServerLeg     // between xmppscope and the server
)

var legNames = [...]string{NoLeg: "", ClientLeg: "client", ServerLeg: "server"}

// String gives the name that JSON and filters use: "client", "server" or "".
func (l Leg) String() string { return legNames[l] }

// Dir is the direction of the bytes that arrive on this leg.
func (l Leg) Dir() Dir {
	switch l {
	case ClientLeg:
		return C2S
	case ServerLeg:
		return S2C
	}
	return NoDir
}

// Span is a half-open range of byte offsets, [Start, End), into Event.Raw.
type Span struct{ Start, End int }

// Len is the number of bytes in the span.
func (s Span) Len() int { return s.End - s.Start }

// Replaced is a copy of raw with other bytes in the span's place.
func (s Span) Replaced(raw []byte, with string) []byte {
	return slices.Concat(raw[:s.Start], []byte(with), raw[s.End:])
}

// OriginSelf is Event.Origin of bytes that we sent in someone's place.
const OriginSelf = "xmppscope"

// Event is one thing that happened in a session, and what is said of it. It is a value:
// once appended it is never changed, and Raw is never written to again.
type Event struct {
	Seen
	Said
}

// Seen is what happened, as whoever was there has seen it: the relay, or the reader of a
// capture.
type Seen struct {
	Session int       // 1, 2, …: one for each accepted connection; 0 is the run itself
	Seq     uint64    // 1, 2, … without gaps in its session; 0 for kinds that are not numbered
	At      time.Time // when its last byte had arrived
	Leg     Leg
	Dir     Dir
	// Beside says that it tells of one connection of a session that has several, and not of
	// the session: which has begun before, or goes on.
	Beside bool
	// Conn is on which connection of the session it came, where that has several (BOSH,
	// XEP-0124): 2 is the first that has joined, 0 the one that the session has begun with.
	Conn   int32
	Body   Body
	Origin string // OriginSelf if these bytes are ours, else ""
	Offset int64  // of Raw's first byte in the plaintext of its direction, and connection
	Raw    []byte // the exact bytes; a prefix of them if Truncated
	Size   int64  // true size on the wire in bytes, whatever Raw holds
	// Truncated says that Raw holds less than Size bytes.
	Truncated bool
	Name      string // local name of the top element, "" where there is none
}

// Said is what the explainer (package decode) has to say of an event.
type Said struct {
	// Done says that it has been explained. Of one that has not been, nobody knows what in
	// it is secret: Blank hides all its bytes.
	Done bool
	// Redacted says that secrets in Raw and Notes were replaced by placeholders.
	Redacted bool
	Space    string // the namespace of the top element
	Step     *Step  // the rung of the login ladder this event stands on, or nil
	Summary  string // one line for a person; may hold text from the wire
	Notes    []Note
	Secrets  []Secret      // spans of Raw to blank, sorted, not overlapping
	Answers  uint64        // Seq of the request that this event answers, or 0
	RTT      time.Duration // time since that request
}

// Kind is the name of the event's body, "" if it has none.
func (e *Seen) Kind() string {
	if e.Body == nil {
		return ""
	}
	return e.Body.Name()
}

// Worst is the highest severity among the notes, Info if there are none.
func (e *Event) Worst() Severity {
	worst := Info
	for i := range e.Notes {
		worst = max(worst, e.Notes[i].Severity)
	}
	return worst
}

// Field returns the value of the first note with this field name.
func (e *Event) Field(name string) (string, bool) {
	for i := range e.Notes {
		if e.Notes[i].Name == name {
			return e.Notes[i].Value, true
		}
	}
	return "", false
}

// User is who logs in with the event, by the name that the mechanism takes; "" if it
// does not say.
func (e *Event) User() string {
	for i := range e.Notes {
		if e.Notes[i].NamesUser() {
			return e.Notes[i].Value
		}
	}
	return ""
}
