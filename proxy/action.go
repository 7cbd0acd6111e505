package proxy

import (
	"time"

	"xmppscope/session"
)

// Action is what the Relay wants done. The set is closed, as that of Input.
type Action interface{ action() }

type (
	// Connect the server leg. Domain is the stream's "to", "" if there is none. Named is
	// the server that the client has asked for otherwise, nil if it has not.
	Connect struct {
		Domain string
		Named  *Named
		Sealed bool   // what goes there is TLS, and stays as it is
		Web    bool   // what goes there is HTTP: Named is the request's host
		Peer   bool   // a server asks for another
		From   string // who has opened the stream, where that is known
		// StartTLS has TLS to the server begun by us.
		StartTLS bool
		// StandIn says that a client whose server awaits TLS is answered here until it has
		// begun its own. Alike leaves such servers out.
		StandIn, Alike bool
	}
	// Record something that happened beside the bytes.
	Record struct{ Event session.Seen }
	// Forward bytes in a direction, and keep them: that side has said them. They are
	// borrowed from the Data input, or the relay's own and given away.
	Forward struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Pass bytes on in a direction, and keep nothing: they are TLS that is none of ours.
	Pass struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Keep bytes that one side has said, and nobody gets.
	Keep struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Answer the client at a door. It is no part of what anybody says in the session.
	Answer struct{ Bytes []byte }
	// Enter: the client is through the door, or came to the point at once. Took is how many
	// bytes that was.
	Enter struct{ Took int }
	// Send bytes of our own.
	Send struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Decide works out what becomes of the piece that a direction waits for, and says
	// Decided.
	Decide struct {
		Dir  session.Dir
		Wait uint64
		Work func() Decision
	}
	// Hold shows the piece that a direction waits for to whoever decides about it.
	Hold struct {
		Dir  session.Dir
		Wait uint64
		Held Held
	}
	// Delay says Decided after a time; or Resumed, if it is about a stall.
	Delay struct {
		Dir   session.Dir
		Wait  uint64
		For   time.Duration
		After Decision
		Stall bool
	}
	// JoinBOSH: the client goes on with a session of BOSH that was opened on another
	// connection, and the server has Accepted that, or has not answered yet.
	JoinBOSH struct {
		SID      string
		Accepted bool
	}
	// OpenBOSH: the server has made a session of BOSH, which lasts for so long without a
	// connection.
	OpenBOSH struct {
		SID   string
		Lasts time.Duration
	}
	// Answered hands over what was answered to something of ours.
	Answered struct {
		To  chan<- []byte
		XML []byte
	}
	// Mark asks where a direction stands, and Interrupt ends its reading for that.
	Mark      struct{ Dir session.Dir }
	Interrupt struct{ Dir session.Dir }
	// SetPace says how a direction is written from now on.
	SetPace struct {
		Dir         session.Dir
		Rate, Chunk int
	}
	// Quiesce: stop reading on both sides, finish writing, and say Quiet.
	Quiesce struct{}
	// Secure both legs. Early is what the client has already said in TLS. Direct
	// is TLS from the first byte, where the server leg is yet to be connected; Awaited is that of
	// a server alone.
	Secure struct {
		Domain  string
		Early   []byte
		Direct  bool
		Awaited bool
		Peer    bool   // a server has called another
		From    string // who has opened the stream, where that is known
	}
	// Finish sending in a direction (half-close). Cut leaves out TLS's close_notify, as
	// the sender has. Drop closes that leg altogether, and keeps the other; Reset resets it.
	Finish struct {
		Dir   session.Dir
		Cut   bool
		Drop  bool
		Reset bool
	}
	// Close both legs, after what is still to be written. By says who ended it; Reset
	// that it was no orderly end, which the other leg is to learn too.
	Close struct {
		By    string
		Reset bool
	}
)

func (Connect) action()   {}
func (Record) action()    {}
func (Forward) action()   {}
func (Pass) action()      {}
func (Keep) action()      {}
func (Answer) action()    {}
func (Enter) action()     {}
func (Send) action()      {}
func (Decide) action()    {}
func (Quiesce) action()   {}
func (Secure) action()    {}
func (Finish) action()    {}
func (Close) action()     {}
func (Hold) action()      {}
func (Delay) action()     {}
func (Answered) action()  {}
func (JoinBOSH) action()  {}
func (OpenBOSH) action()  {}
func (Mark) action()      {}
func (Interrupt) action() {}
func (SetPace) action()   {}
