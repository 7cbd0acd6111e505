package proxy

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	zlibAsk   = "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"
	zlibAgree = "<compressed xmlns='http://jabber.org/protocol/compress'/>"
)

// zlibSide is what one side of a compressed stream says, with a flush behind each portion.
type zlibSide struct {
	out bytes.Buffer
	w   *zlib.Writer
}

func (z *zlibSide) says(text string) []byte {
	if z.w == nil {
		z.w = zlib.NewWriter(&z.out)
	}
	z.out.Reset()
	z.w.Write([]byte(text))
	z.w.Flush()
	return bytes.Clone(z.out.Bytes())
}

// newZlibRelay is a relay whose stream is compressed from here on.
func newZlibRelay(t *testing.T, gates ...Gate) (r *gatedRelay, up, down *zlibSide) {
	r = newClearRelay(gates)
	t.Cleanup(r.stop)
	r.phase = relaying
	for _, dir := range both {
		r.give(Data{dir, []byte(gateHeader)})
	}
	r.give(Data{session.C2S, []byte(zlibAsk)})
	up, down = new(zlibSide), new(zlibSide)
	r.give(Data{session.S2C, append([]byte(zlibAgree), down.says("")...)})
	r.give(Data{session.C2S, up.says(gateHeader)})
	r.give(Data{session.S2C, down.says(gateHeader)})
	return r, up, down
}

// stop ends a relay, and who explains it.
func (r *gatedRelay) stop() {
	r.give(Stopped{})
	for _, dir := range both {
		r.by.Finish(dir)
	}
}

// unfolded is what who gets a direction reads behind the beginning of compression.
func unfolded(t *testing.T, r *gatedRelay, dir session.Dir) string {
	t.Helper()
	out := r.out[dir].String()
	at := strings.Index(out, zlibAsk) + len(zlibAsk)
	if dir == session.S2C {
		at = strings.Index(out, zlibAgree) + len(zlibAgree)
	}
	z := decode.NewInflater()
	defer z.Stop()
	var got bytes.Buffer
	z.Give([]byte(out[at:]))
	for {
		plain, err := z.Take()
		if err != nil {
			t.Fatalf("%s cannot be read: %v", dir, err)
		}
		if len(plain) == 0 {
			return got.String()
		}
		got.Write(plain)
	}
}

// TestZlib: a compressed stream that somebody looks at is held, changed and spoken into,
// however its bytes are cut; what was said is kept as it came.
func TestZlib(t *testing.T) {
	text := "<a/> <b>again and again and again</b><late/><c>again and again and again</c><twice/><held/>\n<d/>"
	for size := 1; size < 200; size += 3 {
		r, up, _ := newZlibRelay(t, byName{"b": {Drop: true}, "c": {XML: []byte("<edited/>")}, "twice": {Copies: 1}, "held": {Hold: "here"}, "late": {Delay: time.Second}})
		said := append(up.says(text), up.says("<e/></stream:stream>")...)
		before := r.said[session.C2S].Len()
		for rest := said; len(rest) > 0 || len(r.delay)+len(r.held) > 0; {
			if len(r.delay) > 0 {
				d := r.delay[0]
				r.delay = nil
				r.give(Decided{d.Dir, d.Wait, d.After})
				continue
			}
			if len(r.held) > 0 {
				h := r.held[0]
				r.held = nil
				r.give(Injected{Sending{Dir: session.C2S, XML: []byte("<injected/>")}})
				r.give(Decided{h.Dir, h.Wait, Decision{}})
				continue
			}
			n := min(size, len(rest))
			r.give(Data{session.C2S, rest[:n]})
			rest = rest[n:]
		}
		if got, want := unfolded(t, r, session.C2S), gateHeader+"<a/> <late/><edited/><twice/><twice/><injected/><held/>\n<d/><e/></stream:stream>"; got != want {
			t.Fatalf("in pieces of %d the server gets\n%s\nand not\n%s", size, got, want)
		}
		if got := r.said[session.C2S].Bytes()[before:]; !bytes.Equal(got, said) {
			t.Fatalf("in pieces of %d, not kept as it came", size)
		}
		if r.Free() {
			t.Fatal("it is free")
		}
	}
}

// TestZlibUnlooked: where nobody wants to look when compression begins all passes as it comes;
// so it does where what agrees on it was kept from the client.
func TestZlibUnlooked(t *testing.T) {
	r, up, _ := newZlibRelay(t)
	r.give(Data{session.C2S, up.says("<a/>")})
	if out := r.out[session.C2S].String(); !r.Free() || out != r.said[session.C2S].String() || len(r.bent) > 0 {
		t.Errorf("free %v, said %q, it is changed: %v", r.Free(), r.bent, out != r.said[session.C2S].String())
	}
	for name, d := range map[string]Decision{"dropped": {Drop: true}, "held and dropped": {Hold: "here"}} {
		r, down := newClearRelay([]Gate{byName{"compressed": d}}), new(zlibSide)
		t.Cleanup(r.stop)
		r.phase = relaying
		r.give(Data{session.S2C, []byte(gateHeader)})
		r.give(Data{session.S2C, append([]byte(zlibAgree), down.says("<a/>")...)})
		if len(r.held) > 0 {
			r.give(Decided{session.S2C, r.held[0].Wait, Decision{Drop: true}})
		}
		r.give(Data{session.S2C, down.says("<b/>")})
		if out, said := r.out[session.S2C].String(), r.said[session.S2C].String(); out != strings.Replace(said, zlibAgree, "", 1) || len(r.bent) != 1 {
			t.Errorf("%s: the client gets %q, said %q", name, out, r.bent)
		}
	}
	r, _, _ = newZlibRelay(t, byName{"a": {Drop: true}})
	r.give(Data{session.C2S, []byte("\x00no zlib at all")})
	if !slices.Contains(r.order, "close") || !strings.Contains(r.bent[len(r.bent)-1], "cannot be taken off any more") {
		t.Errorf("what cannot be read: ended by %q, said %q", r.order, r.bent)
	}
}

// TestZlibLarge: what is too large to be held back passes, unfolded, and what is behind it is
// decided about.
func TestZlibLarge(t *testing.T) {
	r, up, _ := newZlibRelay(t, byName{"b": {Drop: true}, "large": {Drop: true}})
	large := "<large>" + strings.Repeat("xyz ", maxGated/2) + "</large>"
	for rest := up.says("<a/>" + large + "<b/><c/>"); len(rest) > 0; {
		n := min(100, len(rest))
		r.give(Data{session.C2S, rest[:n]})
		rest = rest[n:]
	}
	if got := unfolded(t, r, session.C2S); got != gateHeader+"<a/>"+large+"<c/>" {
		t.Errorf("%d bytes, and they differ", len(got))
	}
}

// TestControlOfACompressedStream: on the wire; and it is told which element was changed, where
// several come in a block.
func TestControlOfACompressedStream(t *testing.T) {
	b := newUnstarted(t)
	c := NewControl()
	b.options.Control = c
	c.Use(func(int, *Look) Gate {
		return byName{"b": {Drop: true, Reason: "gone"}, "d": {XML: []byte("<edited/>"), Reason: "changed"}}
	})
	b.start(t)
	client, server := b.begins(t, clientHdr)
	mustWrite(t, server, serverHdr)
	mustRead(t, client, serverHdr)
	mustWrite(t, client, zlibAsk)
	mustRead(t, server, zlibAsk)
	mustWrite(t, server, zlibAgree)
	mustRead(t, client, zlibAgree)
	up, down := new(zlibSide), new(zlibSide)
	mustWrite(t, client, string(up.says(clientHdr+"<a/><b/><c/><d/><e/>")))
	at, err := zlib.NewReader(server)
	if err != nil {
		t.Fatal(err)
	}
	want := clientHdr + "<a/><c/><edited/><e/>"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(at, got); err != nil || string(got) != want {
		t.Fatalf("the server gets %s, %v", got, err)
	}
	mustWrite(t, server, string(down.says(serverHdr)))
	there, err := zlib.NewReader(client)
	if err != nil {
		t.Fatal(err)
	}
	got = make([]byte, len(serverHdr))
	if _, err := io.ReadFull(there, got); err != nil || string(got) != serverHdr {
		t.Fatalf("the client gets %s, %v", got, err)
	}
	client.Close()
	server.Close()
	allOver(c)
	names, said := map[uint64]string{}, ""
	for _, e := range b.events() {
		switch body := e.Body.(type) {
		case session.StreamElement:
			names[e.Seq] = e.Name
		case session.RelayEdited:
			said += fmt.Sprintf("%s %s; ", names[body.Of], body.Reason)
			if e.Offset != 0 {
				t.Errorf("it stands at %d of the direction", e.Offset)
			}
		}
	}
	if said != "b gone; d changed; " {
		t.Errorf("told: %s", said)
	}
}

// TestCompressedBeforeAnybodyLooked: of a stream that was compressed before, it is said where
// somebody sets a breakpoint, looks at what is held, or wants something said.
func TestCompressedBeforeAnybodyLooked(t *testing.T) {
	b := newUnstarted(t)
	c := NewControl()
	b.options.Control = c
	b.start(t)
	client, server := b.begins(t, clientHdr)
	mustWrite(t, server, serverHdr)
	mustRead(t, client, serverHdr)
	if none := c.Unheld(); len(none) > 0 {
		t.Errorf("before: %v", none)
	}
	mustWrite(t, client, zlibAsk)
	mustRead(t, server, zlibAsk)
	mustWrite(t, server, zlibAgree)
	mustRead(t, client, zlibAgree)
	packed := string(new(zlibSide).says(clientHdr + "<a/>"))
	mustWrite(t, client, packed)
	mustRead(t, server, packed)
	if _, err := c.Break("true", false); err != nil {
		t.Fatal(err)
	}
	if none := c.Unheld(); len(none) != 1 || none[0].Session != 1 || !strings.Contains(none[0].Why, "the stream is compressed (XEP-0138), and was before anybody looked") {
		t.Errorf("what cannot be held: %v", none)
	}
	if err := c.Inject(1, Sending{Dir: session.S2C, XML: []byte("<a/>")}); err == nil || !strings.Contains(err.Error(), "nothing can be said in it: the stream is compressed") {
		t.Errorf("something can be said: %v", err)
	}
	mustWrite(t, client, packed)
	mustRead(t, server, packed)
	client.Close()
	server.Close()
	allOver(c)
}

// FuzzZlib: whatever comes on a compressed stream and whatever is decided, what was said is kept
// as it came; and who gets what only passes reads what was said.
func FuzzZlib(f *testing.F) {
	f.Add([]byte("<a/><b>x</b> <c/>"), []byte("<d/>"), uint8(5), uint8(0), false)
	f.Add([]byte("<a/><b>x</b> <c/>"), []byte("\x00\x01\x02"), uint8(1), uint8(3), true)
	f.Add([]byte("</stream:stream>"), bytes.Repeat([]byte{0}, 100), uint8(200), uint8(4), false)
	f.Fuzz(func(t *testing.T, plain, raw []byte, size, what uint8, early bool) {
		did := []Decision{{}, {Hold: "here"}, {Delay: time.Second}, {Drop: true}, {XML: []byte("<x/>")}, {Copies: 2}, {Sends: []Sending{{Dir: session.S2C, XML: []byte("<iq/>")}}}}[what%7]
		begun := false
		r, up, _ := newZlibRelay(t, &gateFunc{consider: func(p *decode.Piece) Decision {
			if p.Kind == decode.Element && begun {
				return did
			}
			return Decision{}
		}})
		begun = true
		before := r.said[session.C2S].Len()
		given := append(up.says(string(plain)), raw...)
		at := 0
		for at < len(given) && r.phase != closing {
			if !r.Wants(session.C2S) || early {
				r.goOn()
			}
			if r.phase == closing {
				break
			}
			n := min(int(size)+1, len(given)-at)
			r.give(Data{session.C2S, given[at : at+n]})
			at += n
		}
		r.goOn()
		if got := r.said[session.C2S].Bytes()[before:]; !bytes.Equal(got, given[:at]) {
			t.Fatalf("kept %q, and %q came", got, given[:at])
		}
		if what%7 < 3 && len(raw) == 0 && r.phase != closing {
			if got, want := unfolded(t, r, session.C2S), gateHeader+string(plain); !strings.HasPrefix(want, got) {
				t.Fatalf("the server gets %q and not %q", got, want)
			}
		}
	})
}
