package proxy

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// controlled is a session over TLS that is logged in and free, under a Control.
func controlled(t *testing.T) (b *bench, client, server net.Conn) {
	return controlledBy(t, NewControl())
}

func controlledBy(t *testing.T, c *Control) (b *bench, client, server net.Conn) {
	b = newUnstarted(t)
	b.options.Control = c
	b.start(t)
	client, server = startTLSBoth(t, b)
	mustWrite(t, client, clientHdr)
	mustRead(t, server, clientHdr)
	mustWrite(t, server, serverHdr+"<success xmlns='urn:xmpp:sasl:2'/><message/>")
	mustRead(t, client, serverHdr+"<success xmlns='urn:xmpp:sasl:2'/><message/>")
	mustWrite(t, client, "<presence/>")
	mustRead(t, server, "<presence/>")
	return b, client, server
}

// oneHeld waits until something is held.
func oneHeld(t *testing.T, c *Control) Held {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		changed := c.Changed()
		if held := c.Held(); len(held) > 0 {
			return held[0]
		}
		select {
		case <-changed:
		case <-late:
			t.Fatal("nothing is held")
		}
	}
}

// allOver waits until all sessions have ended.
func allOver(c *Control) {
	for changed := c.Changed(); len(c.Sessions()) > 0; changed = c.Changed() {
		<-changed
	}
}

// TestControlOfARunningSession: a session that has been free is held, edited and spoken
// into, and is free again.
func TestControlOfARunningSession(t *testing.T) {
	b, client, server := controlled(t)
	c := b.options.Control
	bp, err := c.Break(`name == "message" && dir == "s2c"`, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, server, "<presence/><message id='1'/><message id='2'/>")
	mustRead(t, client, "<presence/>")
	h := oneHeld(t, c)
	if string(h.XML) != "<message id='1'/>" || h.Session != 1 || h.Name != "message" || !strings.Contains(h.Reason, "breakpoint") {
		t.Errorf("held: %+v", h)
	}
	mustWrite(t, client, "<iq/>") // the other direction goes on
	mustRead(t, server, "<iq/>")
	if err := c.Decide(h.ID, Decision{XML: []byte("<message id='one'/>")}); err != nil {
		t.Fatal(err)
	}
	mustRead(t, client, "<message id='one'/>")
	h = oneHeld(t, c)
	c.Unbreak(bp.ID)
	if err := c.Decide(h.ID, Decision{}); err != nil {
		t.Fatal(err)
	}
	mustRead(t, client, "<message id='2'/>")
	if err := c.Decide(h.ID, Decision{}); err == nil {
		t.Error("it was decided twice")
	}

	reply := make(chan []byte, 1)
	const ping = "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"
	if err := c.Inject(0, Sending{Dir: session.C2S, XML: []byte(ping), Answer: true, Reply: reply}); err != nil {
		t.Fatal(err)
	}
	mustRead(t, server, ping)
	mustWrite(t, server, "<iq type='result' id='p'/><message id='3'/>")
	if got := string(<-reply); got != "<iq type='result' id='p'/>" {
		t.Errorf("answer: %s", got)
	}
	mustRead(t, client, "<message id='3'/>")
	if err := c.Bend(1, Bend{What: DropLeg, Dir: session.C2S, Reason: "the client's leg is closed"}); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, 1)); err == nil {
		t.Errorf("the client reads %d bytes", n)
	}
	mustWrite(t, server, "<message id='4'/>") // it is read, and nobody gets it
	server.Close()
	allOver(c)
	kinds := map[string]int{}
	plain := ""
	for _, e := range b.events() {
		kinds[e.Kind()]++
		if e.Dir == session.S2C && session.IsPlaintext(e.Body) {
			plain += string(e.Raw)
		}
	}
	if kinds["relay:edited"] != 2 || kinds["relay:sent"] != 1 || kinds["relay:bent"] != 2 || kinds["tcp:closed"] != 2 {
		t.Errorf("events: %v", kinds)
	}
	if !strings.Contains(plain, "<message id='1'/><message id='2'/><iq type='result' id='p'/><message id='3'/><message id='4'/>") {
		t.Errorf("kept: %s", plain)
	}
}

// TestAnswersAreBounded: what gates say to a side that does not read is bounded over many
// reads, as no more is read that would be answered; and all of it arrives once that side reads.
func TestAnswersAreBounded(t *testing.T) {
	const messages, size, most = 100, 256 << 10, 128 << 10 // of a read
	c, peak := NewControl(), 0
	answer := []byte("<message><body>" + strings.Repeat("x", size) + "</body></message>")
	c.Use(func(int, *Look) Gate {
		return &gateFunc{consider: func(piece *decode.Piece) Decision {
			if piece.Dir != session.C2S || string(piece.Local()) != "message" {
				return Decision{}
			}
			c.mu.Lock()
			peak = max(peak, c.pumps[1].unwritten(session.S2C)) // the session's lock is held
			c.mu.Unlock()
			return Decision{Drop: true, Reason: "answered here", Sends: []Sending{{Dir: session.S2C, XML: answer}}}
		}}
	})
	_, client, _ := controlledBy(t, c)
	p := c.pumps[1]
	p.mu.Lock()
	for p.writing[session.S2C] { // the last of what came before
		p.change.Wait()
	}
	p.writing[session.S2C] = true // somebody does, who waits for the client
	p.mu.Unlock()
	written := make(chan error, 1)
	go func() {
		_, err := client.Write([]byte(strings.Repeat("<message>"+strings.Repeat(" ", most/4)+"</message>", messages)))
		written <- err
	}()
	p.mu.Lock()
	for p.unwritten(session.S2C) <= maxUnwritten {
		p.change.Wait()
	}
	p.writing[session.S2C] = false
	p.mu.Unlock()
	go p.flush(session.S2C, false)
	if _, err := io.CopyN(io.Discard, client, int64(messages*len(answer))); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if peak > maxUnwritten {
		t.Errorf("more was read while %d bytes waited to be written", peak)
	}
}

// TestSendable: what would be looked at for long while the session waits is refused before.
func TestSendable(t *testing.T) {
	for xml, ok := range map[string]bool{
		strings.Repeat("<a/>", maxPieces): true, strings.Repeat("<a/>", maxPieces+1): false,
		strings.Repeat(" ", MaxSending): false, strings.Repeat("<", MaxSending): false,
		"<a>" + strings.Repeat(" ", MaxSending-7) + "</a>": true, strings.Repeat("x", MaxSending+1): false, "": true,
	} {
		if err := sendable([]byte(xml), 0); (err == nil) != ok {
			t.Errorf("%.20s… of %d bytes: %v", xml, len(xml), err)
		}
	}
}

// TestHeldWhileBothEnd: what is held when both sides have gone waits for its decision, and
// then all ends.
func TestHeldWhileBothEnd(t *testing.T) {
	b, client, server := controlled(t)
	c := b.options.Control
	if _, err := c.Break("", true); err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, client, "<message/>")
	h := oneHeld(t, c)
	server.Close()
	client.Close()
	if err := c.Decide(h.ID, Decision{Drop: true}); err != nil {
		t.Fatal(err)
	}
	allOver(c)
	for _, e := range b.events() {
		if e.Dir == session.C2S && string(e.Raw) == "<message/>" {
			return
		}
	}
	t.Error("what was held is not kept")
}

// TestPaced: bytes that are written one at a time arrive all the same.
func TestPaced(t *testing.T) {
	b, client, server := controlled(t)
	if err := b.options.Control.Bend(1, Bend{What: Pace, Dir: session.S2C, Chunk: 1, Reason: "bytes one at a time"}); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, server, strings.Repeat("<message/>", 20))
	mustRead(t, client, strings.Repeat("<message/>", 20))
}

// TestControlRefuses: what cannot be done is said, and nothing is.
func TestControlRefuses(t *testing.T) {
	c := NewControl()
	for name, err := range map[string]error{
		"no session":    c.Inject(0, Sending{Dir: session.C2S, XML: []byte("<a/>")}),
		"unknown":       c.Inject(7, Sending{Dir: session.C2S, XML: []byte("<a/>")}),
		"nothing":       c.Inject(1, Sending{Dir: session.C2S}),
		"no direction":  c.Inject(1, Sending{XML: []byte("<a/>")}),
		"too much":      c.Inject(1, Sending{Dir: session.C2S, XML: make([]byte, MaxSending+1)}),
		"not held":      c.Decide(1, Decision{}),
		"not under way": c.Bend(1, Bend{What: Cut}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, text := range []string{"nonsense", "before ", `before "x"`} {
		if _, err := c.Break(text, false); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	for range maxBreaks {
		if _, err := c.Break("", true); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Break("", true); err == nil || !c.Unbreak(0) || len(c.Breakpoints()) != 0 {
		t.Errorf("breakpoints have no bound: %v", err)
	}
}

// TestControlOfARunningWebSocket: the same in WebSocket with compression, whose messages refer
// to those that have passed before anybody looked.
func TestControlOfARunningWebSocket(t *testing.T) {
	b := newUnstarted(t)
	c := NewControl()
	b.options.Control = c
	b.start(t)
	client, server := b.begins(t, wsAsk)
	down, got := newFraming(session.S2C, packings["deflate"]), newFraming(session.S2C, "")
	say := func(texts ...string) (wire string) {
		wire = down.says(texts...)
		mustWrite(t, server, wire)
		return wire
	}
	mustWrite(t, server, agreed(packings["deflate"]))
	mustRead(t, client, agreed(packings["deflate"]))
	mustRead(t, client, say(wsOpen, one))
	if _, err := c.Break(`name == "two"`, false); err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustRead(t, client, say(one))
	say(two)
	h := oneHeld(t, c)
	if string(h.XML) != two {
		t.Errorf("held: %+v", h)
	}
	if err := c.Inject(1, Sending{Dir: session.S2C, XML: []byte("<first/>")}); err != nil { // it goes before what is held
		t.Fatal(err)
	}
	mustRead(t, client, got.says("<first xmlns='jabber:client'/>"))
	if err := c.Decide(h.ID, Decision{XML: []byte("<edited/>")}); err != nil {
		t.Fatal(err)
	}
	mustRead(t, client, got.says("<edited xmlns='jabber:client'/>"))
	c.Unbreak(0)
	say(six+"\n", two)
	mustRead(t, client, got.says(six+"\n", two))
	client.Close()
	server.Close()
	allOver(c)
	var said []string
	for _, e := range b.events() {
		switch e.Body.(type) {
		case session.RelayEdited, session.RelaySent, session.StreamElement:
			said = append(said, e.Kind()+" "+string(e.Raw))
		case session.RelayBent:
			said = append(said, e.Kind())
		}
	}
	want := []string{"stream:element " + one, "stream:element " + one, "relay:sent <first xmlns='jabber:client'/>", "stream:element " + two, "relay:edited <edited xmlns='jabber:client'/>", "relay:bent", "stream:element " + six, "stream:element " + two}
	if !slices.Equal(said, want) {
		t.Errorf("told: %q", said)
	}
}
