package proxy

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"xmppscope/internal/idn"
	"xmppscope/session"
)

// One port takes whatever comes. What a connection begins with is a handshake of a door, or
// the client's own: XML, TLS, HTTP, or anything else. A door is a file: door_socks.go,
// door_connect.go, door_header.go.

// ways are those in that begin with a handshake of their own.
var ways = []way{
	{"SOCKS5", isSOCKS, func() handshake { return new(socks) }},
	{"HTTP CONNECT", isCONNECT, func() handshake { return new(connect) }},
	{"PROXY", isProxyHeader, func() handshake { return proxyHeader{} }},
}

// way is one of them.
type way struct {
	name string
	// begins says whether p, the first bytes of a connection, begin its handshake. Where
	// they are too few to tell, it says wait.
	begins func(p []byte) (yes, wait bool)
	new    func() handshake
}

// handshake is what a client says to a door, without I/O.
type handshake interface {
	// next reads p, what has come and has not been read. ok is false where that is too
	// little; all of it is passed again then, with more.
	next(p []byte) (s step, ok bool)
	// reached is the answer to a client whose target has been connected to, or has not been
	// for a reason.
	reached(failed error) []byte
}

// step is what a handshake has come to.
type step struct {
	read   int    // bytes of p that are done with
	answer []byte // for the client
	said   session.RelayDoor
	named  *Named // has to be connected; reached answers
	over   bool   // what follows is the client's own
}

// Named is a server that a client has asked for by its host and port, rather than by what
// it says in the stream.
type Named struct {
	Host string // a name, or an address
	Port int
	By   string // what the client said it with: "SOCKS5"
}

// String is "host:port", IPv6 in brackets.
func (n Named) String() string { return net.JoinHostPort(n.Host, strconv.Itoa(n.Port)) }

// maxDoor bounds what a handshake may take in one step.
const maxDoor = 16 << 10

// wayAt finds the one by which a connection has come. Where it is too early to tell, it
// says wait.
func wayAt(p []byte) (w *way, wait bool) {
	for i := range ways {
		yes, later := ways[i].begins(p)
		if yes {
			return &ways[i], false
		}
		wait = wait || later
	}
	return nil, wait && len(p) < maxDoor
}

// beginsWith says whether p begins with text, or may once more has come.
func beginsWith(p []byte, text string) (yes, wait bool) {
	n := min(len(p), len(text))
	return n == len(text) && string(p[:n]) == text, n < len(text) && string(p[:n]) == text[:n]
}

// namedAt makes a Named of a host and a port as a client has written them.
func namedAt(host string, port int, by string) (*Named, error) {
	if _, err := idn.Parse(host); err != nil {
		return nil, errors.New("it asks for an impossible host: " + session.ShortLine(err.Error()))
	}
	if port < 1 || port > 65535 {
		return nil, fmt.Errorf("it asks for port %d, which is none", port)
	}
	return &Named{Host: strings.Trim(host, "[]"), Port: port, By: by}, nil
}

// knock looks at what the client has said first. What a door takes is told in words and is
// no part of what the client says; what stands behind it is.
func (r *Relay) knock() {
	for r.phase == sniffing {
		if r.door == nil {
			d, wait := wayAt(r.held)
			switch {
			case wait:
				return
			case d == nil || r.reached && d.name != "PROXY": // a door behind a door is the server's own
				r.begin()
				return
			case d.name == "PROXY" && !r.headers:
				r.told(session.RelayDoor{Door: d.name, Reason: "a header of the PROXY protocol came: --proxy-protocol takes it off. It goes on to the server as it is"})
				r.begin()
				return
			case d.name == "PROXY" && (r.headed || r.reached): // by the client itself, who may say anything
				r.told(session.RelayDoor{Door: d.name, Reason: "another header of the PROXY protocol came, which is not the balancer's. It goes on to the server as it is"})
				r.begin()
				return
			}
			r.headed = r.headed || d.name == "PROXY"
			r.door, r.entry = d.new(), d.name
		}
		s, ok := r.door.next(r.held)
		switch {
		case !ok && len(r.held) < maxDoor:
			return
		case !ok:
			s = step{said: session.RelayDoor{Failed: true, Reason: fmt.Sprintf("its handshake is longer than %d KiB", maxDoor>>10)}}
		}
		r.held = r.held[s.read:]
		r.took += s.read
		r.answer(s.answer)
		if s.said != (session.RelayDoor{}) {
			s.said.Door = r.entry
			r.told(s.said)
		}
		switch {
		case s.said.Failed:
			r.took, r.held = r.took+len(r.held), nil
			r.close(ourselves)
		case s.named != nil:
			r.phase, r.named = connecting, s.named
			r.do(Connect{Domain: s.named.Host, Named: s.named})
		case s.over:
			r.door = nil
		}
		if len(r.held) == 0 {
			return
		}
	}
}

// enter says that what the client says from now on is its own.
func (r *Relay) enter() {
	if !r.inside {
		r.inside = true
		r.do(Enter{r.took})
	}
}

// told records what came to pass at the door.
func (r *Relay) told(b session.RelayDoor) {
	r.do(Record{session.Seen{Leg: session.ClientLeg, Dir: session.C2S, Body: b}})
}

// answer gives the client a door's answer.
func (r *Relay) answer(b []byte) {
	if len(b) > 0 {
		r.do(Answer{b})
	}
}

// entered goes on when the server that a door's client has asked for is connected, or
// cannot be.
func (r *Relay) entered(failed error) {
	r.answer(r.door.reached(failed))
	if failed != nil {
		r.close(ourselves)
		return
	}
	r.door, r.phase, r.reached = nil, sniffing, true
	if r.clear {
		r.told(session.RelayDoor{Door: r.entry, Reason: byClientTLS + " off does not hold for a client that names its server here: TLS is as the two make it out"})
	}
	if r.ended[session.C2S] {
		r.phase = relaying
		r.finish(session.C2S)
		return
	}
	r.knock()
}
