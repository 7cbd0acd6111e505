package proxy

import (
	"time"

	"xmppscope/session"
)

// Decision is what becomes of a piece. The zero value lets it pass as it came.
type Decision struct {
	// XML goes in the piece's place; nil lets the piece pass. It may be anything: what is not
	// well-formed is sent as it is.
	XML []byte
	// Drop has nothing go on.
	Drop bool
	// Copies is how many more of what goes on follow it.
	Copies int
	// Reason says what was done and why, or why not though it was asked for: it is recorded
	// as session.RelayEdited, or as RelayBent if Bent says that the element is the same, and
	// its time or its connection is not; Noted that neither is, and it is only said. "" is
	// nothing to say.
	Reason string
	Bent   bool
	Noted  bool
	// By names the rule, or who has decided.
	By string

	// Later, if it is not nil, works the decision out, in a goroutine of its own. The
	// direction waits for it.
	Later func() Decision
	// Hold has the direction wait for Control.Decide; it says at what. Shown is the element
	// without its secrets, for where they are not to be seen.
	Hold  string
	Shown []byte
	// Delay has the direction wait for so long before the rest is done.
	Delay time.Duration

	// Sends are said behind the piece, in either direction.
	Sends []Sending
	// Bends are done last.
	Bends []Bend
}

// waits says whether the direction has to wait.
func (d *Decision) waits() bool { return d.Later != nil || d.Hold != "" || d.Delay > 0 }

// Sending is something that xmppscope says in somebody's place.
type Sending struct {
	Dir    session.Dir
	XML    []byte
	Reason string // why: it is recorded (session.RelaySent)
	By     string // the rule, or who has asked for it
	// Answer keeps the answer from the other side, which has not asked: of an iq, and of
	// <r/>.
	Answer bool
	// Reply, if it is not nil, gets the answer that was kept; it needs room for one.
	Reply chan<- []byte
}

// Bending is what can be done to a connection.
type Bending uint8

// The ways to bend a connection.
const (
	Cut       Bending = iota + 1 // both legs are closed, in order
	Reset                        // both legs are reset
	HalfClose                    // a direction ends: FIN, and nothing more is passed on in it
	DropLeg                      // the leg that a direction comes from is closed, and the other is kept
	ResetLeg                     // the same, with a reset
	Stall                        // a direction is not read, for a time or for good
	BlackHole                    // a direction is read, and nothing is passed on
	Pace                         // a direction is written in small portions, or slowly
)

// Endings are the ways to end a connection in another way than in order, by name.
var Endings = map[string]Bend{
	"reset": {What: Reset}, "half-close": {What: HalfClose},
	"drop-client": {What: DropLeg, Dir: session.C2S}, "drop-server": {What: DropLeg, Dir: session.S2C},
	"reset-client": {What: ResetLeg, Dir: session.C2S}, "reset-server": {What: ResetLeg, Dir: session.S2C},
}

// Bend is one of them.
type Bend struct {
	What   Bending
	Dir    session.Dir   // which direction; NoDir is both
	For    time.Duration // of Stall; 0 is for good
	Rate   int           // of Pace: bytes a second; 0 is as fast as it goes
	Chunk  int           // of Pace: bytes that are written at a time; 0 is as they come
	Reason string        // it is recorded (session.RelayBent)
	By     string
}
