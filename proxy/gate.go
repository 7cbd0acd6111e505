package proxy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"xmppscope/decode"
	"xmppscope/session"
)

// Gate decides about elements before they pass. It belongs to one session, and is asked
// with a lock held: it must not block. Several stand in a row, and each gets what the one
// before has made of an element.
type Gate interface {
	// Wants says whether what comes next in a direction is to be considered. It is held
	// back then until it is whole. When nobody wants anything any more, nothing is looked at.
	Wants(session.Dir) bool
	// Consider decides about a piece. What it holds of Raw it has to copy.
	Consider(*decode.Piece) Decision
}

// Bounds of what is held back of pieces that are not whole yet. One that is larger passes
// without being considered.
const (
	maxGated  = decode.MaxFrame // of one: more of it is not kept to be looked at
	freeGated = 64 << 10        // of one, whatever others hold back
	maxRoom   = 256             // pieces of a run that are larger than that, at a time
	// maxSevered is the most that is held back of a message of WebSocket which its receiver
	// could not read as it comes: the largest, and what comes between its fragments.
	maxSevered = 2*decode.MaxMessage + 1<<20
)

// maxUnsaid bounds what waits to be said and written in all sessions of a run, before more is
// said in anybody's place.
const maxUnsaid = 512 << 20

// room is what the sessions of a run share: it counts large pieces that are held back, and the
// bytes that wait to be said or written. nil counts nothing, and has room for all.
type room struct{ taken, unsaid atomic.Int64 }

// waits notes that so many bytes more wait, or fewer.
func (m *room) waits(n int) {
	if m != nil {
		m.unsaid.Add(int64(n))
	}
}

// full says whether so many bytes more are too many.
func (m *room) full(n int) bool { return m != nil && m.unsaid.Load()+int64(n) > maxUnsaid }

// take says whether there is room for one more large piece.
func (m *room) take() bool {
	if m == nil || m.taken.Add(1) <= maxRoom {
		return true
	}
	m.taken.Add(-1)
	return false
}

func (m *room) giveBack() {
	if m != nil {
		m.taken.Add(-1)
	}
}

// maxBehind bounds what is read of a direction behind a piece that waits: so it is known what
// waits behind it, and that the side that has said it is gone.
const maxBehind = 64 << 10

// maxCopies bounds how often an element is repeated.
const maxCopies = 1000

// gated is a direction with gates.
type gated struct {
	part    []byte   // of a piece that is not whole, and has not been forwarded
	large   bool     // the piece was too large: the rest of it passes
	roomy   bool     // it takes room
	passing bool     // the piece had begun to pass when somebody wanted to look: it does
	waiting uint64   // what is waited for, counted in the session; 0: nothing
	what    *outcome // what it is about; nil: nothing is waited for
	next    int      // the gate to be asked then
	rest    []byte   // what has come behind it
	message message  // of WebSocket or HTTP, that is coming
	body    *body    // of BOSH, that has come and is decided about; nil: none
}

// outcome is what has been decided about a piece.
type outcome struct {
	piece decode.Piece // as it stands; its bytes are borrowed
	whole []byte       // as it came
	// message is that of WebSocket which the piece is; nil: it is none.
	message *decode.Message
	aside   []byte // control frames in whole
	in      *body  // of BOSH, in which it stands; nil: in none
	edited  bool   // another goes on
	xml     []byte // that
	drop    bool
	copies  int
	tells   [2][]string // why: what was changed, and what was bent
	by      []string
	sends   []Sending
	bends   []Bend
	bent    bool  // not all that it tells is only said
	offset  int64 // of the piece as it came
}

// own gives the outcome bytes of its own.
func (o *outcome) own() {
	o.whole = bytes.Clone(o.whole)
	o.piece.Raw, o.piece.Name, o.piece.Tag = bytes.Clone(o.piece.Raw), bytes.Clone(o.piece.Name), bytes.Clone(o.piece.Tag)
}

// wanted says whether somebody wants to look at a direction.
func (r *Relay) wanted(dir session.Dir) bool {
	for i := range r.gate {
		if r.gate[i].Wants(dir) {
			return true
		}
	}
	return len(r.expected[dir]) > 0 || r.ledger.matters() || r.severed[dir] || r.bosh.talk.wants(dir)
}

// wantsAny says whether somebody wants to look, or has something to say.
func (r *Relay) wantsAny() bool {
	for _, dir := range both {
		if r.wanted(dir) || len(r.queue[dir]) > 0 {
			return true
		}
	}
	return false
}

// gates says whether a direction is held back piece by piece.
func (r *Relay) gates(dir session.Dir) bool {
	return !r.blind && !r.left[dir] && r.wanted(dir) && !r.stream.IsOpaque(dir) && (!r.isHTTP(dir) || !r.hidden() && !r.stream.AwaitsFrames())
}

// keepBack is for what is left of a read: it belongs to a piece that is not whole.
func (r *Relay) keepBack(dir session.Dir, p []byte) {
	g := &r.gated[dir]
	if r.severed[dir] && len(g.part)+len(p) > maxSevered {
		r.endSevered(dir, p)
		return
	}
	if g.large = g.large || !r.mayKeepBack(dir, len(g.part)+len(p)); g.large || g.passing {
		r.letGo(dir)
		r.forward(dir, p)
		return
	}
	g.part = append(g.part, p...)
}

// mayKeepBack says whether so much may be held back of a piece. What could not be read by who
// gets it is, in any case.
func (r *Relay) mayKeepBack(dir session.Dir, n int) bool {
	g := &r.gated[dir]
	if n > freeGated && !g.roomy && !g.passing {
		g.roomy = r.room.take()
	}
	return n <= freeGated || n <= maxGated && g.roomy || r.severed[dir]
}

// makeRoom gives back what a piece that has been seen to has taken of the room.
func (r *Relay) makeRoom(dir session.Dir) {
	if g := &r.gated[dir]; g.roomy {
		g.roomy = false
		r.room.giveBack()
	}
}

// letGo passes on what was held back of a piece. What follows of it passes too.
func (r *Relay) letGo(dir session.Dir) {
	g := &r.gated[dir]
	part := g.part
	g.part, g.message.aside = nil, nil
	r.makeRoom(dir)
	g.passing = g.passing || len(part) > 0
	r.forward(dir, part)
}

// consider asks the gates about a piece whose last bytes are p. It says which turn the
// stream takes with what goes on, or that the direction has to wait.
func (r *Relay) consider(dir session.Dir, piece *decode.Piece, p []byte) (turn decode.Turn, wait bool) {
	switch {
	case r.stream.IsFramed(dir):
		return r.considerMessage(dir, piece, p)
	case r.isHTTP(dir):
		return 0, r.considerBody(dir, piece, p)
	}
	if g := &r.gated[dir]; g.large || g.passing || piece.Truncated {
		g.large = g.large || !g.passing
		r.passUnheld(dir, p)
		r.unheld(piece)
		return piece.Turn, false
	}
	return r.ponder(dir, &outcome{piece: *piece, whole: r.whole(dir, p)})
}

// passUnheld passes the end of a piece on whose beginning has passed.
func (r *Relay) passUnheld(dir session.Dir, p []byte) {
	g := &r.gated[dir]
	large := g.large
	g.large, g.passing = false, false
	r.letGo(dir)
	g.passing = false
	r.forward(dir, p)
	if large {
		r.tellLarge(dir)
	}
}

func (r *Relay) tellLarge(dir session.Dir) {
	r.tellUnlooked(dir, fmt.Sprintf("an element of more than %d MB is not held back, nor one of more than %d KB while there are %d others: it passed without being looked at", maxGated>>20, freeGated>>10, maxRoom))
}

// unheld learns from a piece that passes without being decided about.
func (r *Relay) unheld(p *decode.Piece) {
	r.learn(p)
	r.ledger.came(p)
	r.ledger.went(p)
}

// allUnheld is unheld for the pieces of a message.
func (r *Relay) allUnheld(pieces []decode.Piece) {
	for i := range pieces {
		r.unheld(&pieces[i])
	}
}

// whole is a piece whose last bytes are p.
func (r *Relay) whole(dir session.Dir, p []byte) []byte {
	g := &r.gated[dir]
	if len(g.part) > 0 {
		p = append(g.part, p...)
		g.part = nil
	}
	return p
}

// ponder asks about a piece that is whole.
func (r *Relay) ponder(dir session.Dir, o *outcome) (turn decode.Turn, wait bool) {
	piece := &o.piece
	o.offset = piece.Offset
	r.ledger.came(piece)
	if r.isOurs(piece) {
		o.drop = true
		o.tell(false, "", "it answers what xmppscope has sent: the "+dir.Opposite().Sender()+" has not asked, and does not get it")
	} else if r.ask(dir, o, 0) {
		return 0, true
	}
	return r.settle(dir, o), false
}

// ask asks the gates from one on. It says whether the direction has to wait.
func (r *Relay) ask(dir session.Dir, o *outcome, from int) (wait bool) {
	for i := from; i < len(r.gate) && !o.drop && o.piece.Kind != 0; i++ {
		if !r.gate[i].Wants(dir) {
			continue
		}
		if d := considered(r.gate[i], &o.piece); r.take(dir, o, d, i+1) {
			return true
		}
	}
	return false
}

// considered is what a gate decides. One that fails lets the piece pass.
func considered(g Gate, p *decode.Piece) (d Decision) {
	defer func() {
		if failed := recover(); failed != nil {
			d = Decision{Reason: fmt.Sprintf("what decides about it has failed, and it passed as it came: %v", failed)}
		}
	}()
	return g.Consider(p)
}

// take takes a decision; next is the gate to be asked behind it. It says whether the
// direction has to wait.
func (r *Relay) take(dir session.Dir, o *outcome, d Decision, next int) (wait bool) {
	if !d.waits() {
		r.fold(dir, o, &d)
		return false
	}
	if hold := d.Hold; hold != "" { // what was done before is shown
		d.Hold = ""
		r.fold(dir, o, &d)
		d = Decision{Hold: hold, Shown: d.Shown}
	}
	g := &r.gated[dir]
	o.own()
	r.waits++
	about := *o
	g.waiting, g.what, g.next = r.waits, &about, next
	switch {
	case d.Delay > 0:
		after := d
		after.Delay = 0
		r.do(Delay{Dir: dir, Wait: r.waits, For: d.Delay, After: after})
	case d.Later != nil:
		r.do(Decide{dir, r.waits, d.Later})
	default:
		space := ""
		if o.piece.Kind == decode.Element {
			space = r.stream.Space(&o.piece)
		}
		r.do(Hold{dir, r.waits, Held{Dir: dir, Reason: d.Hold, Name: string(o.piece.Local()), Space: space, XML: o.piece.Raw, Shown: d.Shown}})
	}
	return true
}

// fold adds a decision to what was decided before.
func (r *Relay) fold(dir session.Dir, o *outcome, d *Decision) {
	err := errors.New("it is too much at once")
	if more := len(d.XML) - len(o.whole); more <= 0 || r.afford(dir, 1, more) == 1 { // what costs most is asked last
		err = sendable(d.XML, len(o.whole))
	}
	if err != nil {
		d.XML, d.Reason = nil, joined(d.Reason, "not done, and it passed as it was: "+err.Error())
	}
	o.tell(d.Bent || d.Noted, d.By, d.Reason)
	o.bent = o.bent || d.Bent
	o.copies = min(o.copies+max(d.Copies, 0), maxCopies)
	o.sends, o.bends = append(o.sends, d.Sends...), append(o.bends, d.Bends...)
	switch {
	case d.Drop:
		o.drop = true
	case d.XML != nil:
		o.edited, o.xml = true, d.XML
		pieces, at := r.stream.Cut(dir, d.XML), o.piece.Offset
		if o.piece = (decode.Piece{Dir: dir}); len(pieces) == 1 && pieces[0].Kind != decode.Partial {
			o.piece = pieces[0]
			o.piece.Offset = at
		} // else it is nothing that other gates could decide about
	}
}

// joined is reasons in one line.
func joined(reasons ...string) string {
	return strings.Join(slices.DeleteFunc(reasons, func(s string) bool { return s == "" }), "; ")
}

// tell notes why something was done.
func (o *outcome) tell(bent bool, by, reason string) {
	if reason == "" {
		return
	}
	at := 0
	if bent {
		at = 1
	}
	o.tells[at] = append(o.tells[at], reason)
	if by != "" {
		o.by = append(o.by, by)
	}
}

// settle carries out what was decided about a piece, and says which turn the stream takes.
func (r *Relay) settle(dir session.Dir, o *outcome) decode.Turn {
	r.makeRoom(dir)
	turn, severed := decode.NoTurn, r.severed[dir]
	o.copies = r.afford(dir, o.copies, max(len(o.whole), len(o.xml)))
	switch {
	case o.drop:
		r.takeOut(dir, o)
		r.tells(dir, o, nil)
	case !o.edited:
		xml, why := r.ledger.right(&o.piece)
		if xml == nil {
			r.goOn(dir, o)
			r.tells(dir, o, nil)
			xml = o.piece.Raw
		} else {
			o.tell(false, "", why)
			r.takeOut(dir, o)
			o.edited = true
			r.tells(dir, o, xml)
			r.utter(dir, o, r.speak(dir, xml).wire)
		}
		for range o.copies + 1 {
			turn = max(turn, r.delivered(&o.piece))
		}
		r.repeat(dir, o, xml)
	default: // counts too are as somebody wants them
		r.takeOut(dir, o)
		s := r.speak(dir, o.xml)
		r.tells(dir, o, s.xml)
		r.utter(dir, o, s.wire)
		for range o.copies + 1 {
			for i := range s.pieces {
				turn = max(turn, r.delivered(&s.pieces[i]))
			}
		}
		r.repeat(dir, o, s.xml)
	}
	if r.severed[dir] && !severed {
		r.tellSevered(dir)
	}
	r.ledger.note(dir)
	for i := range o.sends {
		r.inject(o.sends[i])
	}
	for i := range o.bends {
		r.bend(&o.bends[i])
	}
	return turn
}

// repeat sends what goes on once more, as often as was decided.
func (r *Relay) repeat(dir session.Dir, o *outcome, xml []byte) {
	if o.copies > 0 {
		xml = bytes.Clone(xml)
	}
	for range o.copies {
		wire := xml
		switch {
		case o.edited:
			wire = r.speak(dir, xml).wire
		case o.message != nil: // compressed once more it would be taken for what comes behind it
			wire = r.frame(dir, o.message.Op, xml)
		}
		r.do(Record{session.Seen{
			Leg: dir.To(), Dir: dir, Origin: session.OriginSelf,
			Body: session.RelaySent{Reason: "the same once more", By: strings.Join(o.by, ", ")}, Raw: xml, Size: int64(len(xml)),
		}})
		r.utter(dir, o, wire)
	}
}

// utter says something of our own in a piece's place, or behind it.
func (r *Relay) utter(dir session.Dir, o *outcome, wire []byte) {
	if o.in != nil {
		o.in.add(wire)
		o.in.changed = true
		return
	}
	r.put(dir, wire)
}

// maxOwn bounds what is said for what one read has brought: thousands of elements may lie in
// it. ownCost is what each thing that is said costs, besides its bytes.
const (
	maxOwn  = 128 << 20
	ownCost = 400
)

// afford says how many of n things of a size may be said, and tells when they are fewer.
func (r *Relay) afford(dir session.Dir, n, size int) int {
	may, why := min(n, max(maxOwn-r.own, 0)/(size+ownCost)), "it is too much for what has come at once"
	if r.room.full(may * size) {
		may, why = 0, "too much waits to be written in all sessions"
	}
	if may < n && r.own <= maxOwn {
		r.own = maxOwn + 1 // it is told once
		r.do(Record{session.Seen{Leg: dir.To(), Dir: dir, Origin: session.OriginSelf, Body: session.RelayBent{
			Reason: "not all that was to be said was said: " + why,
		}}})
		return may
	}
	r.own += may * (size + ownCost)
	return may
}

// delivered learns from a piece that has gone on, and says which turn the stream takes.
func (r *Relay) delivered(p *decode.Piece) decode.Turn {
	r.learn(p)
	r.ledger.went(p)
	return p.Turn
}

// tells records what became of the piece that came last.
func (r *Relay) tells(dir session.Dir, o *outcome, xml []byte) {
	by := strings.Join(o.by, ", ")
	if changed := strings.Join(o.tells[0], "; "); changed != "" || o.edited || o.drop {
		r.tell(dir, o, session.RelayEdited{Reason: cmp.Or(changed, "somebody wanted it so"), By: by, Passed: !o.edited && !o.drop}, xml)
	}
	if bent := strings.Join(o.tells[1], "; "); bent != "" {
		r.tell(dir, o, session.RelayBent{Reason: bent, By: by, Noted: !o.bent}, nil)
	}
}

// tell records something about a piece. Of a compressed stream several come at once, and its
// offset says which it is (decode.Cutter).
func (r *Relay) tell(dir session.Dir, o *outcome, body session.Body, xml []byte) {
	e := session.Seen{Leg: dir.To(), Dir: dir, Origin: session.OriginSelf, Body: body, Raw: xml, Size: int64(len(xml))}
	if r.unfolding != nil || o.in != nil {
		e.Offset = o.offset
	}
	r.do(Record{e})
}

// tellUnlooked says why what came last has passed without being looked at.
func (r *Relay) tellUnlooked(dir session.Dir, reason string) {
	r.tell(dir, &outcome{}, session.RelayEdited{Reason: reason, Passed: true}, nil)
}

// lookBehind says of a held element what has come since.
func (r *Relay) lookBehind(h *Held) {
	g := &r.gated[h.Dir]
	if g.waiting != h.wait {
		return
	}
	h.Ended = [2]bool{r.ended[h.Dir], r.ended[h.Dir.Opposite()]}
	cut := r.stream.Cut
	switch {
	case r.stream.IsFramed(h.Dir):
		cut = r.stream.Ahead
	case g.body != nil: // what stands in the same body
		cut = func(session.Dir, []byte) []decode.Piece { return g.body.pieces }
	}
	for _, p := range cut(h.Dir, g.rest) {
		name := ""
		if p.Kind == decode.Element {
			name = string(p.Local())
		}
		h.Behind = append(h.Behind, Behind{Name: name, XML: p.Raw})
	}
}

// hasDecided goes on with a direction that has waited for a decision.
func (r *Relay) hasDecided(in Decided) {
	g := &r.gated[in.Dir]
	if g.waiting == 0 || g.waiting != in.Wait || r.phase == closing {
		return
	}
	o, rest := g.what, g.rest
	g.waiting, g.what, g.rest = 0, nil, nil
	if r.take(in.Dir, o, in.Decision, g.next) || r.ask(in.Dir, o, g.next) {
		g.rest = rest
		return
	}
	turn := r.settle(in.Dir, o)
	if r.phase == closing {
		r.keep(in.Dir, rest)
		return
	}
	if o.in != nil && r.goInside(in.Dir) {
		g.rest = rest
		return
	}
	if !r.turned(in.Dir, turn, nil, rest) {
		r.passBehind(in.Dir, rest)
	}
	if r.ended[in.Dir] && g.waiting == 0 && r.phase != closing {
		r.passEnd(in.Dir)
	}
}

// passBehind passes on what has come behind a piece that has waited.
func (r *Relay) passBehind(dir session.Dir, rest []byte) {
	switch {
	case r.unfolding != nil:
		r.passPlain(dir, rest)
		r.unfoldMore(dir)
	case r.stream.IsCompressed(dir) && !r.blind: // its sender has begun, whatever became of <compressed/>
		r.blind = true
		r.tellBlind(dir)
		r.forward(dir, rest)
	default:
		r.pass(dir, rest)
	}
}

// endGate gives up what was held back once nobody wants it any more.
func (r *Relay) endGate() {
	for _, dir := range both {
		if g := &r.gated[dir]; g.waiting == 0 && len(g.part) > 0 && !r.gates(dir) {
			r.letGo(dir)
		}
	}
}

// keepGated keeps what was held back, and nobody will get.
func (r *Relay) keepGated() {
	for _, dir := range both {
		g := &r.gated[dir]
		r.makeRoom(dir)
		if g.waiting != 0 {
			if g.what.in == nil {
				r.keep(dir, g.what.whole)
			}
			reason := "the connection has ended while it was held: it was not passed on"
			if n := len(g.rest); n > 0 {
				reason += fmt.Sprintf(", and neither was what came behind it (%s)", session.Plural(n, "byte"))
			}
			r.tell(dir, g.what, session.RelayEdited{Reason: reason, By: strings.Join(g.what.by, ", ")}, nil)
		}
		for _, p := range [][]byte{g.part, g.rest} {
			if len(p) > 0 {
				r.keep(dir, p)
			}
		}
		*g = gated{}
		for i := range r.queue[dir] {
			r.do(Record{unsaid(&r.queue[dir][i], "the connection has ended before this could be sent")})
		}
		r.unqueue(dir)
	}
}
