package proxy

import (
	"fmt"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/session"
)

// newBOSHRelay is a relay whose connection carries a session of BOSH.
func newBOSHRelay(gates ...Gate) *gatedRelay {
	r := newClearRelay(gates)
	r.phase = relaying
	r.give(Data{session.C2S, []byte(httpAsks(boshAsks))})
	r.give(Data{session.S2C, []byte(httpAnswers(boshMakes))})
	r.hand(new(talk))
	for _, dir := range both {
		r.out[dir].Reset()
		r.said[dir].Reset()
	}
	return r
}

// TestBodies: elements in bodies of BOSH are held, changed, dropped and repeated, in either
// direction, however the bytes come; the wrapper stays, and the length is right.
func TestBodies(t *testing.T) {
	const inside = "<a xmlns='jabber:client'/><b xmlns='jabber:client'>x</b> <held xmlns='jabber:client'/><late xmlns='jabber:client'/><twice xmlns='jabber:client'/><d xmlns='jabber:client'/>"
	const then = "<a xmlns='jabber:client'/><held xmlns='jabber:client'/><late xmlns='jabber:client'/><twice xmlns='jabber:client'/><twice xmlns='jabber:client'/><e xmlns='jabber:client'/>"
	gates := byName{
		"b": {Drop: true, Reason: "gone"}, "held": {Hold: "here"}, "late": {Delay: 1, Bent: true, Reason: "late"},
		"twice": {Copies: 1, Bent: true, Reason: "twice"}, "d": {XML: []byte("<e/>"), Reason: "changed"},
	}
	wrapped := func(dir session.Dir, inside string) string {
		text := fmt.Sprintf(boshBody, 11, "s1", inside)
		if dir == session.C2S {
			return httpAsks(text)
		}
		return httpAnswers(text)
	}
	for _, dir := range both {
		for size := 1; size < 700; size += 13 {
			r := newBOSHRelay(gates)
			if dir == session.S2C {
				r.give(Data{session.C2S, []byte(wrapped(session.C2S, ""))})
			}
			given := wrapped(dir, inside) + wrapped(dir, "")
			if dir == session.S2C {
				given = wrapped(dir, inside)
			}
			for rest := given; rest != ""; {
				n := min(size, len(rest))
				r.give(Data{dir, []byte(rest[:n])})
				rest = rest[n:]
			}
			if len(r.held) != 1 || string(r.held[0].Held.Name) != "held" {
				t.Fatalf("%s, %d at a time: held %v", dir, size, r.held)
			}
			h := r.held[0].Held
			h.wait = r.held[0].Wait
			if r.lookBehind(&h); len(h.Behind) != 3 || h.Behind[0].Name != "late" {
				t.Fatalf("%s, %d at a time: behind it wait %+v", dir, size, h.Behind)
			}
			if out := r.out[dir].String(); out != "" {
				t.Fatalf("%s, %d at a time: before it is decided %q went on", dir, size, out)
			}
			r.give(Decided{dir, r.held[0].Wait, Decision{}})
			r.give(Decided{dir, r.delay[0].Wait, r.delay[0].After})
			want := strings.Replace(given, wrapped(dir, inside), wrapped(dir, then), 1)
			if got := r.out[dir].String(); got != want {
				t.Fatalf("%s, %d at a time: went on\n%q\nand not\n%q", dir, size, got, want)
			}
			if got := r.said[dir].String(); got != given {
				t.Fatalf("%s, %d at a time: kept\n%q\nand not\n%q", dir, size, got, given)
			}
		}
	}
}

// TestBodiesAsTheyCome: what is chunked or compressed is looked into, and goes on as it came
// where nothing is changed.
func TestBodiesAsTheyCome(t *testing.T) {
	text := fmt.Sprintf(boshBody, 11, "s1", "<b xmlns='jabber:client'/><c xmlns='jabber:client'/>")
	chunked := fmt.Sprintf("POST /http-bind HTTP/1.1\r\nHost: example.net\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\nX: y\r\n\r\n", 10, text[:10], len(text)-10, text[10:])
	for name, c := range map[string]struct {
		did  Decision
		want string
	}{
		"passed":  {Decision{}, chunked},
		"dropped": {Decision{Drop: true}, "POST /http-bind HTTP/1.1\r\nHost: example.net\r\nContent-Length: " + fmt.Sprint(len(text)-len("<b xmlns='jabber:client'/>")) + "\r\n\r\n" + strings.Replace(text, "<b xmlns='jabber:client'/>", "", 1)},
	} {
		r := newBOSHRelay(byName{"b": c.did})
		r.give(Data{session.C2S, []byte(chunked)})
		if got := r.out[session.C2S].String(); got != c.want {
			t.Errorf("%s: went on\n%q\nand not\n%q", name, got, c.want)
		}
	}
}

// TestBodiesThatPass: what is no body of BOSH, or cannot be held back, passes at once.
func TestBodiesThatPass(t *testing.T) {
	seen := 0
	r := newBOSHRelay(&gateFunc{consider: func(p *decode.Piece) Decision {
		seen++
		return Decision{Drop: true}
	}})
	seen = 0
	expects := strings.Replace(httpAsks(fmt.Sprintf(boshBody, 11, "s1", "<a xmlns='jabber:client'/>")), "\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1)
	head := expects[:strings.Index(expects, "\r\n\r\n")+4]
	r.give(Data{session.C2S, []byte(head)})
	if got := r.out[session.C2S].String(); got != head {
		t.Errorf("a client that waits to be told so: %q went on", got)
	}
	r.give(Data{session.S2C, []byte("HTTP/1.1 100 Continue\r\n\r\n")})
	r.give(Data{session.C2S, []byte(expects[len(head):])})
	r.give(Data{session.S2C, []byte("HTTP/1.1 200 OK\r\n\r\n<body xmlns='http://jabber.org/protocol/httpbind'>")})
	if got := r.out[session.C2S].String(); got != expects {
		t.Errorf("%q went on", got)
	}
	if got := r.out[session.S2C].String(); got != "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<body xmlns='http://jabber.org/protocol/httpbind'>" {
		t.Errorf("%q went on", got)
	}
	if seen > 0 {
		t.Errorf("%d elements were decided about", seen)
	}
	r = newBOSHRelay(byName{"a": {Drop: true}})
	options := "OPTIONS /http-bind HTTP/1.1\r\nHost: example.net\r\n\r\n"
	page := "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"
	r.give(Data{session.C2S, []byte(options)})
	r.give(Data{session.S2C, []byte(page)})
	if up, down := r.out[session.C2S].String(), r.out[session.S2C].String(); up != options || down != page {
		t.Errorf("%q and %q went on", up, down)
	}
}

// TestSaidInBodies: what is to be said in a session of BOSH goes into the next body that goes
// its way, on whichever connection that is, and what answers it is kept from the other side; none
// goes into a body that ends the session.
func TestSaidInBodies(t *testing.T) {
	r, other := newBOSHRelay(), newBOSHRelay()
	other.hand(r.bosh.talk)
	reply := make(chan []byte, 1)
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<iq type='get' id='ours'><ping xmlns='urn:xmpp:ping'/></iq>"), Answer: true, Reply: reply}})
	ends := "<body xmlns='http://jabber.org/protocol/httpbind' rid='11' sid='s1' type='terminate'/>"
	r.give(Data{session.C2S, []byte(httpAsks(ends))})
	empty := strings.Replace(fmt.Sprintf(boshBody, 12, "s1", ""), "></body>", "/>", 1)
	other.give(Data{session.C2S, []byte(httpAsks(empty))})
	if got := r.out[session.C2S].String(); got != httpAsks(ends) {
		t.Errorf("%q ends it", got)
	}
	want := httpAsks(fmt.Sprintf(boshBody, 12, "s1", "<iq xmlns='jabber:client' type='get' id='ours'><ping xmlns='urn:xmpp:ping'/></iq>"))
	if got := other.out[session.C2S].String(); got != want {
		t.Errorf("went on\n%q\nand not\n%q", got, want)
	}
	answer, rest := "<iq xmlns='jabber:client' type='result' id='ours'/>", "<message xmlns='jabber:client'/>"
	body := func(inside string) string {
		return httpAnswers("<body xmlns='http://jabber.org/protocol/httpbind'>" + inside + "</body>")
	}
	r.give(Data{session.S2C, []byte(body(answer + rest))})
	if got := r.out[session.S2C].String(); got != body(rest) {
		t.Errorf("the client gets\n%q\nand not\n%q", got, body(rest))
	}
	if len(r.answered()) != 1 || r.answered()[0] != answer {
		t.Errorf("answered: %q", r.answered())
	}
}

// answered are the answers that were handed over.
func (r *gatedRelay) answered() (out []string) {
	for _, a := range r.answers {
		out = append(out, string(a.XML))
	}
	return out
}

// FuzzBodies: whatever comes in HTTP and whatever is decided, what was said is kept as it came,
// and what only passes arrives byte for byte.
func FuzzBodies(f *testing.F) {
	f.Add([]byte(httpAsks(fmt.Sprintf(boshBody, 11, "s1", "<a/><b>x</b>"))), []byte(httpAnswers(boshEmpty)), uint8(5), uint8(0))
	f.Add([]byte(httpAsks(fmt.Sprintf(boshBody, 11, "s1", "<a/>]]><"))), []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<bod\r\n0\r\n\r\n"), uint8(1), uint8(1))
	f.Add([]byte("GET / HTTP/1.1\r\nExpect: x\r\n\r\n"), []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), uint8(100), uint8(4))
	f.Add([]byte(wsAsk), []byte(httpAnswers(boshMakes)), uint8(100), uint8(5))
	f.Fuzz(func(t *testing.T, up, down []byte, size, what uint8) {
		did := []Decision{{}, {Hold: "here"}, {Delay: 1}, {Drop: true}, {XML: []byte("<x/>")}, {Copies: 2}, {Sends: []Sending{{Dir: session.S2C, XML: []byte("<iq/>")}}}}[what%7]
		r := newBOSHRelay(&gateFunc{consider: func(p *decode.Piece) Decision { return did }})
		given := [3][]byte{session.C2S: up, session.S2C: down}
		for _, dir := range both {
			for rest := given[dir]; len(rest) > 0 && r.phase != closing; {
				n := min(int(size)+1, len(rest))
				r.give(Data{dir, rest[:n]})
				rest = rest[n:]
				r.goOn()
			}
		}
		r.give(Stopped{})
		for _, dir := range both {
			said, out := r.said[dir].String(), r.out[dir].String()
			if said != string(given[dir]) {
				t.Fatalf("kept\n%q and came\n%q", said, given[dir])
			}
			if what%7 < 3 && !strings.HasPrefix(said, out) {
				t.Fatalf("went on\n%q and came\n%q", out, said)
			}
		}
	})
}
