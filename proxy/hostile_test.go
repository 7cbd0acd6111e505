package proxy

import (
	"io"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// TestGatesMayNotSayAnyNumber: what a rule or a script wants said is looked at piece by piece
// while the session waits; of more than may be sent by hand nothing goes, which is told.
func TestGatesMayNotSayAnyNumber(t *testing.T) {
	many := []byte(strings.Repeat("<a/>", maxPieces+1))
	for name, c := range map[string]struct {
		did  Decision
		want string
	}{
		"in its place":      {Decision{XML: many, Reason: "another"}, "another; not done, and it passed as it was: more than 1000 elements"},
		"too large":         {Decision{XML: make([]byte, MaxSending+1)}, "not done, and it passed as it was: 1048577 bytes are too many"},
		"to the other side": {Decision{Sends: []Sending{{Dir: session.S2C, XML: many}}, Bent: true}, "this was not sent: more than 1000 elements"},
		"copies":            {Decision{Copies: 1 << 40, XML: many, Bent: true, Reason: "again"}, "not done, and it passed as it was"},
	} {
		r := newGatedRelay(byName{"x": c.did})
		for _, dir := range both {
			r.give(Data{dir, []byte(gateHeader)})
		}
		r.give(Data{session.C2S, []byte("<x xmlns='x'/>")})
		if got := r.out[session.C2S].String(); !strings.HasPrefix(got, gateHeader+"<x xmlns='x'/>") || strings.Contains(got, "<a/>") {
			t.Errorf("%s: %.200s went on", name, got[len(gateHeader):])
		}
		if n := r.out[session.C2S].Len() - len(gateHeader); n > (maxCopies+1)*len("<x xmlns='x'/>") {
			t.Errorf("%s: %d bytes went on", name, n)
		}
		if r.out[session.S2C].Len() != len(gateHeader) {
			t.Errorf("%s: something was said", name)
		}
		if told := strings.Join(append(r.notes, r.bent...), "\n"); !strings.Contains(told, c.want) {
			t.Errorf("%s: told %q, want %q", name, told, c.want)
		}
	}
}

// TestManyThatGrow: of thousands of elements in one read not all may become large.
func TestManyThatGrow(t *testing.T) {
	const many = 1000
	large := "<y xmlns='x'>" + strings.Repeat("z", MaxSending/2) + "</y>"
	r := newGatedRelay(byName{"x": {XML: []byte(large), Reason: "grown"}})
	r.give(Data{session.C2S, []byte(gateHeader)})
	r.give(Data{session.C2S, []byte(strings.Repeat("<x xmlns='x'/>", many))})
	out := r.out[session.C2S].String()
	if n := len(out); n > maxOwn+many*20 || n < maxOwn/2 {
		t.Errorf("%d bytes went on", n)
	}
	if n := strings.Count(out, "<x ") + strings.Count(out, "<y "); n != many {
		t.Errorf("%d elements went on, and %d came", n, many)
	}
	if told := strings.Join(r.notes, "\n"); !strings.Contains(told, "grown; not done, and it passed as it was: it is too much at once") {
		t.Error("it is not told")
	}
}

// TestUnsaidIsBounded: what waits to be said in all sessions of a run is bounded, whatever each
// wants to say, and makes room again however the session ends.
func TestUnsaidIsBounded(t *testing.T) {
	all := new(room)
	say := Sending{Dir: session.S2C, XML: []byte("<a>" + strings.Repeat(" ", MaxSending/2) + "</a>")} // it waits for a header
	var sessions []*gatedRelay
	for range 2 * maxUnsaid / (maxQueue * len(say.XML)) {
		r := newGatedRelay(byName{"x": {Sends: []Sending{say, say}}})
		r.room = all
		r.give(Data{session.C2S, []byte(gateHeader)})
		for range maxQueue {
			r.give(Data{session.C2S, []byte("<x xmlns='x'/>")})
		}
		sessions = append(sessions, r)
	}
	if n := all.unsaid.Load(); n > maxUnsaid || n < maxUnsaid-int64(len(say.XML)) {
		t.Errorf("%d bytes wait to be said, and %d may", n, maxUnsaid)
	}
	last := sessions[len(sessions)-1]
	if told := strings.Join(last.bent, "\n"); !strings.Contains(told, "too much waits to be written in all sessions") {
		t.Errorf("told: %.300q", told)
	}
	for i, r := range sessions {
		if i > 0 {
			r.give(Stopped{})
			continue
		}
		r.give(Data{session.S2C, []byte(gateHeader)})
	}
	if n := all.unsaid.Load(); n != 0 {
		t.Errorf("%d bytes are still counted when all have ended, or have said it", n)
	}
}

// TestUnwrittenIsCounted: what a side does not take counts as well, until its session ends.
func TestUnwrittenIsCounted(t *testing.T) {
	c := NewControl()
	_, client, server := controlledBy(t, c)
	if err := c.Inject(1, Sending{Dir: session.S2C, XML: []byte("<message><body>" + strings.Repeat("x", MaxSending/2) + "</body></message>")}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, client, MaxSending/2); err != nil {
		t.Fatal(err)
	}
	c.room.waits(maxUnsaid)
	if err := c.Inject(1, Sending{Dir: session.S2C, XML: []byte("<message/>")}); err == nil || !strings.Contains(err.Error(), "too much waits to be sent in all sessions") {
		t.Errorf("%v", err)
	}
	client.Close()
	server.Close()
	allOver(c)
	if n := c.room.unsaid.Load(); n != maxUnsaid {
		t.Errorf("%d bytes are still counted", n-maxUnsaid)
	}
}

// TestStallsAreBounded: a stall takes the place of the one before; a day's worth of each element
// of a flood is not kept.
func TestStallsAreBounded(t *testing.T) {
	c := NewControl()
	_, client, server := controlledBy(t, c)
	p := c.pumps[1]
	const stalls = 1000
	for range stalls {
		if err := c.Bend(1, Bend{What: Stall, Dir: session.S2C, For: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	p.mu.Lock()
	for p.relay.stalls < stalls {
		p.change.Wait()
	}
	for p.tasks.Load() > 10 { // those that were posted; it is their end that is waited for
		p.change.Wait()
	}
	p.mu.Unlock()
	if err := c.Bend(1, Bend{What: Stall, Dir: session.S2C, For: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, server, "<after/>")
	mustRead(t, client, "<after/>")
}

// TestAnswersThatAreAnswered: a rule that says more for each thing that comes back than came
// has its session grow no further than may wait, and leaves the other direction alone.
func TestAnswersThatAreAnswered(t *testing.T) {
	const rounds, echoes = 200, 40
	c, asked := NewControl(), 0
	over := make(chan struct{})
	most := 0
	c.Use(func(int, *Look) Gate {
		return &gateFunc{consider: func(piece *decode.Piece) Decision {
			if piece.Dir != session.S2C || string(piece.Local()) != "echo" {
				return Decision{}
			}
			if asked++; asked == rounds {
				close(over)
			}
			p := c.pumps[1]
			most = max(most, p.unwritten(session.C2S), len(p.relay.queue[session.C2S]))
			return Decision{Drop: true, Reason: "answered", Sends: []Sending{{Dir: session.C2S, XML: []byte(strings.Repeat("<echo>"+strings.Repeat("y", 400)+"</echo>", echoes))}}}
		}}
	})
	_, client, server := controlledBy(t, c)
	go io.Copy(server, server) // whatever is said to it comes back
	mustWrite(t, client, "<echo/>")
	<-over
	client.Close()
	server.Close()
	allOver(c)
	if most > maxUnwritten+maxOwn {
		t.Errorf("%d bytes waited", most)
	}
}
