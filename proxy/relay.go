package proxy

import (
	"bytes"

	"xmppscope/decode"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// maxHeld bounds what is kept for one side while it has to wait.
const maxHeld = 64 << 10

// phase is where a connection stands.
type phase uint8

const (
	sniffing    phase = iota // nothing has come from the client
	addressing               // its header says where to connect; it is not complete
	connecting               // the server leg is being connected
	relaying                 // bytes flow
	asked                    // the client has sent <starttls/> and awaits the answer
	quiescing                // <proceed/> has passed; reads are being stopped
	securing                 // TLS handshakes are under way
	unreachable              // there is no server; the client's header is awaited
	closing                  // both legs are being closed
)

// Relay is the behaviour of one connection, without I/O: it forwards what it is
// given, cut at most where the stream turns into TLS, and records copies.
type Relay struct {
	fixed    bool // the target does not depend on the stream's "to"
	phase    phase
	scan     [3]decode.Scanner // by direction
	held     []byte            // from the client: not forwarded yet (connecting), or not looked at (asked)
	header   bool              // the client's header has been seen
	domain   string            // "to" of the client's newest header
	content  string            // its default namespace
	answered bool              // the server has sent something
	secured  bool
	ended    [3]bool             // by direction
	waited   bool                // that the other side is silent has been said
	turn     turn                // whose turn it is in the login
	inflate  [3]*decode.Inflater // by direction; nil while not compressed
	out      []Action
}

// NewRelay makes the relay of a new connection. Fixed says that the server is
// known whatever the client says, and speaks plain TCP first.
func NewRelay(fixed bool) *Relay { return &Relay{fixed: fixed} }

// Handle takes an input and returns what is to be done, in order. The actions are
// valid until the next call.
func (r *Relay) Handle(in Input) []Action {
	clear(r.out)
	r.out = r.out[:0]
	switch in := in.(type) {
	case Data:
		r.waited = false
		r.data(in.Dir, in.Bytes)
	case Ended:
		r.end(in)
	case Connected:
		r.connected()
	case ConnectFailed:
		r.phase = unreachable
		r.lookAtHeld()
		r.excuse()
	case Quiet:
		if r.phase == quiescing {
			r.secure()
		}
	case Secured:
		r.phase, r.secured, r.answered, r.header, r.turn = relaying, true, false, false, turn{}
		r.scan[session.C2S].Reset()
		r.scan[session.S2C].Reset()
	case SecureFailed:
		if r.ended[session.S2C] {
			r.close(theServer)
		} else {
			r.close(ourselves)
		}
	case Waited:
		r.silence(in)
	case Stopped:
		r.close(ourselves)
	}
	return r.out
}

// Who ends a connection: Close.By.
const (
	theClient = "client"
	theServer = "server"
	ourselves = session.OriginSelf
)

// HasEnded says whether a side has finished sending.
func (r *Relay) HasEnded(dir session.Dir) bool { return r.ended[dir] }

// Wants says whether the next bytes of a direction may be read.
func (r *Relay) Wants(dir session.Dir) bool {
	if r.ended[dir] {
		return false
	}
	switch r.phase {
	case quiescing, securing, closing:
		return false
	case sniffing, addressing, connecting, unreachable:
		return dir == session.C2S && len(r.held) < maxHeld
	case asked:
		return dir == session.S2C || len(r.held) < maxHeld
	}
	return true
}

func (r *Relay) do(a Action) { r.out = append(r.out, a) }

func (r *Relay) record(dir session.Dir, body session.Body, raw []byte) {
	r.do(Record{session.Event{Leg: dir.From(), Dir: dir, Body: body, Raw: bytes.Clone(raw), Size: int64(len(raw))}})
}

func (r *Relay) data(dir session.Dir, p []byte) {
	switch r.phase {
	case closing:
		return
	case sniffing:
		if tlsintercept.Sniff(p[0]) == tlsintercept.TLS { // direct TLS (XEP-0368)
			r.phase = securing
			r.do(Secure{Early: bytes.Clone(p), Direct: true})
			return
		}
		r.phase = addressing
		if r.fixed {
			r.phase = connecting
			r.do(Connect{})
		}
		r.hold(p)
	case addressing, connecting:
		r.hold(p)
	case unreachable:
		r.look(dir, p)
		r.excuse()
	case asked:
		if dir == session.C2S {
			r.held = append(r.held, p...)
			return
		}
		r.pass(dir, p)
	case quiescing, securing:
		r.late(dir, p)
	default:
		r.pass(dir, p)
	}
}

// hold keeps the client's bytes until there is a server, and looks for the header
// that names it.
func (r *Relay) hold(p []byte) {
	r.held = append(r.held, p...)
	if r.phase != addressing {
		return
	}
	// The scan is repeated when the bytes are passed on: they are few, and what
	// comes behind <starttls/> must not be looked at yet.
	var s decode.Scanner
	for rest := r.held; len(rest) > 0; {
		n, f, ok := s.Next(rest)
		rest = rest[n:]
		if !ok {
			break
		}
		if f.Kind == decode.Opened || f.Problem != nil {
			r.learnHeader(&f)
			r.phase = connecting
			r.do(Connect{Domain: r.domain})
			return
		}
	}
	if len(r.held) >= maxHeld {
		r.phase = connecting
		r.do(Connect{})
	}
}

func (r *Relay) connected() {
	r.phase = relaying
	held := r.held
	r.held = nil
	if len(held) > 0 {
		r.pass(session.C2S, held)
	}
	if r.ended[session.C2S] && r.phase != closing {
		if f, ok := r.scan[session.C2S].Finish(); ok { // what it had begun when it ended
			r.frame(session.C2S, &f)
		}
		r.do(Finish{session.C2S})
	}
}

// look scans and records without forwarding.
func (r *Relay) look(dir session.Dir, p []byte) {
	if z := r.inflate[dir]; z != nil && !r.scan[dir].IsOpaque() {
		if err := z.Feed(p, func(plain []byte) { r.split(dir, plain) }); err != nil {
			r.opaque(dir, err.Error())
		}
		return
	}
	r.split(dir, p)
}

func (r *Relay) split(dir session.Dir, p []byte) {
	for len(p) > 0 {
		n, f, ok := r.scan[dir].Next(p)
		if ok {
			r.frame(dir, &f)
		}
		p = p[n:]
	}
}

// lookAtHeld records what the client has said and nobody will get.
func (r *Relay) lookAtHeld() {
	held := r.held
	r.held = nil
	r.look(session.C2S, held)
}

// pass forwards p and records its frames, up to a turn of the stream.
func (r *Relay) pass(dir session.Dir, p []byte) {
	if dir == session.S2C {
		r.answered = true
	}
	if r.inflate[dir] != nil {
		r.look(dir, p)
		r.do(Forward{dir, p})
		return
	}
	for at := 0; at < len(p); {
		n, f, ok := r.scan[dir].Next(p[at:])
		at += n
		if !ok {
			break
		}
		r.frame(dir, &f)
		switch turn := r.scan[dir].TurnAfter(dir, &f); {
		case turn == decode.AsksTLS && r.phase == relaying && !r.secured: // TLS cannot begin twice
			r.phase = asked
			r.do(Forward{dir, p[:at]})
			r.held = append(r.held, p[at:]...)
			return
		case turn == decode.BeginsTLS && r.phase == asked:
			r.phase = quiescing
			r.do(Forward{dir, p[:at]})
			r.late(dir, p[at:])
			r.do(Quiesce{})
			return
		case turn == decode.RefusesTLS && r.phase == asked:
			r.do(Forward{dir, p[:at]})
			r.phase = relaying
			held := r.held
			r.held = nil
			r.pass(session.C2S, held)
			r.pass(dir, p[at:])
			return
		case turn == decode.Compresses && r.inflate[dir] == nil:
			r.compressed()
			r.look(dir, p[at:])
			r.do(Forward{dir, p})
			return
		}
	}
	if len(p) > 0 {
		r.do(Forward{dir, p})
	}
}

// frame records a frame, and the reason if it is the first of an opaque direction.
func (r *Relay) frame(dir session.Dir, f *decode.Frame) {
	if f.Problem != nil {
		r.record(dir, session.RelayOpaque{Reason: f.Problem.Reason, At: f.Problem.At}, nil)
	}
	if dir == session.C2S && f.Kind == decode.Opened {
		r.learnHeader(f)
	}
	r.turn.heard(dir, f)
	r.do(Record{f.Event(dir)})
}

func (r *Relay) learnHeader(f *decode.Frame) {
	if root, _ := decode.ParseTag(f.Raw, nil); root != nil && f.Kind == decode.Opened {
		r.header, r.domain, r.content = true, root.Attr("to"), root.Attr("xmlns")
	}
}

// compressed begins a new, compressed stream in both directions (XEP-0138 §3).
func (r *Relay) compressed() {
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		if f, ok := r.scan[dir].Finish(); ok {
			r.frame(dir, &f)
		}
		r.scan[dir].Reset()
		r.inflate[dir] = decode.NewInflater()
	}
}

// opaque gives up understanding a direction, for a reason outside of its XML.
func (r *Relay) opaque(dir session.Dir, reason string) {
	if f, ok := r.scan[dir].Opaque(); ok {
		r.frame(dir, &f)
	}
	r.record(dir, session.RelayOpaque{Reason: reason, At: r.scan[dir].Offset()}, nil)
}

// late takes bytes that arrived while the stream was turning into TLS. From the
// client they may be its ClientHello (XEP-0305); from the server they can only
// have been injected into the clear text.
func (r *Relay) late(dir session.Dir, p []byte) {
	if len(p) == 0 {
		return
	}
	if dir == session.C2S {
		r.held = append(r.held, p...)
		return
	}
	r.record(dir, session.RelayDropped{Reason: "plaintext behind <proceed/>, where TLS has to begin (RFC 6120 §5.4.3.1): not carried into TLS"}, p)
}

// secure begins the handshakes with what the client has said early.
func (r *Relay) secure() {
	// A line end behind <starttls/> is common, and may come together with the
	// ClientHello: that must not be lost with it.
	hello := bytes.TrimLeft(r.held, " \t\r\n")
	if n := len(r.held) - len(hello); n > 0 && (len(hello) == 0 || tlsintercept.Sniff(hello[0]) == tlsintercept.TLS) {
		r.record(session.C2S, session.RelayDropped{Reason: "white space behind <starttls/>, where none may be (RFC 6120 §5.3.3): not carried into TLS"}, r.held[:n])
		r.held = hello
	}
	r.dropHeld("plaintext behind <starttls/>, where TLS has to begin (RFC 6120 §5.4.3.1): not carried into TLS")
	r.phase = securing
	r.do(Secure{Domain: r.domain, Early: r.held})
	r.held = nil
}

// dropHeld records what is held and is no TLS record, and forgets it.
func (r *Relay) dropHeld(reason string) {
	if len(r.held) > 0 && tlsintercept.Sniff(r.held[0]) != tlsintercept.TLS {
		r.record(session.C2S, session.RelayDropped{Reason: reason}, r.held)
		r.held = nil
	}
}

// end notes that a side has finished sending and passes it on.
func (r *Relay) end(in Ended) {
	if r.phase == closing || r.ended[in.Dir] {
		return
	}
	r.ended[in.Dir] = true
	if r.phase == sniffing || r.phase == addressing {
		r.lookAtHeld()
	}
	if f, ok := r.scan[in.Dir].Finish(); ok {
		r.frame(in.Dir, &f)
	}
	if in.Err != nil {
		r.close(in.Dir.Sender())
		return
	}
	switch r.phase {
	case sniffing, addressing, unreachable:
		r.close(in.Dir.Sender())
		return
	case quiescing, securing:
		r.record(in.Dir, session.TCPHalfClosed{}, nil)
		return // the handshake will fail and say so
	}
	r.record(in.Dir, session.TCPHalfClosed{}, nil)
	if r.ended[in.Dir.Opposite()] {
		r.close(in.Dir.Sender())
		return
	}
	if r.phase != connecting {
		r.do(Finish{in.Dir})
	}
}

func (r *Relay) close(by string) {
	if r.phase == closing {
		return
	}
	switch r.phase {
	case sniffing, addressing, connecting:
		r.lookAtHeld()
	case asked, quiescing:
		r.dropHeld("the server's answer to <starttls/> never came")
	}
	r.phase = closing
	for _, z := range r.inflate {
		if z != nil {
			z.Stop()
		}
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		if !r.ended[dir] {
			if f, ok := r.scan[dir].Finish(); ok {
				r.frame(dir, &f)
			}
		}
	}
	r.do(Close{by})
}
