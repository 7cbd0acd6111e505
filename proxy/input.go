package proxy

import (
	"time"

	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// Input is something that happened to a connection. The set is closed: a new one
// means a change in relay.go and in pump.go, on purpose.
type Input interface{ input() }

type (
	// Data arrived. Bytes is borrowed until the actions have been carried out.
	Data struct {
		Dir   session.Dir
		Bytes []byte
	}
	// Ended says that a side has finished sending: Dir is the direction that is
	// over. Err is nil for an orderly end; Cut says that TLS was up, and its
	// close_notify did not come (RFC 8446 §6.1).
	Ended struct {
		Dir session.Dir
		Cut bool
		Err error
	}
	// Broken says that nothing more can be written in a direction: its receiver no
	// longer takes data.
	Broken struct{ Dir session.Dir }
	// Connected says that the server leg is up. Standing, if it is not "", says that it awaits
	// TLS, which the client has yet to begin, and who has named such a server.
	Connected struct{ Standing string }
	// ConnectFailed says that it is not, and never will be.
	ConnectFailed struct{ Err error }
	// Quiet says that no read is under way and nothing is left to write.
	Quiet struct{}
	// Secured says that TLS is up on both legs. Gate, if it is not nil, decides about what
	// follows.
	Secured struct{ Gate Gate }
	// Decided is what was worked out about the piece that a direction waits for.
	Decided struct {
		Dir      session.Dir
		Wait     uint64
		Decision Decision
	}
	// Armed says that gates want something that they have not wanted before. Gates are put
	// in front of those that there are.
	Armed struct{ Gates []Gate }
	// Left says that a direction passes without being looked at from now on (Relay.Free).
	Left struct{ Dir session.Dir }
	// Handed says where a direction stood at its Mark.
	Handed struct {
		Dir  session.Dir
		Lane decode.Lane
	}
	// Injected is to be said, and Bent to be done.
	Injected struct{ Sending Sending }
	Bent     struct{ Bend Bend }
	// Resumed says that a stall is over.
	Resumed struct {
		Dir   session.Dir
		Stall uint64
	}
	// SecureFailed says that it is not; why has been recorded.
	SecureFailed struct{}
	// Handshaking says what the TLS handshakes wait for from now on.
	Handshaking struct{ For tlsintercept.Wait }
	// Waited says that nothing has arrived for a while. Age is that of the connection.
	Waited struct{ For, Age time.Duration }
	// Stopped says that xmppscope is to end.
	Stopped struct{}
)

func (Data) input()          {}
func (Ended) input()         {}
func (Broken) input()        {}
func (Connected) input()     {}
func (ConnectFailed) input() {}
func (Quiet) input()         {}
func (Secured) input()       {}
func (Decided) input()       {}
func (Armed) input()         {}
func (Left) input()          {}
func (Handed) input()        {}
func (Injected) input()      {}
func (Bent) input()          {}
func (Resumed) input()       {}
func (SecureFailed) input()  {}
func (Handshaking) input()   {}
func (Waited) input()        {}
func (Stopped) input()       {}
