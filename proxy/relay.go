package proxy

import (
	"bytes"
	"crypto/tls"

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
// given, cut at most where the stream turns into TLS, and records what happens beside.
type Relay struct {
	fixed   bool // the target does not depend on the stream's "to"
	headers bool // those of the PROXY protocol are taken off
	headed  bool // one has been
	phase   phase
	entry   string    // the door that the client has come through, "" if it came to the point
	door    handshake // of that, while it lasts
	took    int       // bytes that doors have taken
	inside  bool      // the client is through
	named   *Named    // the server that it has asked for there
	reached bool      // the server that it has named there is connected, and TLS may come first
	direct  bool      // and does
	limits  Limits
	// untouched says why TLS is passed on as it is, "" if it is ended; nil: always.
	untouched func(domain string, hello *tls.ClientHelloInfo, named *Named) string
	choosy    bool                                             // that depends on the domain, wherever the client has come
	meta      func(host string, secure bool) []decode.MetaLink // where a host-meta leads, nil if the request is passed on; nil: always
	// keepMeta changes a host-meta that the server answers; nil: it passes as it came.
	keepMeta func(host string, secure, inJSON bool, body []byte) *keptMeta
	meeting  metaKeeping // the answer that is waited for
	// looksEarly says that the client's first bytes inside TLS may ask for that.
	looksEarly bool
	first      []byte        // those
	clear      bool          // clients stay in the clear, and TLS to the server is ours
	refused    bool          // the client has logged in before TLS, where that is required
	standing   string        // who has named a server that awaits TLS, where the client has not begun any; else ""
	sealed     bool          // it was
	stream     decode.Stream // a copy of what flows is cut, to know where it turns into TLS
	held       []byte        // from the client: not forwarded yet (connecting), or not looked at (asked)
	header     bool          // the client's header has been seen
	requested  bool          // or a request of HTTP
	domain     string        // "to" of the client's newest header
	content    string        // its default namespace
	from       string        // who has opened it, "" if that is not said
	answered   bool          // the server has sent something
	secured    bool
	blind      bool              // the stream cannot turn any more, and is not looked at
	ended      [3]bool           // by direction
	abrupt     [3]bool           // by direction: and without TLS's close_notify
	passed     [3]bool           // by direction: that it has ended has been passed on
	deaf       [3]bool           // by direction: the receiver no longer takes data
	awaits     tlsintercept.Wait // of a handshake
	waited     bool              // that the other side is silent has been said
	turn       turn              // whose turn it is in the login
	bosh       boshLook          // what is known of BOSH
	stage      stage             // how far it was when time was looked at last
	gate       []Gate            // decide about elements, in this order
	gated      [3]gated          // by direction
	looked     [3]bool           // by direction: it was held back piece by piece, the last time
	room       *room             // of the run, for large pieces that are held back; nil: as much as there is
	unfolding  *unfolding        // of a compressed stream that somebody looks at; nil: none
	severed    [3]bool           // by direction: messages of WebSocket refer to one that its receiver has not got
	unsaid     bool              // that nothing can be done inside of HTTP has been said, if anybody cared
	waits      uint64            // decisions that were waited for
	opened     [3]bool           // by direction: its receiver has got a stream header
	queue      [3][]Sending      // by direction: what is to be said there
	expected   [3][]expected     // by direction: answers to what we have said
	asks       [3]int            // by direction: <r/> without an answer
	ledger     ledger            // counts of stream management
	left       [3]bool           // by direction: it has passed without being looked at
	joining    [3]joining        // by direction: it is going to be looked at again
	hole       [3]bool           // by direction: nothing is passed on any more
	stalled    [3]uint64         // by direction: it is not read, until this stall is over; 0: it is
	stalls     uint64            // so many there were
	paced      bool              // something is written slowly, or in portions
	own        int               // what gates have had us say for the input, in bytes; see afford
	out        []Action
}

// NewRelay makes the relay of a new connection. Fixed says that the server is
// known whatever the client says, and speaks plain TCP first.
func NewRelay(fixed bool, limits Limits) *Relay { return &Relay{fixed: fixed, limits: limits} }

// Handle takes an input and returns what is to be done, in order. The actions are
// valid until the next call.
func (r *Relay) Handle(in Input) []Action {
	clear(r.out)
	r.out, r.own = r.out[:0], 0
	switch in := in.(type) {
	case Data:
		r.waited = false
		r.data(in.Dir, in.Bytes)
	case Ended:
		r.end(in)
	case Connected:
		switch {
		case r.phase == connecting && r.door != nil:
			r.entered(nil)
		case r.phase == connecting:
			r.standing = in.Standing
			r.connected()
		}
	case ConnectFailed:
		switch {
		case r.phase == connecting && r.door != nil:
			r.entered(in.Err)
		case r.phase == connecting:
			r.phase = unreachable
			r.lookAtHeld()
			r.excuse()
		}
	case Quiet:
		if r.phase == quiescing {
			r.secure()
		}
	case Secured:
		if r.phase != securing {
			break
		}
		r.phase, r.secured, r.answered, r.header, r.turn = relaying, true, false, false, turn{}
		r.looksEarly = r.meta != nil && !r.direct && r.domain == "" && r.content == ""
		r.stream.Secured()
		r.forgetRest()
		r.opened = [3]bool{}
		if in.Gate != nil {
			r.gate = append(r.gate, in.Gate)
		}
	case Armed:
		if in.Gates != nil {
			r.gate = append(in.Gates, r.gate...)
		}
		r.join()
	case Handed:
		r.handed(&in)
	case Left:
		r.left[in.Dir] = true
		r.stream.Leave(in.Dir)
	case Injected:
		r.inject(in.Sending)
		r.join()
	case Bent:
		r.bend(&in.Bend)
	case Resumed:
		if r.stalled[in.Dir] == in.Stall {
			r.stalled[in.Dir] = 0
		}
	case Decided:
		r.hasDecided(in)
	case SecureFailed:
		switch {
		case r.ended[session.S2C]:
			r.close(theServer)
		case r.ended[session.C2S]:
			r.close(theClient)
		default:
			r.close(ourselves)
		}
	case Broken:
		r.broken(in)
	case Handshaking:
		r.waited, r.awaits = false, in.For
	case Waited:
		r.bosh.settled = r.bosh.settled || in.For >= waitTime && r.phase == relaying && r.isWeb()
		r.silence(in)
		r.limit(in)
	case Stopped:
		r.close(ourselves)
	}
	r.standIn()
	r.turnAway()
	r.sayQueued()
	r.endGate()
	return r.out
}

// Free says that all that comes from now on may be passed on without asking: the stream
// cannot turn into anything else, and the login is over. It stays so; ends and errors are
// still to be told.
func (r *Relay) Free() bool {
	return r.phase == relaying && !r.wants() && (r.blind || r.isWeb() && r.bosh.settled && !r.bosh.is && !r.stream.AwaitsFrames() || !r.isWeb() && r.secured && (r.turn.over || r.stream.IsOpaque(session.C2S) || r.stream.IsOpaque(session.S2C)))
}

// wants says whether there is a reason to look at what passes, or to stand in its way.
func (r *Relay) wants() bool {
	if r.paced || r.unfolding != nil || r.standsIn() || r.meeting.asked != nil {
		return true
	}
	for _, dir := range both {
		if r.hole[dir] || r.stalled[dir] != 0 || r.gated[dir].waiting != 0 || r.joining[dir].state != notJoining || len(r.gated[dir].part) > 0 || r.gates(dir) ||
			len(r.queue[dir]) > 0 && !r.blind || r.left[dir] && r.joining[dir].refused == "" && !r.hidden() && r.wanted(dir) {
			return true
		}
	}
	return false
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
	if g := &r.gated[dir]; r.ended[dir] || g.waiting != 0 && (r.unfolding != nil || len(g.rest) > maxBehind) || r.stalled[dir] != 0 || len(r.joining[dir].since) > maxSince {
		return false
	}
	switch r.phase {
	case quiescing, securing, closing:
		return false
	case sniffing, addressing, connecting, unreachable:
		if r.reached || r.door != nil {
			return r.phase == sniffing
		}
		return dir == session.C2S && len(r.held) < maxHeld
	case asked:
		return dir == session.S2C || len(r.held) < maxHeld
	}
	return true
}

func (r *Relay) do(a Action) { r.out = append(r.out, a) }

func (r *Relay) record(dir session.Dir, body session.Body, raw []byte) {
	r.do(Record{session.Seen{Leg: dir.From(), Dir: dir, Body: body, Raw: bytes.Clone(raw), Size: int64(len(raw))}})
}

func (r *Relay) data(dir session.Dir, p []byte) {
	switch r.phase {
	case closing:
		return
	case sniffing:
		if dir == session.S2C { // whatever it is, the server speaks first: nothing of XMPP does
			r.enter()
			r.relay()
			r.pass(dir, p)
			return
		}
		r.held = append(r.held, p...)
		r.knock()
	case addressing, connecting:
		r.hold(p)
	case unreachable:
		r.do(Keep{dir, bytes.Clone(p)})
		r.look(dir, p)
		r.excuse()
	case asked:
		if dir == session.C2S {
			r.holdHello(p)
			return
		}
		r.pass(dir, p)
	case quiescing, securing:
		r.late(dir, p)
	case relaying:
		if dir == session.C2S && r.looksEarly {
			r.early(p)
			return
		}
		r.pass(dir, p)
	}
}

// begin takes the client's own first bytes, behind whatever door.
func (r *Relay) begin() {
	if tlsintercept.Sniff(r.held[0]) == tlsintercept.TLS { // direct TLS (XEP-0368)
		r.beginTLS()
		return
	}
	done, wait := r.answerMeta(r.held)
	if done || wait {
		return
	}
	r.enter()
	held := r.held
	switch {
	case r.reached:
		r.relay()
	default:
		r.phase, r.held = addressing, nil
		if r.fixed {
			r.phase = connecting
			r.do(Connect{})
		}
		r.hold(held)
	}
}

// relay begins to relay what the client has said, to a server that is there.
func (r *Relay) relay() {
	r.phase = relaying
	held := r.held
	r.held = nil
	if len(held) > 0 {
		r.pass(session.C2S, held)
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
	var s decode.Stream
	for rest := r.held; ; {
		n, piece, ok := s.Next(session.C2S, rest)
		rest = rest[n:]
		if !ok {
			break
		}
		if head, ok := piece.Body.(session.HTTPRequest); ok {
			r.phase = connecting
			r.do(webConnect(head))
			return
		}
		if piece.Kind == decode.Opened || piece.Problem != nil {
			r.learnHeader(&piece.Frame)
			r.phase = connecting
			starts := r.content == decode.NSClient && !r.clear || r.content == decode.NSServer
			alike := r.untouchedStream() != ""
			r.do(Connect{Domain: r.domain, Peer: r.content == decode.NSServer, From: r.from, StartTLS: r.clear && r.content == decode.NSClient, StandIn: starts && !alike, Alike: alike})
			return
		}
	}
	if len(r.held) >= maxHeld {
		r.phase = connecting
		r.do(Connect{})
	}
}

func (r *Relay) connected() {
	r.relay()
	if r.ended[session.C2S] && r.phase == relaying {
		r.finish(session.C2S)
	}
}

// look looks at bytes that are not forwarded.
func (r *Relay) look(dir session.Dir, p []byte) {
	for {
		n, piece, ok := r.stream.Next(dir, p)
		if !ok {
			return
		}
		p = p[n:]
		r.learn(&piece)
	}
}

// lookAtHeld keeps and looks at what the client has said and nobody will get.
func (r *Relay) lookAtHeld() {
	held := r.held
	r.held = nil
	if len(held) > 0 {
		r.do(Keep{session.C2S, held})
		r.look(session.C2S, held)
	}
}

// pass forwards p, up to a turn of the stream.
func (r *Relay) pass(dir session.Dir, p []byte) {
	if dir == session.S2C {
		r.answered = true
		if r.standsIn() {
			r.record(dir, session.RelayDropped{Reason: "plaintext of a server that was to await TLS (direct TLS): it does not go to the client, which has none yet"}, p)
			return
		}
	}
	if r.unfolding != nil {
		r.unfold(dir, p)
		return
	}
	r.passPlain(dir, p)
}

// passPlain is pass for what is not compressed, or has been unfolded.
func (r *Relay) passPlain(dir session.Dir, p []byte) {
	if dir == session.S2C && r.meeting.asked != nil {
		r.keepsMeta(p, false)
		return
	}
	if g := &r.gated[dir]; g.waiting != 0 {
		g.rest = append(g.rest, p...)
		return
	}
	if r.left[dir] {
		r.passUnseen(dir, p)
		return
	}
	gates := r.gates(dir)
	if !gates { // what was held back of the piece goes before the rest of it
		r.letGo(dir)
	}
	if gates && !r.looked[dir] && len(r.gated[dir].part) == 0 && !r.stream.Between(dir) {
		r.gated[dir].passing = true
	}
	from := 0 // what lies before it has been forwarded
	for at := 0; !r.blind; {
		n, piece, ok := r.stream.Next(dir, p[at:])
		if !ok {
			break
		}
		at += n
		turn := piece.Turn
		if r.severed[dir] && !r.stream.IsFramed(dir) {
			r.endSevered(dir, p[from:])
			return
		}
		if piece.Dir != dir { // a client of WebSocket has spoken ahead, and is answered now
			r.unheld(&piece)
			continue
		}
		if gates {
			var wait bool
			turn, wait = r.consider(dir, &piece, p[from:at])
			from = at
			if wait {
				r.gated[dir].rest = bytes.Clone(p[at:])
				r.looked[dir] = true
				return
			}
			if r.phase == closing {
				r.keep(dir, bytes.Clone(p[at:]))
				return
			}
			gates = r.gates(dir)
		} else {
			r.gated[dir].passing, r.gated[dir].large = false, false
			r.unheld(&piece)
			if _, head := piece.Body.(session.HTTPResponse); head && r.gates(dir) { // what follows is WebSocket
				r.forward(dir, p[from:at])
				from, gates = at, true
			}
		}
		if r.turned(dir, turn, p[from:at], p[at:]) {
			return
		}
		if piece.Turn == decode.Compresses {
			r.blind = true // compressed or not, what comes now is no business of ours
			r.tellBlind(dir)
		}
	}
	if r.looked[dir] = gates; gates && !r.blind && !r.stream.IsOpaque(dir) {
		r.keepBack(dir, p[from:])
	} else {
		r.letGo(dir)
		r.forward(dir, p[from:])
	}
}

// turned has the stream take the turn that it takes with what has been delivered in a
// direction; before is what is not forwarded yet of what brings it, rest what came behind.
// It says whether rest has been seen to.
func (r *Relay) turned(dir session.Dir, turn decode.Turn, before, rest []byte) bool {
	switch {
	case turn == decode.Compresses && r.stream.IsCompressed(dir) && !r.blind && r.wantsAny():
		r.forward(dir, before)
		r.beginUnfolding()
		r.pass(dir, rest)
	case turn == decode.AsksTLS && r.phase == relaying && !r.secured && r.unfolding == nil: // TLS cannot begin twice
		r.phase = asked
		r.forward(dir, before)
		r.holdHello(rest)
	case turn == decode.BeginsTLS && r.phase == asked:
		r.forward(dir, before)
		if why := r.untouchedStream(); why != "" {
			r.seal(why)
			r.forward(dir, rest)
			r.relay()
			break
		}
		r.phase = quiescing
		r.late(dir, rest)
		r.do(Quiesce{})
	case turn == decode.RefusesTLS && r.phase == asked:
		r.forward(dir, before)
		r.unhold()
		r.pass(dir, rest)
	default:
		return false
	}
	return true
}

// forward has bytes written.
func (r *Relay) forward(dir session.Dir, p []byte) {
	switch {
	case len(p) == 0, r.sealed && r.hole[dir]:
	case r.standsIn():
		r.do(Keep{dir, p})
	case r.unfolding != nil:
		r.put(dir, p)
	case r.sealed:
		r.do(Pass{dir, p})
	case r.hole[dir]:
		r.do(Keep{dir, p})
	default:
		r.do(Forward{dir, p})
	}
}

// put has bytes of our own written.
func (r *Relay) put(dir session.Dir, p []byte) {
	if len(p) == 0 || r.hole[dir] || dir == session.C2S && r.standsIn() {
		return
	}
	if r.unfolding != nil {
		p = r.unfolding.stored(dir, p)
	}
	r.do(Send{dir, p})
}

// keep has bytes kept that one side has said, and that do not go on. What was unfolded has been
// kept as it came.
func (r *Relay) keep(dir session.Dir, p []byte) {
	if r.unfolding == nil {
		r.do(Keep{dir, p})
	}
}

// unhold passes on what was held because it might have been TLS.
func (r *Relay) unhold() {
	r.relay()
	if r.ended[session.C2S] && r.phase == relaying {
		r.finish(session.C2S)
	}
}

// learn learns from a piece.
func (r *Relay) learn(p *decode.Piece) {
	if p.Dir == session.C2S && p.Kind == decode.Opened {
		r.learnHeader(&p.Frame)
	}
	switch b := p.Body.(type) {
	case session.WebSocketFrame:
		r.opened[p.Dir] = r.opened[p.Dir] && b.Op != "close"
	case session.HTTPRequest, session.HTTPResponse:
		if q, ok := b.(session.HTTPRequest); ok {
			r.asksMeta(&q)
		}
		if r.requested = true; r.hidden() && !r.unsaid {
			r.unsaid = true
			r.tellBlind(p.Dir)
		}
	}
	switch p.Kind {
	case decode.Opened:
		r.opened[p.Dir] = true
	case decode.Closed:
		r.opened[p.Dir] = false
	case decode.Element:
		r.refused = r.refused || p.Dir == session.C2S && p.Turn != decode.AsksTLS && r.standsIn()
		if p.Dir == session.S2C && string(p.Local()) == "success" && r.stream.Space(p) == decode.NSSASL {
			r.opened = [3]bool{} // both begin anew (RFC 6120 §6.4.6)
		}
	}
	r.turn.heard(p.Dir, &p.Frame)
	r.heardAsk(p)
	r.lookBOSH(p)
}

func (r *Relay) learnHeader(f *decode.Frame) {
	if root, _ := decode.ParseTag(f.Raw, nil); root != nil && f.Kind == decode.Opened {
		r.header, r.domain, r.content, r.from = true, root.Attr("to"), root.Attr("xmlns"), root.Attr("from")
	}
}

// forgetRest gives up what the stream has to say of the time before it was secured.
func (r *Relay) forgetRest() {
	for _, ok := r.stream.Rest(); ok; _, ok = r.stream.Rest() {
	}
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
	if r.direct {
		r.phase = securing
		r.do(Secure{Domain: r.named.Host, Early: r.held, Direct: true})
		r.held = nil
		return
	}
	// A line end behind <starttls/> is common. It is late if it comes behind <proceed/>.
	reason := "plaintext behind <starttls/>, where TLS has to begin (RFC 6120 §5.4.3.1): not carried into TLS"
	if len(bytes.Trim(r.held[:tlsintercept.Begins(r.held)], whiteSpace)) == 0 {
		reason = "white space behind <starttls/>, where none may be (RFC 6120 §5.3.3): not carried into TLS"
	}
	r.dropHeld(reason)
	r.phase = securing
	r.do(Secure{Domain: r.domain, Early: r.held, Awaited: r.standing != "", Peer: r.content == decode.NSServer, From: r.from})
	r.held = nil
}

// holdHello holds what the client sends behind <starttls/>, for it may be its ClientHello
// (XEP-0305). White space belongs before TLS, and has to reach the server there: many clients
// end the line.
func (r *Relay) holdHello(p []byte) {
	if len(r.held) == 0 {
		hello := bytes.TrimLeft(p, whiteSpace)
		r.forward(session.C2S, p[:len(p)-len(hello)])
		p = hello
	}
	r.held = append(r.held, p...)
}

// whiteSpace is that of XML.
const whiteSpace = " \t\r\n"

// dropHeld records what is held and is no TLS record, and forgets it. A ClientHello that came
// behind it stays.
func (r *Relay) dropHeld(reason string) {
	if n := tlsintercept.Begins(r.held); n > 0 {
		r.record(session.C2S, session.RelayDropped{Reason: reason}, r.held[:n])
		r.held = r.held[n:]
	}
}

// end notes that a side has finished sending and passes it on.
func (r *Relay) end(in Ended) {
	if r.phase == closing || r.ended[in.Dir] {
		return
	}
	if in.Dir == session.C2S && r.looksEarly {
		r.passEarly()
	}
	r.ended[in.Dir], r.abrupt[in.Dir] = true, in.Cut
	if in.Err != nil || r.deaf[in.Dir.Opposite()] {
		r.abort(in.Dir.Sender())
		return
	}
	switch r.phase {
	case sniffing:
		if r.reached { // who comes through a door to a server may leave the first word to it
			r.enter()
			r.relay()
			break
		}
		r.close(in.Dir.Sender())
		return
	case addressing, unreachable:
		r.close(in.Dir.Sender())
		return
	}
	if r.gated[in.Dir].waiting == 0 {
		r.passEnd(in.Dir)
	}
}

// passEnd tells that a side has finished sending, behind all that it has said, and passes it
// on where nothing has to go before.
func (r *Relay) passEnd(dir session.Dir) {
	if dir == session.S2C && r.meeting.asked != nil {
		r.keepsMeta(nil, true)
	}
	r.letGo(dir)
	r.record(dir, session.TCPHalfClosed{}, nil)
	back := dir.Opposite()
	switch {
	case r.ended[back] && r.gated[back].waiting != 0: // what is held comes first
	case r.phase == quiescing, r.phase == securing: // the handshake will fail and say so
	case r.ended[back]:
		r.finish(dir)
		r.close(dir.Sender())
	case r.phase == connecting, r.phase == asked && dir == session.C2S && len(r.held) > 0: // what is held comes first
	default:
		r.finish(dir)
	}
}

// finish passes the end of a direction on, once.
func (r *Relay) finish(dir session.Dir) {
	if !r.passed[dir] {
		r.passed[dir] = true
		r.do(Finish{Dir: dir, Cut: r.abrupt[dir]})
	}
}

// broken takes that a peer no longer takes data. If it has finished sending before, it is
// gone, and the other side has to know: nothing more will be read from that. Else its own
// end is still to be read.
func (r *Relay) broken(in Broken) {
	r.deaf[in.Dir] = true
	if receiver := in.Dir.Opposite(); r.phase != closing && (r.ended[receiver] || r.stalled[receiver] != 0) && !r.hole[in.Dir] {
		r.abort(receiver.Sender())
	}
}

// abort ends a connection that a peer has reset, and resets the other.
func (r *Relay) abort(by string) {
	r.ending()
	r.do(Close{By: by, Reset: true})
}

func (r *Relay) close(by string) {
	if r.phase != closing {
		r.ending()
		r.do(Close{By: by})
	}
}

// ending keeps what was held.
func (r *Relay) ending() {
	switch r.phase {
	case sniffing, addressing, connecting:
		if r.door != nil {
			r.held = nil
		}
		r.enter()
		r.lookAtHeld()
	case asked, quiescing:
		r.dropHeld("the server's answer to <starttls/> never came")
	}
	if len(r.meeting.came) > 0 {
		r.do(Keep{session.S2C, r.meeting.came})
		r.meeting = metaKeeping{}
	}
	r.keepGated()
	for _, dir := range both {
		r.joining[dir] = joining{}
	}
	r.unfolding.end()
	r.phase = closing
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		r.stream.Finish(dir)
	}
}
