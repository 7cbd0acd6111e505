package proxy

import "xmppscope/session"

// Action is what the Relay wants done. The set is closed, as that of Input.
type Action interface{ action() }

type (
	// Connect the server leg. Domain is the stream's "to", "" if there is none.
	Connect struct{ Domain string }
	// Record something that happened beside the bytes.
	Record struct{ Event session.Seen }
	// Forward bytes in a direction, and keep them: that side has said them. They are
	// borrowed from the Data input, or the relay's own and given away.
	Forward struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Keep bytes that one side has said, and nobody gets.
	Keep struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Send bytes of our own.
	Send struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Decide works out what becomes of the piece that a direction waits for, and says
	// Decided.
	Decide struct {
		Dir  session.Dir
		Work func() Decision
	}
	// Quiesce: stop reading on both sides, finish writing, and say Quiet.
	Quiesce struct{}
	// Secure both legs. Early is what the client has already said in TLS. Direct
	// is TLS from the first byte, where the server leg is yet to be connected.
	Secure struct {
		Domain string
		Early  []byte
		Direct bool
	}
	// Finish sending in a direction (half-close). Cut leaves out TLS's close_notify, as
	// the sender has.
	Finish struct {
		Dir session.Dir
		Cut bool
	}
	// Close both legs, after what is still to be written. By says who ended it; Reset
	// that it was no orderly end, which the other leg is to learn too.
	Close struct {
		By    string
		Reset bool
	}
)

func (Connect) action() {}
func (Record) action()  {}
func (Forward) action() {}
func (Keep) action()    {}
func (Send) action()    {}
func (Decide) action()  {}
func (Quiesce) action() {}
func (Secure) action()  {}
func (Finish) action()  {}
func (Close) action()   {}
