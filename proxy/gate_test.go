package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

const gateHeader = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

// gateFunc is a gate that wants everything until it is done.
type gateFunc struct {
	consider func(*decode.Piece) Decision
	done     bool
}

func (g *gateFunc) Wants(session.Dir) bool            { return !g.done }
func (g *gateFunc) Consider(p *decode.Piece) Decision { return g.consider(p) }

// gatedRelay is a relay behind TLS, and what becomes of what it is given.
type gatedRelay struct {
	*Relay
	out     [3]bytes.Buffer // by direction: what goes on
	said    [3]bytes.Buffer // by direction: what is kept as said
	notes   []string
	later   []Decide
	order   []string // ends
	bent    []string
	held    []Hold
	delay   []Delay
	answers []Answered
	told    []session.Seen
	marks   map[session.Dir]decode.Lane // what whoever explains says at marks
	by      *decode.Cutter              // who explains
}

func newGatedRelay(g Gate) *gatedRelay {
	r := newClearRelay(nil)
	r.phase, r.stream = securing, decode.Stream{}
	r.give(Secured{g})
	return r
}

// newClearRelay is a relay of a connection that begins, with gates.
func newClearRelay(gates []Gate) *gatedRelay {
	r := &gatedRelay{Relay: NewRelay(true, Limits{}), marks: map[session.Dir]decode.Lane{}}
	r.by = decode.NewCutter(func(session.Seen) {})
	r.by.Marked = func(dir session.Dir, lane decode.Lane) { r.marks[dir] = lane }
	r.give(Armed{gates})
	return r
}

func (r *gatedRelay) give(in Input) {
	for _, a := range r.Handle(in) {
		switch a := a.(type) {
		case Forward:
			r.out[a.Dir].Write(a.Bytes)
			r.said[a.Dir].Write(a.Bytes)
			r.by.Take(session.Seen{Dir: a.Dir, Body: session.StreamBytes{}, Raw: a.Bytes})
		case Keep:
			r.by.Take(session.Seen{Dir: a.Dir, Body: session.StreamBytes{}, Raw: a.Bytes})
			r.said[a.Dir].Write(a.Bytes)
		case Send:
			r.out[a.Dir].Write(a.Bytes)
		case Mark:
			r.by.Take(session.Seen{Dir: a.Dir, Body: session.StreamMark{}})
		case Hold:
			r.held = append(r.held, a)
		case Answered:
			r.answers = append(r.answers, a)
		case Delay:
			r.delay = append(r.delay, a)
		case Decide:
			r.later = append(r.later, a)
		case Finish:
			r.order = append(r.order, "finish "+a.Dir.String()+onlyIf(a.Drop, " drop"))
		case Close:
			r.order = append(r.order, "close"+onlyIf(a.Reset, " reset"))
		case Record:
			r.told = append(r.told, a.Event)
			if b, ok := a.Event.Body.(session.RelayBent); ok {
				r.bent = append(r.bent, b.Reason)
			}
			if b, ok := a.Event.Body.(session.RelayEdited); ok {
				r.notes = append(r.notes, fmt.Sprintf("%s %s passed=%v %s", a.Event.Leg, a.Event.Raw, b.Passed, b.Reason))
			}
		}
	}
}

// goOn decides about all that is held or delayed.
func (r *gatedRelay) goOn() {
	for len(r.held)+len(r.delay) > 0 && r.phase != closing {
		for _, h := range r.held {
			r.held = r.held[1:]
			r.give(Decided{h.Dir, h.Wait, Decision{}})
		}
		for _, d := range r.delay {
			r.delay = r.delay[1:]
			r.give(Decided{d.Dir, d.Wait, d.After})
		}
	}
}

// decide has the oldest decision that is waited for come in.
func (r *gatedRelay) decide() {
	d := r.later[0]
	r.later = r.later[1:]
	r.give(Decided{d.Dir, d.Wait, d.Work()})
}

// TestGatePasses: what a gate lets pass arrives byte for byte, however it was cut, and it
// sees each element whole, once.
func TestGatePasses(t *testing.T) {
	text := gateHeader + " <a xmlns='x'>one</a>\n<b xmlns='x'/><c xmlns='x'><d/></c></stream:stream>"
	var want []string
	for cut := 0; cut <= len(text); cut++ {
		var seen []string
		r := newGatedRelay(&gateFunc{consider: func(p *decode.Piece) Decision {
			seen = append(seen, string(p.Raw))
			return Decision{}
		}})
		for _, part := range []string{text[:cut], text[cut:]} {
			if part != "" {
				r.give(Data{session.C2S, []byte(part)})
			}
		}
		if got := r.out[session.C2S].String(); got != text {
			t.Fatalf("cut at %d: %s", cut, got)
		}
		if want == nil {
			want = seen
		} else if !slices.Equal(seen, want) {
			t.Fatalf("cut at %d the gate sees %q, else %q", cut, seen, want)
		}
	}
}

// TestGateHolds: of an element that is not whole nothing goes on.
func TestGateHolds(t *testing.T) {
	r := newGatedRelay(&gateFunc{consider: func(*decode.Piece) Decision { return Decision{} }})
	r.give(Data{session.C2S, []byte(gateHeader + "<a xmlns='x'>on")})
	if got := r.out[session.C2S].String(); got != gateHeader {
		t.Errorf("went on: %s", got)
	}
	r.give(Ended{Dir: session.C2S})
	if got := r.out[session.C2S].String(); got != gateHeader+"<a xmlns='x'>on" {
		t.Errorf("at the end: %s", got)
	}
}

// TestGateReplaces: the original is kept as said, the other is sent and told.
func TestGateReplaces(t *testing.T) {
	r := newGatedRelay(&gateFunc{consider: func(p *decode.Piece) Decision {
		switch string(p.Local()) {
		case "a":
			return Decision{XML: []byte("<z/>"), Reason: "because"}
		case "b":
			return Decision{Reason: "left alone"}
		}
		return Decision{}
	}})
	r.give(Data{session.C2S, []byte(gateHeader + "<a xmlns='x'>1</a><b xmlns='x'/>")})
	if got := r.out[session.C2S].String(); got != gateHeader+"<z/><b xmlns='x'/>" {
		t.Errorf("went on: %s", got)
	}
	if got := r.said[session.C2S].String(); got != gateHeader+"<a xmlns='x'>1</a><b xmlns='x'/>" {
		t.Errorf("was kept: %s", got)
	}
	if want := []string{"server <z/> passed=false because", "server  passed=true left alone"}; !slices.Equal(r.notes, want) {
		t.Errorf("told: %q", r.notes)
	}
}

// TestGateWaits: the direction waits for a decision, and the other does not; what came
// behind follows then, and may be decided about too.
func TestGateWaits(t *testing.T) {
	r := newGatedRelay(&gateFunc{consider: func(p *decode.Piece) Decision {
		if string(p.Local()) != "a" {
			return Decision{}
		}
		whole := strings.ToUpper(string(p.Raw))
		return Decision{Later: func() Decision { return Decision{XML: []byte(whole), Reason: "late"} }}
	}})
	r.give(Data{session.C2S, []byte(gateHeader + "<a xmlns='x'/><b/><a xmlns='y'/><c/>")})
	if got := r.out[session.C2S].String(); got != gateHeader {
		t.Errorf("went on: %s", got)
	}
	if !r.Wants(session.C2S) || !r.Wants(session.S2C) || r.Free() {
		t.Errorf("wants c2s %v, s2c %v, free %v", r.Wants(session.C2S), r.Wants(session.S2C), r.Free())
	}
	r.give(Data{session.S2C, []byte(gateHeader)})
	if got := r.out[session.S2C].String(); got != gateHeader {
		t.Errorf("the other direction: %s", got)
	}
	r.decide()
	r.decide()
	if got := r.out[session.C2S].String(); got != gateHeader+"<A XMLNS='X'/><b/><A XMLNS='Y'/><c/>" {
		t.Errorf("went on: %s", got)
	}
	if !r.Wants(session.C2S) {
		t.Error("it does not go on")
	}
}

// TestReadsBehindHeld: what comes behind what is held is read, up to a bound, so that it can
// be listed; and that the side that has said it has ended is known, and told behind all of it.
func TestReadsBehindHeld(t *testing.T) {
	r := newGatedRelay(byName{"a": {Hold: "here"}})
	r.give(Data{session.C2S, []byte(gateHeader + "<a/><b x='1'/>")})
	r.give(Data{session.C2S, []byte(" <c>2</c><d")})
	h := Held{Dir: session.C2S, wait: r.held[0].Wait}
	r.lookBehind(&h)
	var behind []string
	for _, b := range h.Behind {
		behind = append(behind, b.Name+":"+string(b.XML))
	}
	if got := strings.Join(behind, "|"); got != "b:<b x='1'/>|: |c:<c>2</c>|:<d" || h.Ended != [2]bool{} {
		t.Errorf("behind it: %s, ended %v", got, h.Ended)
	}
	r.give(Data{session.C2S, []byte("/>" + strings.Repeat(" ", maxBehind))})
	if r.Wants(session.C2S) {
		t.Error("all that comes is read")
	}
	r.give(Ended{Dir: session.C2S})
	if r.lookBehind(&h); h.Ended != [2]bool{true, false} {
		t.Errorf("ended: %v", h.Ended)
	}
	for _, e := range r.told {
		if e.Body == (session.TCPHalfClosed{}) {
			t.Error("the end is told before what the client has said")
		}
	}
	r.give(Decided{session.C2S, r.held[0].Wait, Decision{}})
	if got := r.out[session.C2S].String(); got != gateHeader+"<a/><b x='1'/> <c>2</c><d/>"+strings.Repeat(" ", maxBehind) {
		t.Errorf("went on: %.100s", got)
	}
	if last := r.told[len(r.told)-1]; last.Body != (session.TCPHalfClosed{}) || !r.passed[session.C2S] {
		t.Errorf("the end is not passed on: %+v", last)
	}
}

// TestHeldWhenReset: of a connection that is gone nothing stays held, and it is said what
// became of it.
func TestHeldWhenReset(t *testing.T) {
	r := newGatedRelay(byName{"a": {Hold: "here"}})
	r.give(Data{session.C2S, []byte(gateHeader + "<a/><b/>")})
	r.give(Ended{Dir: session.C2S, Err: errors.New("connection reset")})
	if got := r.said[session.C2S].String(); got != gateHeader+"<a/><b/>" {
		t.Errorf("kept: %s", got)
	}
	last := r.told[len(r.told)-1]
	edited, _ := last.Body.(session.RelayEdited)
	if !strings.Contains(edited.Reason, "was not passed on, and neither was what came behind it (4 bytes)") || len(last.Raw) > 0 || r.out[session.C2S].String() != gateHeader {
		t.Errorf("told: %+v", last)
	}
}

// TestGateGoes: once it is done nothing is held back any more, and the relay is free.
func TestGateGoes(t *testing.T) {
	g := new(gateFunc)
	g.consider = func(p *decode.Piece) Decision {
		g.done = string(p.Local()) == "success"
		return Decision{}
	}
	r := newGatedRelay(g)
	r.give(Data{session.C2S, []byte(gateHeader + "<half xmlns='x'")})
	r.give(Data{session.S2C, []byte(gateHeader + "<success xmlns='urn:xmpp:sasl:2'/><message")})
	if got := r.out[session.C2S].String(); got != gateHeader+"<half xmlns='x'" {
		t.Errorf("still held back: %s", got)
	}
	if got := r.out[session.S2C].String(); !strings.HasSuffix(got, "<message") {
		t.Errorf("still held back: %s", got)
	}
	if !r.Free() {
		t.Error("the relay is not free")
	}
}

// TestGateHalfClose: an end does not overtake what waits for a decision, on either side.
func TestGateHalfClose(t *testing.T) {
	r := newGatedRelay(&gateFunc{consider: func(p *decode.Piece) Decision {
		if p.Kind != decode.Element {
			return Decision{}
		}
		return Decision{Later: func() Decision { return Decision{XML: []byte("<z/>")} }}
	}})
	r.give(Data{session.C2S, []byte(gateHeader + "<a xmlns='x'/></stream:stream>")})
	r.give(Ended{Dir: session.C2S})
	r.give(Ended{Dir: session.S2C})
	if len(r.order) > 0 {
		t.Errorf("ended before the decision: %q", r.order)
	}
	r.decide()
	if got := r.out[session.C2S].String(); got != gateHeader+"<z/></stream:stream>" {
		t.Errorf("went on: %s", got)
	}
	if want := []string{"finish c2s", "close"}; !slices.Equal(r.order, want) {
		t.Errorf("ended: %q", r.order)
	}
}

// TestGateUnread: where nothing can be read any more there is nothing to hold back.
func TestGateUnread(t *testing.T) {
	r := newGatedRelay(&gateFunc{consider: func(*decode.Piece) Decision { return Decision{} }})
	r.give(Data{session.C2S, []byte("GET / HTTP/1.1\r\n\r\n")})
	r.give(Data{session.S2C, []byte("HTTP/1.1 400 Bad Request\r\n\r\n")})
	if !r.Free() {
		t.Error("the relay is not free")
	}
}

// TestGateGoesInOrder: what was held back when the gate goes is written before what comes
// then, whichever goroutine is faster.
func TestGateGoesInOrder(t *testing.T) {
	spool := session.NewSpool(session.SpoolOptions{})
	defer spool.Close()
	client, clientLeg := xmpptest.Loopback(t)
	server, serverLeg := xmpptest.Loopback(t)
	defer client.Close()
	g := new(gateFunc)
	g.consider = func(p *decode.Piece) Decision {
		g.done = string(p.Local()) == "success"
		return Decision{}
	}
	p := newPump(t.Context(), &Options{Resolver: &Resolver{}}, clientLeg, spool.Begin(1))
	p.use(session.ServerLeg, p.leg(session.ServerLeg, serverLeg))
	p.relay, p.answered = newGatedRelay(g).Relay, true
	const half = "<half xmlns='x'"
	p.handle(Data{session.C2S, []byte(gateHeader + half)})
	p.mu.Lock()
	p.act(Data{session.S2C, []byte(gateHeader + "<success xmlns='urn:xmpp:sasl:2'/>")})
	p.mu.Unlock()
	left := make(chan struct{})
	go func() {
		p.leave(session.C2S)
		close(left)
	}()
	for waits := false; !waits; runtime.Gosched() { // it has looked, and perhaps gone on
		select {
		case <-left:
			waits = true
		default:
			p.mu.Lock()
			waits = p.idle[session.C2S]
			p.mu.Unlock()
		}
	}
	p.flush(session.C2S, false)
	p.flush(session.S2C, false)
	<-left
	got := make([]byte, len(gateHeader+half))
	p.mu.Lock()
	pending := len(p.pending[session.C2S])
	p.mu.Unlock()
	if pending > 0 {
		t.Fatal("what was held back is not written, and nobody will")
	}
	if _, err := io.ReadFull(server, got); err != nil || string(got) != gateHeader+half {
		t.Errorf("the server got %q, %v", got, err)
	}
}

// TestGateIsClosed: what was held back when all ends is kept as said.
func TestGateIsClosed(t *testing.T) {
	r := newGatedRelay(&gateFunc{consider: func(p *decode.Piece) Decision {
		if p.Kind != decode.Element {
			return Decision{}
		}
		return Decision{Later: func() Decision { return Decision{} }}
	}})
	r.give(Data{session.C2S, []byte(gateHeader + "<a xmlns='x'/><b")})
	r.give(Stopped{})
	r.decide() // too late
	if got := r.said[session.C2S].String(); got != gateHeader+"<a xmlns='x'/><b" {
		t.Errorf("was kept: %s", got)
	}
	if got := r.out[session.C2S].String(); got != gateHeader {
		t.Errorf("went on: %s", got)
	}
}

// TestGateIsBounded: an element that is too large passes, and what follows is considered
// again.
func TestGateIsBounded(t *testing.T) {
	var seen []string
	r := newGatedRelay(&gateFunc{consider: func(p *decode.Piece) Decision {
		seen = append(seen, string(p.Local()))
		return Decision{}
	}})
	large := "<large xmlns='x'>" + strings.Repeat("y", 2*maxGated) + "</large>"
	text := gateHeader + large + "<small xmlns='x'/>"
	held := 0
	for rest := text; rest != ""; {
		n := min(len(rest), 1000)
		r.give(Data{session.C2S, []byte(rest[:n])})
		rest = rest[n:]
		held = max(held, len(r.gated[session.C2S].part))
	}
	if held > maxGated {
		t.Errorf("%d bytes were held back", held)
	}
	if got := r.out[session.C2S].String(); got != text {
		t.Errorf("%d bytes went on, of %d, or they differ", len(got), len(text))
	}
	if len(r.notes) != 1 || !strings.Contains(r.notes[0], "passed=true an element of more than 1 MB") {
		t.Errorf("told: %q", r.notes)
	}
	if !slices.Contains(seen, "small") || slices.Contains(seen, "large") {
		t.Errorf("considered: %q", seen)
	}
}

// TestRoomIsBounded: of all sessions of a run so many hold back a large piece at a time, and it
// is given back however that ends.
func TestRoomIsBounded(t *testing.T) {
	large := "<large xmlns='x'>" + strings.Repeat("y", 2*freeGated)
	for name, c := range map[string]struct {
		did Decision
		end func(*gatedRelay)
	}{
		"passed":  {Decision{}, func(r *gatedRelay) { r.give(Data{session.C2S, []byte("</large>")}) }},
		"dropped": {Decision{Drop: true}, func(r *gatedRelay) { r.give(Data{session.C2S, []byte("</large>")}) }},
		"held": {Decision{Hold: "here"}, func(r *gatedRelay) {
			r.give(Data{session.C2S, []byte("</large>")})
			if r.room.taken.Load() != maxRoom {
				t.Errorf("while it is held there is room for others")
			}
			r.give(Decided{session.C2S, r.gated[session.C2S].waiting, Decision{}})
		}},
		"ended":     {Decision{}, func(r *gatedRelay) { r.give(Stopped{}) }},
		"too large": {Decision{}, func(r *gatedRelay) { r.give(Data{session.C2S, bytes.Repeat([]byte("y"), maxGated)}) }},
	} {
		all := new(room)
		all.taken.Store(maxRoom - 1)
		begin := func() *gatedRelay {
			r := newGatedRelay(byName{"large": c.did})
			r.room = all
			r.give(Data{session.C2S, []byte(gateHeader)})
			for rest := []byte(large); len(rest) > 0; {
				n := min(1000, len(rest))
				r.give(Data{session.C2S, rest[:n]})
				rest = rest[n:]
			}
			return r
		}
		r, other := begin(), begin()
		if len(r.gated[session.C2S].part) != len(large) || !other.gated[session.C2S].large || all.taken.Load() != maxRoom {
			t.Errorf("%s: %d bytes are held back of one, and the other passes: %v", name, len(r.gated[session.C2S].part), other.gated[session.C2S].large)
		}
		c.end(r)
		other.give(Data{session.C2S, []byte("</large>")})
		if n := all.taken.Load(); n != maxRoom-1 {
			t.Errorf("%s: %d are still taken", name, n-maxRoom+1)
		}
	}
}
