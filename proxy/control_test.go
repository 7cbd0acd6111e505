package proxy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// byName decides about elements by their name.
type byName map[string]Decision

func (g byName) Wants(session.Dir) bool { return true }
func (g byName) Consider(p *decode.Piece) Decision {
	if p.Kind != decode.Element {
		return Decision{}
	}
	return g[string(p.Local())]
}

// TestGatesInARow: each gets what the one before has made, and nobody gets what was dropped.
func TestGatesInARow(t *testing.T) {
	var seen []string
	last := &gateFunc{consider: func(p *decode.Piece) Decision {
		seen = append(seen, string(p.Local()))
		return Decision{}
	}}
	r := newClearRelay([]Gate{byName{"a": {XML: []byte("<b/>"), Reason: "first", By: "one"}, "x": {Drop: true, Reason: "gone"}}, byName{"b": {XML: []byte("<c/>"), Reason: "second", By: "two"}}, last})
	r.phase = relaying
	r.give(Data{session.C2S, []byte(gateHeader + "<a/><x/><d/>")})
	if got := r.out[session.C2S].String(); got != gateHeader+"<c/><d/>" {
		t.Errorf("went on: %s", got)
	}
	if got := r.said[session.C2S].String(); got != gateHeader+"<a/><x/><d/>" {
		t.Errorf("was kept: %s", got)
	}
	if want := []string{"stream", "c", "d"}; !slices.Equal(seen, want) {
		t.Errorf("the last one sees %q", seen)
	}
	if want := []string{"server <c/> passed=false first; second", "server  passed=false gone"}; !slices.Equal(r.notes, want) {
		t.Errorf("told: %q", r.notes)
	}
}

// TestGateVerbs: hold, delay, duplicate, and what is said besides.
func TestGateVerbs(t *testing.T) {
	r := newClearRelay([]Gate{byName{
		"held": {Hold: "here"}, "late": {Delay: time.Second, Reason: "late", Bent: true}, "twice": {Copies: 1, Reason: "twice", Bent: true},
		"asks": {Drop: true, Reason: "answered", Sends: []Sending{{Dir: session.S2C, XML: []byte("<answer/>"), Reason: "instead"}}},
	}})
	r.phase = relaying
	r.give(Data{session.S2C, []byte(gateHeader)})
	r.give(Data{session.C2S, []byte(gateHeader + "<held/><late/><twice/><asks/>")})
	if got := r.out[session.C2S].String(); got != gateHeader || len(r.held) != 1 || string(r.held[0].Held.XML) != "<held/>" {
		t.Fatalf("went on: %s, held %+v", got, r.held)
	}
	r.give(Decided{session.C2S, r.held[0].Wait + 1, Decision{Drop: true}}) // about nothing
	r.give(Decided{session.C2S, r.held[0].Wait, Decision{XML: []byte("<edited/>"), Reason: "by hand"}})
	if got := r.out[session.C2S].String(); got != gateHeader+"<edited/>" || len(r.delay) != 1 {
		t.Fatalf("went on: %s, delays %+v", got, r.delay)
	}
	d := r.delay[0]
	r.give(Decided{d.Dir, d.Wait, d.After})
	if got := r.out[session.C2S].String(); got != gateHeader+"<edited/><late/><twice/><twice/>" {
		t.Errorf("went on: %s", got)
	}
	if got := r.out[session.S2C].String(); got != gateHeader+"<answer/>" {
		t.Errorf("was answered: %s", got)
	}
}

// TestTurnsFollowWhatIsDelivered: what is held, dropped or replaced begins no TLS, and what
// is put in does.
func TestTurnsFollowWhatIsDelivered(t *testing.T) {
	begin := func(g Gate) *gatedRelay {
		r := newClearRelay([]Gate{g})
		r.phase = relaying
		r.give(Data{session.C2S, []byte(clientHdr)})
		r.give(Data{session.S2C, []byte(serverHdr + featuresTLS)})
		return r
	}
	for name, d := range map[string]Decision{"held": {Hold: "x"}, "dropped": {Drop: true}, "replaced": {XML: []byte("<message/>")}} {
		r := begin(byName{"starttls": d})
		r.give(Data{session.C2S, []byte(startTLS)})
		if r.phase != relaying {
			t.Errorf("<starttls/> %s: phase %d", name, r.phase)
		}
		r = begin(byName{"proceed": d})
		r.give(Data{session.C2S, []byte(startTLS)})
		r.give(Data{session.S2C, []byte(proceed)})
		if r.phase != asked {
			t.Errorf("<proceed/> %s: phase %d", name, r.phase)
		}
		if name == "held" {
			r.give(Decided{session.S2C, r.held[0].Wait, Decision{}})
			if r.phase != quiescing {
				t.Errorf("<proceed/> let go: phase %d", r.phase)
			}
		}
	}
	r := begin(byName{})
	r.give(Data{session.C2S, []byte(startTLS)})
	r.give(Injected{Sending{Dir: session.S2C, XML: []byte(proceed)}})
	if r.phase != quiescing {
		t.Errorf("<proceed/> put in: phase %d", r.phase)
	}
	r = begin(byName{"proceed": {XML: []byte("<failure xmlns='" + decode.NSTLS + "'/>")}})
	r.give(Data{session.C2S, []byte(startTLS)})
	r.give(Data{session.S2C, []byte(proceed)})
	if r.phase != relaying {
		t.Errorf("<proceed/> made a refusal: phase %d", r.phase)
	}
}

// loggedIn is a relay that has come to be free: what passes is not looked at.
func loggedIn(t *testing.T, gates []Gate, stream string) *gatedRelay {
	t.Helper()
	r := newClearRelay(gates)
	r.phase, r.stream = securing, decode.Stream{}
	r.give(Secured{})
	r.give(Data{session.C2S, []byte(gateHeader)})
	r.give(Data{session.S2C, []byte(gateHeader + "<success xmlns='urn:xmpp:sasl:2'/>" + stream)})
	if !r.Free() {
		t.Fatal("the relay is not free")
	}
	for _, dir := range both {
		r.give(Left{dir})
	}
	return r
}

// free passes bytes as the pump does once the relay is free.
func (r *gatedRelay) free(dir session.Dir, p string) {
	r.out[dir].WriteString(p)
	r.by.Take(session.Seen{Dir: dir, Body: session.StreamBytes{}, Raw: []byte(p)})
}

// rest has a direction come to rest, as the pump does.
func (r *gatedRelay) rest(dir session.Dir) {
	for _, a := range r.atRest(dir) {
		r.by.Take(session.Seen{Dir: a.(Mark).Dir, Body: session.StreamMark{}})
	}
}

// switchable is a gate that is armed by a test.
type switchable struct {
	on   bool
	gate byName
}

func (g *switchable) Wants(session.Dir) bool                { return g.on }
func (g *switchable) Consider(p *decode.Piece) Decision     { return g.gate.Consider(p) }
func (r *gatedRelay) hands(dir session.Dir, l *decode.Lane) { r.give(Handed{dir, *l}) }

// TestArmAtEveryOctet: wherever a session stands when somebody wants to look, nothing is
// lost or said twice, the element under way passes, and the next one is decided about.
func TestArmAtEveryOctet(t *testing.T) {
	text := "<a x='>'>1</a> \n<b><c xmlns='x'/>]]&gt;</b><!-- <b/> --><b/><d/>"
	for at := 0; at <= len(text); at++ {
		for late := at; late <= len(text); late += 7 { // whoever explains takes its time
			g := &switchable{gate: byName{"b": {Drop: true}}}
			r := loggedIn(t, []Gate{g}, "")
			before := r.out[session.S2C].Len()
			r.free(session.S2C, text[:at])
			g.on = true
			r.give(Armed{})
			if r.Free() {
				t.Fatal("it is not looked at")
			}
			r.rest(session.S2C)
			if late > at {
				r.give(Data{session.S2C, []byte(text[at:late])})
			}
			lane := r.marks[session.S2C]
			r.hands(session.S2C, &lane)
			if late < len(text) {
				r.give(Data{session.S2C, []byte(text[late:])})
			}
			got := r.out[session.S2C].String()[before:]
			want := text
			// An element that begins once it is looked at is decided about.
			if first := strings.Index(text, "<b><c"); first >= late {
				want = strings.Replace(want, "<b><c xmlns='x'/>]]&gt;</b>", "", 1)
			}
			if second := strings.Index(text, "<b/><d"); second >= late {
				want = strings.Replace(want, "<b/><d", "<d", 1)
			}
			if got != want {
				t.Fatalf("armed at %d, told at %d:\n got %s\nwant %s", at, late, got, want)
			}
			if said := r.said[session.S2C].String(); !strings.HasSuffix(said, text[at:]) {
				t.Fatalf("armed at %d: kept %s", at, said)
			}
		}
	}
}

// TestArmRefused: where it is not possible it is said, and all passes.
func TestArmRefused(t *testing.T) {
	g := &switchable{gate: byName{"b": {Drop: true}}}
	r := loggedIn(t, []Gate{g}, "")
	g.on = true
	r.give(Armed{})
	for _, dir := range both {
		r.rest(dir)
		r.hands(dir, &decode.Lane{Why: "it is compressed"})
	}
	r.give(Data{session.S2C, []byte("<b/>")})
	if got := r.out[session.S2C].String(); !strings.HasSuffix(got, "<b/>") {
		t.Errorf("went on: %s", got)
	}
	if len(r.bent) != 2 || !strings.Contains(r.bent[0], "cannot be held or changed, nor can anything be put in: it is compressed") || !r.Free() {
		t.Errorf("said %q, free %v", r.bent, r.Free())
	}
}

// TestInjectWaitsForItsAnswersWay: nothing that has an answer is said before the way back is
// looked at: the answer would get to who has not asked.
func TestInjectWaitsForItsAnswersWay(t *testing.T) {
	r := loggedIn(t, nil, "")
	const ping = "<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>"
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte(ping), Answer: true}})
	for _, dir := range both {
		if got := r.out[session.C2S].String(); strings.HasSuffix(got, ping) {
			t.Fatalf("it was said before %s is looked at", dir)
		}
		r.rest(dir)
		lane := r.marks[dir]
		r.hands(dir, &lane)
	}
	if got := r.out[session.C2S].String(); !strings.HasSuffix(got, ping) {
		t.Errorf("it was not said: %s", got)
	}
}

// TestNotInsideHTTP: what runs inside of HTTP passes, and it is said once that nothing can be
// done there.
func TestNotInsideHTTP(t *testing.T) {
	const request = "POST /http-bind HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\n<a/>"
	r := newClearRelay([]Gate{byName{"a": {Drop: true}}})
	r.phase = relaying
	r.give(Data{session.C2S, []byte(request)})
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<message/>")}})
	r.give(Data{session.C2S, []byte(request)})
	if got := r.out[session.C2S].String(); got != request+request {
		t.Errorf("went on: %q", got)
	}
	if len(r.bent) == 0 || !strings.Contains(r.bent[0], "inside of HTTP, and is neither WebSocket nor BOSH: nothing in it can be held") || len(r.queue[session.C2S]) != 0 {
		t.Errorf("said %q", r.bent)
	}
}

// TestInject: what is put in comes between two elements, and its answer is ours alone.
func TestInject(t *testing.T) {
	r := loggedIn(t, nil, "")
	reply := make(chan []byte, 1)
	r.free(session.C2S, "<message>ha")
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>"), Answer: true, Reply: reply}})
	for _, dir := range both {
		r.rest(dir)
		lane := r.marks[dir]
		r.hands(dir, &lane)
	}
	if got := r.out[session.C2S].String(); !strings.HasSuffix(got, "<message>ha") {
		t.Errorf("in the middle of an element: %s", got)
	}
	r.give(Data{session.C2S, []byte("lf</message><pre")})
	if got := r.out[session.C2S].String(); !strings.Contains(got, "half</message><pre") && !strings.HasSuffix(got, "half</message><iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>") {
		t.Errorf("went on: %s", got)
	}
	r.give(Data{session.C2S, []byte("sence/>")})
	if got := r.out[session.C2S].String(); !strings.HasSuffix(got, "</iq><presence/>") && !strings.HasSuffix(got, "<presence/><iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>") {
		t.Errorf("went on: %s", got)
	}
	r.give(Data{session.S2C, []byte("<iq type='result' id='other'/><iq type='result' id='p1'/><message/>")})
	if got := r.out[session.S2C].String(); !strings.HasSuffix(got, "<iq type='result' id='other'/><message/>") {
		t.Errorf("to the client: %s", got)
	}
	for _, a := range r.answers {
		if string(a.XML) != "<iq type='result' id='p1'/>" || a.To != (chan<- []byte)(reply) {
			t.Errorf("answer: %s", a.XML)
		}
	}
	if len(r.answers) != 1 || !r.Free() {
		t.Errorf("%d answers, free %v", len(r.answers), r.Free())
	}
}

const sm = " xmlns='urn:xmpp:sm:3'"

// TestCountsAreKeptRight: each side's h is of what it has got, and each is told of what it
// has sent.
func TestCountsAreKeptRight(t *testing.T) {
	r := newClearRelay([]Gate{byName{"presence": {Drop: true}}})
	r.phase = relaying
	both := func(c2s, s2c string) {
		if c2s != "" {
			r.give(Data{session.C2S, []byte(c2s)})
		}
		if s2c != "" {
			r.give(Data{session.S2C, []byte(s2c)})
		}
	}
	end := func(dir session.Dir, want string) {
		t.Helper()
		if got := r.out[dir].String(); !strings.HasSuffix(got, want) {
			t.Errorf("%s ends with %s, want %s", dir, got[max(0, len(got)-100):], want)
		}
	}
	both(gateHeader, gateHeader)
	both("<presence/><enable"+sm+"/>", "<enabled"+sm+" id='one'/>")
	both("<message/><presence/><message/>", "")
	both("", "<a"+sm+" h='1'/>") // the first, and behind it one that was dropped
	end(session.S2C, "<a"+sm+" h='2'/>")
	both("", "<a"+sm+" h=\"2\"/>")
	end(session.S2C, "<a"+sm+" h=\"3\"/>")
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<message/>")}})
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<message/>")}})
	both("", "<a"+sm+" h='4'/>") // two of ours
	end(session.S2C, "<a"+sm+" h='3'/>")
	both("", "<presence/><message/>")
	both("<a"+sm+" h='1'/>", "")
	end(session.C2S, "<a"+sm+" h='2'/>")

	// It is resumed: the client has got 1 of 2, the server 4 where 3 were sent.
	kept := ledgers{}
	kept.keep(&r.ledger)
	r = newClearRelay(nil)
	r.phase = relaying
	r.ledger.recall = func(id string) *ledger { return kept.of[id] }
	r.gate = []Gate{byName{}}
	both(gateHeader, gateHeader)
	both("<resume"+sm+" previd='one' h='1'/>", "")
	end(session.C2S, "<resume"+sm+" previd='one' h='2'/>")
	both("", "<resumed"+sm+" previd='one' h='4'/>")
	end(session.S2C, "<resumed"+sm+" previd='one' h='3'/>")
	both("<message/>", "<a"+sm+" h='5'/>")
	end(session.S2C, "<a"+sm+" h='4'/>")
}

// TestCountsWithSASL2: the same where it is enabled and resumed with the login.
func TestCountsWithSASL2(t *testing.T) {
	r := newClearRelay([]Gate{byName{"presence": {Drop: true}}})
	r.phase = relaying
	const sasl2 = " xmlns='urn:xmpp:sasl:2'"
	r.give(Data{session.C2S, []byte(gateHeader + "<authenticate" + sasl2 + " mechanism='X'/>")})
	r.give(Data{session.S2C, []byte(gateHeader + "<success" + sasl2 + "><bound xmlns='urn:xmpp:bind:0'><enabled" + sm + " id='two'/></bound></success>")})
	r.give(Data{session.C2S, []byte("<message/><presence/><message/>")})
	r.give(Data{session.S2C, []byte("<presence/><message/><a" + sm + " h='2'/>")})
	if got := r.out[session.S2C].String(); !strings.HasSuffix(got, "<a"+sm+" h='3'/>") {
		t.Errorf("the client is told %s", got)
	}
	kept := ledgers{}
	kept.keep(&r.ledger)
	r = newClearRelay([]Gate{byName{}})
	r.phase = relaying
	r.ledger.recall = func(id string) *ledger { return kept.of[id] }
	r.give(Data{session.C2S, []byte(gateHeader + "<authenticate" + sasl2 + "><resume" + sm + " previd='two' h='1'/></authenticate>")})
	if got := r.out[session.C2S].String(); !strings.HasSuffix(got, "<resume"+sm+" previd='two' h='2'/></authenticate>") {
		t.Errorf("the server is told %s", got)
	}
	r.give(Data{session.S2C, []byte(gateHeader + "<success" + sasl2 + "><resumed" + sm + " previd='two' h='2'/></success>")})
	if got := r.out[session.S2C].String(); !strings.HasSuffix(got, "<resumed"+sm+" previd='two' h='3'/></success>") {
		t.Errorf("the client is told %s", got)
	}
}

// TestNoted: what was said of an element alone is told as that, unless something was done, too.
func TestNoted(t *testing.T) {
	said := Decision{Noted: true, Reason: "look", By: "script"}
	for _, c := range []struct {
		gates []Gate
		noted bool
	}{
		{[]Gate{byName{"a": said}}, true},
		{[]Gate{byName{"a": said}, byName{"a": {Copies: 1, Bent: true, Reason: "twice"}}}, false},
	} {
		r := newClearRelay(c.gates)
		r.phase = relaying
		r.give(Data{session.C2S, []byte(gateHeader + "<a/>")})
		var told []session.RelayBent
		for _, e := range r.told {
			if b, ok := e.Body.(session.RelayBent); ok {
				told = append(told, b)
			}
		}
		if len(told) != 1 || told[0].Noted != c.noted || !strings.HasPrefix(told[0].Reason, "look") {
			t.Errorf("%v: %+v", c.gates, told)
		}
	}
}

// TestBends: what is done to connections.
func TestBends(t *testing.T) {
	for _, c := range []struct {
		what Bend
		want string
	}{
		{Bend{What: Cut, Reason: "r"}, "close"},
		{Bend{What: Reset}, "close reset"},
		{Bend{What: HalfClose, Dir: session.C2S}, "finish c2s"},
		{Bend{What: DropLeg, Dir: session.C2S}, "finish s2c drop"},
	} {
		r := newClearRelay([]Gate{byName{"a": {Bends: []Bend{c.what}}}})
		r.phase = relaying
		r.give(Data{session.C2S, []byte(gateHeader + "<a/><b/>")})
		if got := strings.Join(r.order, ", "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.what, got, c.want)
		}
		if got := r.out[session.C2S].String(); c.what.What != DropLeg && got != gateHeader+"<a/>" {
			t.Errorf("%+v: went on: %s", c.what, got)
		}
		if got := r.said[session.C2S].String(); got != gateHeader+"<a/><b/>" {
			t.Errorf("%+v: kept: %s", c.what, got)
		}
	}
	r := newClearRelay([]Gate{byName{"a": {Bends: []Bend{{What: Stall, Dir: session.C2S, For: time.Second}}}, "c": {Bends: []Bend{{What: BlackHole}}}}})
	r.phase = relaying
	r.give(Data{session.C2S, []byte(gateHeader + "<a/>")})
	if r.Wants(session.C2S) || !r.Wants(session.S2C) || len(r.delay) != 1 {
		t.Errorf("wants c2s %v, s2c %v, %d delays", r.Wants(session.C2S), r.Wants(session.S2C), len(r.delay))
	}
	r.give(Resumed{session.C2S, r.delay[0].Wait})
	if !r.Wants(session.C2S) {
		t.Error("it does not go on")
	}
	r.give(Data{session.C2S, []byte("<c/><d/>")})
	if got := r.out[session.C2S].String(); got != gateHeader+"<a/><c/>" {
		t.Errorf("went on: %s", got)
	}
}

// TestGateFails: a gate that panics decides nothing.
func TestGateFails(t *testing.T) {
	r := newClearRelay([]Gate{&gateFunc{consider: func(p *decode.Piece) Decision {
		if p.Kind == decode.Element {
			panic("oh")
		}
		return Decision{}
	}}})
	r.phase = relaying
	r.give(Data{session.C2S, []byte(gateHeader + "<a/>")})
	if got := r.out[session.C2S].String(); got != gateHeader+"<a/>" || len(r.notes) != 1 || !strings.Contains(r.notes[0], "has failed") {
		t.Errorf("went on: %s, told %q", got, r.notes)
	}
}

// FuzzGates: whatever comes and whatever is decided, no byte is lost, and what passes passes
// in order.
func FuzzGates(f *testing.F) {
	f.Add([]byte(gateHeader+"<a/><b/> <c>x</c><d/>"), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8}, uint8(3))
	f.Add([]byte("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>x"), []byte{9, 9}, uint8(1))
	f.Fuzz(func(t *testing.T, data, decisions []byte, cut uint8) {
		at := 0
		next := func() byte {
			if at++; at > len(decisions) {
				return 0
			}
			return decisions[at-1]
		}
		decide := func() Decision {
			switch next() % 10 {
			case 1:
				return Decision{XML: []byte("<z/>")}
			case 2:
				return Decision{XML: []byte("</stream:stream><<")}
			case 3:
				return Decision{Drop: true}
			case 4:
				return Decision{Hold: "h"}
			case 5:
				return Decision{Delay: 1}
			case 6:
				return Decision{Copies: 2}
			case 7:
				return Decision{Sends: []Sending{{Dir: session.S2C, XML: []byte("<iq type='get' id='1'/>"), Answer: true}}}
			case 8:
				return Decision{Bends: []Bend{{What: Bending(next() % 9), Dir: session.Dir(next() % 3)}}}
			case 9:
				return Decision{Later: func() Decision { return Decision{} }}
			}
			return Decision{}
		}
		r := newClearRelay([]Gate{&gateFunc{consider: func(*decode.Piece) Decision { return decide() }}})
		r.phase = relaying
		r.give(Data{session.S2C, []byte(gateHeader)})
		given := 0
		for rest := data; len(rest) > 0 && r.phase != closing; {
			if r.Wants(session.C2S) {
				n := min(len(rest), int(cut)+1)
				r.give(Data{session.C2S, rest[:n]})
				rest, given = rest[n:], given+n
				continue
			}
			g := &r.gated[session.C2S]
			if g.waiting == 0 {
				break
			}
			r.give(Decided{session.C2S, g.waiting, decide()})
		}
		if r.phase == asked || r.phase == quiescing || r.phase == securing {
			return // what the client has said may be TLS
		}
		r.give(Stopped{})
		if got := r.said[session.C2S].String(); got != string(data[:given]) {
			t.Errorf("kept %q of %q", got, data[:given])
		}
	})
}
