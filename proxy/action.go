package proxy

import "xmppscope/session"

// Action is what the Relay wants done. The set is closed, as that of Input.
type Action interface{ action() }

type (
	// Connect the server leg. Domain is the stream's "to", "" if there is none.
	Connect struct{ Domain string }
	// Record an event as seen.
	Record struct{ Event session.Event }
	// Forward bytes in a direction. They are borrowed from the Data input.
	Forward struct {
		Dir   session.Dir
		Bytes []byte
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
	// Finish sending in a direction (half-close).
	Finish struct{ Dir session.Dir }
	// Close both legs, after what is still to be written. By says who ended it.
	Close struct{ By string }
)

func (Connect) action() {}
func (Record) action()  {}
func (Forward) action() {}
func (Quiesce) action() {}
func (Secure) action()  {}
func (Finish) action()  {}
func (Close) action()   {}
