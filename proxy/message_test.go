package proxy

import (
	"bytes"
	"compress/flate"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

const (
	wsAsk   = "GET /xmpp-websocket HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"
	wsAgree = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: xmpp\r\n"
	wsOpen  = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a.example' version='1.0'/>"
	wsClose = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"
)

// framing is how a side of WebSocket packs what it says.
type framing struct {
	dir      session.Dir
	deflate  bool
	takeover bool
	out      bytes.Buffer
	w        *flate.Writer
}

func (f *framing) frame(first byte, payload string) string {
	return string(xmpptest.WebSocketFrame(f.dir, first, []byte(payload)))
}

// says is a message for each text, compressed if that was agreed on.
func (f *framing) says(texts ...string) (out string) {
	for _, text := range texts {
		if !f.deflate {
			out += f.frame(0x81, text)
			continue
		}
		out += f.frame(0xc1, f.packed(text))
	}
	return out
}

// packed is a text compressed (RFC 7692 §7.2.1).
func (f *framing) packed(text string) string {
	if f.w == nil {
		f.w, _ = flate.NewWriter(&f.out, flate.BestCompression)
	}
	f.out.Reset()
	if !f.takeover {
		f.w.Reset(&f.out)
	}
	f.w.Write([]byte(text))
	f.w.Flush()
	return strings.TrimSuffix(f.out.String(), "\x00\x00\xff\xff")
}

// webRelay is a relay of a WebSocket that has been agreed on, with a stream that is open.
type webRelay struct {
	*gatedRelay
	up, down *framing
}

// packings are how messages may be compressed, by the extension that is agreed on.
var packings = map[string]string{
	"plain": "", "deflate": "permessage-deflate",
	"deflate without context": "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
}

func newWebRelay(t *testing.T, extension string, gates ...Gate) *webRelay {
	t.Helper()
	r := &webRelay{gatedRelay: newClearRelay(gates), up: newFraming(session.C2S, extension), down: newFraming(session.S2C, extension)}
	r.phase = relaying
	r.give(Data{session.C2S, []byte(wsAsk)})
	r.give(Data{session.S2C, []byte(agreed(extension))})
	r.give(Data{session.C2S, []byte(r.up.says(wsOpen))})
	r.give(Data{session.S2C, []byte(r.down.says(wsOpen))})
	return r
}

func newFraming(dir session.Dir, extension string) *framing {
	return &framing{dir: dir, deflate: extension != "", takeover: !strings.Contains(extension, "no_context")}
}

func agreed(extension string) string {
	if extension != "" {
		return wsAgree + "Sec-WebSocket-Extensions: " + extension + "\r\n\r\n"
	}
	return wsAgree + "\r\n"
}

// got is what the receiver of a direction reads in it: elements, control frames, and what is
// wrong with frames.
func (r *webRelay) got(dir session.Dir) (read []string) {
	by := decode.NewCutter(func(e session.Seen) {
		if e.Dir != dir {
			return
		}
		switch b := e.Body.(type) {
		case session.HTTPRequest, session.HTTPResponse, session.StreamWhitespace:
		case session.WebSocketFrame:
			if b.Problem == "" {
				read = append(read, b.Op)
			} else if !strings.Contains(b.Problem, "fragments") {
				read = append(read, b.Problem)
			}
		case session.RelayOpaque:
			read = append(read, "unreadable: "+b.Reason)
		default:
			read = append(read, string(e.Raw))
		}
	})
	for _, d := range both { // the request comes before the answer, and that before the messages
		head, messages, _ := strings.Cut(r.out[d].String(), "\r\n\r\n")
		by.Take(session.Seen{Dir: d, Body: session.StreamBytes{}, Raw: []byte(head + "\r\n\r\n")})
		if d == dir && dir == session.S2C {
			by.Take(session.Seen{Dir: d, Body: session.StreamBytes{}, Raw: []byte(messages)})
		} else if dir == session.C2S && d == session.S2C {
			_, messages, _ := strings.Cut(r.out[dir].String(), "\r\n\r\n")
			by.Take(session.Seen{Dir: dir, Body: session.StreamBytes{}, Raw: []byte(messages)})
		}
	}
	return read
}

func (r *webRelay) want(t *testing.T, dir session.Dir, want ...string) {
	t.Helper()
	if got := r.got(dir); !slices.Equal(got, append([]string{wsOpen}, want...)) {
		t.Errorf("%s gets %q\nand not %q", dir.Opposite().Sender(), got[min(1, len(got)):], want)
	}
}

const (
	one = "<one xmlns='jabber:client'>again and again and again and again</one>"
	two = "<two xmlns='jabber:client'>again and again and again and again</two>"
	six = "<six xmlns='jabber:client'>again and again and again and again</six>"
)

// TestMessagesPass: what gates let pass goes on byte for byte, fragments and control frames
// too, however it was cut.
func TestMessagesPass(t *testing.T) {
	for name, extension := range packings {
		t.Run(name, func(t *testing.T) {
			f := newFraming(session.C2S, extension)
			text := f.says(one) + f.frame(0x89, "hi") + f.frame(0x01, "<two xmlns='jab") + f.frame(0x89, "") + f.frame(0x00, "ber:c") + f.frame(0x80, "lient'/>") +
				f.frame(0x81, " ") + f.frame(0x81, "") + f.frame(0x81, one+" ") + f.frame(0x81, one+two) + f.frame(0x81, "no XML") + f.says(six) + f.frame(0x88, "\x03\xe8")
			for cut := 0; cut <= len(text); cut++ {
				var seen []string
				r := newWebRelay(t, extension, &gateFunc{consider: func(p *decode.Piece) Decision {
					seen = append(seen, string(p.Local()))
					return Decision{}
				}})
				before, said := r.out[session.C2S].Len(), r.said[session.C2S].Len()
				seen = nil
				for _, part := range []string{text[:cut], text[cut:]} {
					if part != "" {
						r.give(Data{session.C2S, []byte(part)})
					}
				}
				if got := r.out[session.C2S].String()[before:]; got != text || r.said[session.C2S].String()[said:] != text {
					t.Fatalf("cut at %d, %d bytes went on of %d:\n%q", cut, len(got), len(text), got)
				}
				if want := []string{"one", "two", "one", "six"}; !slices.Equal(seen, want) {
					t.Fatalf("cut at %d, considered: %q", cut, seen)
				}
				if len(r.notes) != 2 || !strings.Contains(r.notes[0], "is not one element") || r.notes[1] != r.notes[0] {
					t.Fatalf("said: %q", r.notes)
				}
			}
		})
	}
}

// TestMessagesBent: what can be done to elements can be done to messages, and who gets what
// comes then can read it.
func TestMessagesBent(t *testing.T) {
	edited := "<edited xmlns='jabber:client'/>"
	for name, c := range map[string]struct {
		d    Decision
		want []string
	}{
		"passed":     {Decision{Reason: "nothing"}, []string{one, two, six}},
		"dropped":    {Decision{Drop: true}, []string{one, six}},
		"edited":     {Decision{XML: []byte(edited)}, []string{one, edited, six}},
		"in two":     {Decision{XML: []byte(edited + " <other/>")}, []string{one, edited, "<other xmlns='jabber:client'/>", six}},
		"nothing":    {Decision{XML: []byte{}}, []string{one, six}},
		"broken":     {Decision{XML: []byte("<broken>")}, []string{one, "<broken>", "a message ends in the middle of an element: each has to be whole (RFC 7395 §3.3.1)", six}},
		"twice":      {Decision{Copies: 1}, []string{one, two, two, six}},
		"said since": {Decision{Sends: []Sending{{Dir: session.C2S, XML: []byte("<iq/>")}}}, []string{one, two, six, "<iq xmlns='jabber:client'/>"}},
		"an end":     {Decision{Sends: []Sending{{Dir: session.C2S, XML: []byte("<stream:error/></stream:stream>")}}}, []string{one, two, six, "<stream:error xmlns:stream='http://etherx.jabber.org/streams'/>", wsClose}},
	} {
		for way, extension := range packings {
			t.Run(name+" "+way, func(t *testing.T) {
				r := newWebRelay(t, extension, byName{"two": c.d})
				text := r.up.says(one) + r.up.frame(0x89, "") + r.up.says(two, six)
				want := slices.Insert(slices.Clone(c.want), 1, "ping")
				r.give(Data{session.C2S, []byte(text)})
				r.want(t, session.C2S, want...)
				if said := r.said[session.C2S].String(); !strings.HasSuffix(said, text) {
					t.Errorf("it is not kept as it came")
				}
				changed := c.d.Drop || c.d.XML != nil
				if severed := strings.Contains(strings.Join(r.bent, " "), "without compression from here on"); severed != (changed && way == "deflate") {
					t.Errorf("told: %q", r.bent)
				}
			})
		}
	}
}

// TestMessagesInFragments: a message in fragments is decided about as a whole, and control
// frames between them go on in any case.
func TestMessagesInFragments(t *testing.T) {
	for way, extension := range packings {
		t.Run(way, func(t *testing.T) {
			r := newWebRelay(t, extension, byName{"two": {Hold: "here"}})
			first, packed := byte(0x01), two
			if extension != "" {
				first, packed = 0x41, r.up.packed(two)
			}
			r.give(Data{session.C2S, []byte(r.up.frame(first, packed[:7]) + r.up.frame(0x89, "?") + r.up.frame(0x00, packed[7:9]))})
			r.want(t, session.C2S)
			r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<iq/>")}})
			r.give(Data{session.C2S, []byte(r.up.frame(0x80, packed[9:]) + r.up.says(six) + r.up.frame(0x8a, "!"))})
			if len(r.held) != 1 || string(r.held[0].Held.XML) != two || r.held[0].Held.Space != decode.NSClient {
				t.Fatalf("held: %+v", r.held)
			}
			r.want(t, session.C2S, "<iq xmlns='jabber:client'/>")
			r.give(Decided{session.C2S, r.held[0].Wait, Decision{XML: []byte("<edited/>")}})
			r.want(t, session.C2S, "<iq xmlns='jabber:client'/>", "ping", "<edited xmlns='jabber:client'/>", six, "pong")
		})
	}
}

// TestBehindAHeldMessage: what has come behind one that is held is told as what it says, and goes
// on as it came.
func TestBehindAHeldMessage(t *testing.T) {
	for way, extension := range packings {
		t.Run(way, func(t *testing.T) {
			r := newWebRelay(t, extension, byName{"two": {Hold: "here"}})
			r.give(Data{session.C2S, []byte(r.up.says(two, one))})
			r.give(Data{session.C2S, []byte(r.up.says(six) + r.up.frame(0x89, "")[:3])})
			h := Held{Dir: session.C2S, wait: r.gated[session.C2S].waiting}
			if r.lookBehind(&h); len(h.Behind) != 2 || string(h.Behind[0].XML) != one || h.Behind[1].Name != "six" {
				t.Errorf("behind it: %+v", h.Behind)
			}
			r.give(Decided{session.C2S, h.wait, Decision{}})
			r.want(t, session.C2S, two, one, six)
		})
	}
}

// TestSevered: behind a compressed message that was taken out all are sent without
// compression, however long, and where what comes cannot be read the connection ends.
func TestSevered(t *testing.T) {
	g := &switchable{on: true, gate: byName{"two": {Drop: true}}}
	r := newWebRelay(t, "permessage-deflate", g)
	r.give(Data{session.S2C, []byte(r.down.says(one, two))})
	g.on = false
	r.give(Armed{})
	if r.Free() {
		t.Fatal("it is free, and what comes cannot be read by who gets it")
	}
	large := "<large>" + strings.Repeat("x<y/>", maxGated) + "</large>"
	rest := []byte(r.down.says(six, large, one) + r.down.frame(0x81, two))
	for len(rest) > 0 {
		n := min(1000, len(rest))
		r.give(Data{session.S2C, rest[:n]})
		rest = rest[n:]
	}
	got := r.got(session.S2C)
	if len(got) != 6 || got[2] != six || len(got[3]) != min(len(large), decode.MaxFrame) || got[4] != one || got[5] != two {
		t.Errorf("the client gets %.200q", got)
	}
	r.give(Data{session.S2C, []byte(r.down.frame(0xc1, "no deflate"))})
	if !slices.Equal(r.order, []string{"close"}) || !strings.Contains(r.bent[len(r.bent)-1], "could not read it either") {
		t.Errorf("ended by %q, said %q", r.order, r.bent)
	}
}

// TestSeveredIsBounded: fragments without end, or control frames between them, are not held back
// without end either.
func TestSeveredIsBounded(t *testing.T) {
	for name, again := range map[string]string{
		"empty fragments": "\x00\x00", "pings": "\x89\x04ping", "fragments": "\x00\x7e\xff\xff" + strings.Repeat("x", 1<<16-1),
	} {
		t.Run(name, func(t *testing.T) {
			r := newWebRelay(t, "permessage-deflate", byName{"two": {Drop: true}})
			r.give(Data{session.S2C, []byte(r.down.says(two) + r.down.frame(0x01, "<six"))})
			many := []byte(strings.Repeat(again, 1<<20/len(again)))
			for range 3*maxSevered>>20 + 1 {
				r.give(Data{session.S2C, many})
				if n := len(r.gated[session.S2C].part); n > maxSevered {
					t.Fatalf("%d bytes are held back", n)
				}
				if len(r.order) > 0 {
					break
				}
			}
			if !slices.Equal(r.order, []string{"close"}) {
				t.Errorf("ended by %q, said %q", r.order, r.bent)
			}
		})
	}
}

// TestMessageIsBounded: a message that is too large passes, and what follows is considered
// again.
func TestMessageIsBounded(t *testing.T) {
	for way, extension := range packings {
		t.Run(way, func(t *testing.T) {
			r := newWebRelay(t, extension, byName{"large": {Drop: true}, "two": {Drop: true}})
			noise := make([]byte, 2*maxGated) // nothing that could be compressed
			for i, x := 0, uint32(1); i < len(noise); i++ {
				x = x*1664525 + 1013904223
				noise[i] = 'a' + byte(x>>24)%26
			}
			large := "<large>" + string(noise) + "</large>"
			text := r.up.says(one, large)
			before := r.out[session.C2S].Len()
			for rest := []byte(text); len(rest) > 0; {
				n := min(1000, len(rest))
				r.give(Data{session.C2S, rest[:n]})
				rest = rest[n:]
				if held := len(r.gated[session.C2S].part); held > maxGated {
					t.Fatalf("%d bytes are held back", held)
				}
			}
			if got := r.out[session.C2S].String()[before:]; got != text {
				t.Errorf("%d bytes went on, of %d, or they differ", len(got), len(text))
			}
			if len(r.notes) != 1 || !strings.Contains(r.notes[0], "an element of more than") {
				t.Errorf("told: %q", r.notes)
			}
			r.give(Data{session.C2S, []byte(r.up.says(two, six))})
			if got := r.got(session.C2S); got[len(got)-1] != six || got[len(got)-2] != large[:min(len(large), decode.MaxFrame)] {
				t.Errorf("behind it %.100q", got)
			}
		})
	}
}

// TestWebSocketIsArmedAtEveryOctet: a WebSocket that has passed without being looked at is
// looked at again wherever it stands.
func TestWebSocketIsArmedAtEveryOctet(t *testing.T) {
	for way, extension := range packings {
		f := newFraming(session.S2C, extension)
		f.says(wsOpen)
		parts := []string{f.says(one), f.frame(0x89, "hi"), f.frame(0x01, "<two"), f.frame(0x8a, ""), f.frame(0x80, "/>"), f.says(two), f.says(six)}
		text := strings.Join(parts, "")
		second := len(text) - len(parts[6]) - len(parts[5])
		first := second - len(parts[4]) - len(parts[3]) - len(parts[2])
		for at := 0; at <= len(text); at++ {
			for late := at; late <= len(text); late += 40 {
				g := &switchable{gate: byName{"two": {Drop: true}}}
				r := newWebRelay(t, extension, g)
				if !r.Free() {
					t.Fatal("the relay is not free")
				}
				for _, dir := range both {
					r.give(Left{dir})
				}
				r.free(session.S2C, text[:at])
				g.on = true
				r.give(Armed{})
				r.rest(session.S2C)
				if late > at {
					r.give(Data{session.S2C, []byte(text[at:late])})
				}
				lane := r.marks[session.S2C]
				if r.hands(session.S2C, &lane); lane.Why != "" {
					t.Fatal(lane.Why)
				}
				if late < len(text) {
					r.give(Data{session.S2C, []byte(text[late:])})
				}
				want := []string{one, "ping", "pong", "<two/>", two, six}
				if second >= late {
					want = slices.Delete(want, 4, 5)
				}
				if first >= late {
					want = slices.Delete(want, 3, 4)
				}
				r.want(t, session.S2C, want...)
				if t.Failed() {
					t.Fatalf("%s: armed at %d, told at %d", way, at, late)
				}
			}
		}
	}
}

// TestInjectIntoWebSocket: what is put in is a message of its own, between two others, and its
// answer is ours alone.
func TestInjectIntoWebSocket(t *testing.T) {
	r := newWebRelay(t, "permessage-deflate")
	for _, dir := range both {
		r.give(Left{dir})
	}
	reply := make(chan []byte, 1)
	r.free(session.C2S, r.up.frame(0x01, "<mess"))
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<iq type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>"), Answer: true, Reply: reply}})
	for _, dir := range both {
		r.rest(dir)
		lane := r.marks[dir]
		r.hands(dir, &lane)
	}
	r.want(t, session.C2S)
	r.give(Data{session.C2S, []byte(r.up.frame(0x80, "age/>"))})
	r.want(t, session.C2S, "<message/>", "<iq xmlns='jabber:client' type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>")
	r.give(Data{session.S2C, []byte(r.down.says("<iq xmlns='jabber:client' type='result' id='p1'/>", one))})
	r.want(t, session.S2C, one)
	if len(r.answers) != 1 || len(r.bent) != 1 || r.Free() { // the answer was compressed
		t.Errorf("%d answers, said %q, free %v", len(r.answers), r.bent, r.Free())
	}
}

// TestCountsInWebSocket: stream management is kept right in WebSocket too.
func TestCountsInWebSocket(t *testing.T) {
	for way, extension := range packings {
		t.Run(way, func(t *testing.T) {
			r := newWebRelay(t, extension, byName{"presence": {Drop: true}})
			message, enabled := "<message xmlns='jabber:client'/>", "<enabled"+sm+"/>"
			r.give(Data{session.C2S, []byte(r.up.says("<enable" + sm + "/>"))})
			r.give(Data{session.S2C, []byte(r.down.says(enabled))})
			r.give(Data{session.C2S, []byte(r.up.says(message, "<presence xmlns='jabber:client'/>", message))})
			r.give(Data{session.S2C, []byte(r.down.says("<a"+sm+" h='2'/>", one))})
			r.want(t, session.S2C, enabled, "<a"+sm+" h='3'/>", one)
		})
	}
}

// TestNoWebSocketAfterAll: while the client awaits the answer nothing is lost, and where there
// is no WebSocket it is said that nothing can be done.
func TestNoWebSocketAfterAll(t *testing.T) {
	r := newClearRelay([]Gate{byName{}})
	r.phase = relaying
	r.give(Data{session.C2S, []byte(wsAsk)})
	r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<message/>")}})
	if r.Free() || len(r.bent) > 0 || len(r.queue[session.C2S]) != 1 {
		t.Fatalf("while the answer is awaited: free %v, said %q", r.Free(), r.bent)
	}
	r.give(Data{session.S2C, []byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")})
	if !r.Free() || len(r.bent) != 1 || !strings.Contains(r.bent[0], "inside of HTTP, and is neither WebSocket nor BOSH") || len(r.queue[session.C2S]) != 0 {
		t.Errorf("behind it: free %v, said %q", r.Free(), r.bent)
	}
}

// TestClientOfWebSocketSpeaksAhead: what comes before the server has agreed passes, and what
// comes behind the agreement in the same read is decided about.
func TestClientOfWebSocketSpeaksAhead(t *testing.T) {
	r := &webRelay{gatedRelay: newClearRelay([]Gate{byName{"two": {Drop: true}}}), up: newFraming(session.C2S, ""), down: newFraming(session.S2C, "")}
	r.phase = relaying
	r.give(Data{session.C2S, []byte(wsAsk + r.up.says(wsOpen, two) + r.up.frame(0x01, "<two")[:4])})
	r.give(Data{session.S2C, []byte(agreed("") + r.down.says(wsOpen, two, one))})
	r.give(Data{session.C2S, []byte(r.up.frame(0x01, "<two")[4:] + r.up.frame(0x80, "/>") + r.up.says(two, six))})
	r.want(t, session.C2S, two, "<two/>", six)
	r.want(t, session.S2C, one)
}

// TestNothingBehindCloseOfWebSocket: behind a side's close frame nothing of ours is said there
// (RFC 6455 §5.5.1).
func TestNothingBehindCloseOfWebSocket(t *testing.T) {
	for _, late := range []bool{false, true} {
		r := newWebRelay(t, "", &switchable{gate: byName{}})
		bye := r.up.frame(0x88, "\x03\xe8")
		if late { // it has passed before anybody looked
			for _, dir := range both {
				r.give(Left{dir})
			}
			r.free(session.C2S, bye)
		} else {
			r.give(Data{session.C2S, []byte(bye)})
		}
		r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<message/>")}})
		if late {
			r.rest(session.C2S)
			lane := r.marks[session.C2S]
			r.hands(session.C2S, &lane)
		}
		r.want(t, session.C2S, "close")
	}
}

// TestLoginBeforeTLSInWebSocket: where TLS is required of clients, a login over WebSocket in the
// clear is refused as one in a stream is, in WebSocket's own words.
func TestLoginBeforeTLSInWebSocket(t *testing.T) {
	r := newWebRelay(t, "")
	r.gate = []Gate{&requireGate{r: r.Relay}}
	r.give(Data{session.C2S, []byte(r.up.says("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>"))})
	r.want(t, session.C2S)
	got := r.got(session.S2C)
	if len(got) != 3 || !strings.HasPrefix(got[1], "<stream:error xmlns:stream='http://etherx.jabber.org/streams'><policy-violation") || got[2] != wsClose || !slices.Equal(r.order, []string{"close"}) {
		t.Errorf("the client gets %q, and it ends by %q", got, r.order)
	}
}

// FuzzMessages: whatever two sides say in WebSocket, what gates let pass goes on byte for byte;
// and when some is taken out, changed or held, the rest is read as it was said.
func FuzzMessages(f *testing.F) {
	up := &framing{dir: session.C2S, deflate: true, takeover: true}
	up.says(wsOpen)
	f.Add([]byte(up.says(one, two)+up.frame(0x89, "x")+up.frame(0x81, one)+up.says(two, six)), uint8(7), uint8(1), true)
	f.Add([]byte(up.frame(0x01, "<two")+up.frame(0x89, "")+up.frame(0x80, "/>")+up.frame(0x81, one+two)+up.frame(0x83, "")), uint8(3), uint8(2), false)
	f.Add([]byte("\xc1\x85\x00\x00\x00\x00\x00\x00\xff\xff\x00\x81\x80\x00\x00\x00\x00"), uint8(1), uint8(3), true)
	f.Fuzz(func(t *testing.T, text []byte, size, what uint8, deflate bool) {
		if len(text) > 32<<10 {
			return
		}
		extension := ""
		if deflate {
			extension = "permessage-deflate"
		}
		give := func(r *webRelay) {
			for rest := text; len(rest) > 0; {
				n := min(int(size)+1, len(rest))
				r.give(Data{session.C2S, rest[:n]})
				for len(r.held) > 0 {
					h := r.held[0]
					r.held = r.held[1:]
					r.give(Decided{h.Dir, h.Wait, Decision{}})
				}
				rest = rest[n:]
			}
			r.give(Ended{Dir: session.C2S})
		}
		plain := newWebRelay(t, extension, &gateFunc{consider: func(*decode.Piece) Decision { return Decision{} }})
		give(plain)
		if got := plain.out[session.C2S].Bytes(); !bytes.HasSuffix(got, text) {
			t.Fatalf("what passes is changed: %q", got)
		}
		did := []Decision{{Drop: true}, {XML: []byte("<edited/>")}, {Hold: "here"}, {Copies: 2}, {Delay: time.Second}, {XML: []byte("<")}}[what%6]
		bent := newWebRelay(t, extension, byName{"two": did})
		before := bent.said[session.C2S].Len()
		give(bent)
		cut := slices.Contains(bent.order, "close")
		for _, d := range bent.delay {
			bent.give(Decided{d.Dir, d.Wait, d.After})
		}
		if said := bent.said[session.C2S].Bytes()[before:]; did.Delay == 0 && (!bytes.HasPrefix(text, said) || len(said) < len(text) && !cut) {
			t.Fatalf("what was said is not kept: %q", said)
		}
		if !did.Drop || cut {
			return
		}
		// Who sees all but those sees the same.
		isTwo := func(s string) bool { return strings.HasPrefix(s, "<two") }
		all := strings.Join(slices.DeleteFunc(plain.got(session.C2S), isTwo), "\n")
		if rest := strings.Join(slices.DeleteFunc(bent.got(session.C2S), isTwo), "\n"); rest != all && !strings.Contains(all, "unreadable") && !strings.Contains(all, "RFC") {
			t.Fatalf("without what was taken out it is\n%s\nand was\n%s", rest, fmt.Sprint(all))
		}
	})
}

// TestMessageWithASpace: what is told of a message is about its element, whatever white space
// comes with it.
func TestMessageWithASpace(t *testing.T) {
	var about []uint64
	by := decode.NewCutter(func(e session.Seen) {
		switch b := e.Body.(type) {
		case session.StreamElement:
			about = append(about, e.Seq)
		case session.RelayEdited:
			about = append(about, b.Of)
		}
	})
	r := newClearRelay([]Gate{byName{"two": {Drop: true}}})
	r.phase = relaying
	up := newFraming(session.C2S, "")
	for _, in := range []Data{{session.C2S, []byte(wsAsk)}, {session.S2C, []byte(agreed(""))}, {session.C2S, []byte(up.says(wsOpen, two+" \n"))}} {
		for _, a := range r.Handle(in) {
			switch a := a.(type) {
			case Forward:
				by.Take(session.Seen{Dir: a.Dir, Body: session.StreamBytes{}, Raw: a.Bytes})
			case Keep:
				by.Take(session.Seen{Dir: a.Dir, Body: session.StreamBytes{}, Raw: a.Bytes})
			case Record:
				by.Take(a.Event)
			}
		}
	}
	if len(about) != 2 || about[0] != about[1] {
		t.Errorf("the element is #%d, and it is told about #%d", about[0], about[len(about)-1])
	}
}
