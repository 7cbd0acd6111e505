package decode

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// joint plays events to Connections, and says in a word what it tells: "2+ tcp:closed" is of
// connection 2, and beside.
type joint struct {
	c    *Connections
	at   time.Time
	told []string
	t    *testing.T
	seq  uint64
}

func newJoint(t *testing.T) *joint {
	j := &joint{t: t, at: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	asks := session.Seen{Session: 1, Seq: 6, Dir: session.C2S, Body: session.StreamOpened{}, Raw: []byte("<body rid='10' xmlns='" + NSBOSH + "'/>")}
	j.c = NewConnections(&asks, func(e session.Seen) {
		word := fmt.Sprint(e.Conn)
		if e.Beside {
			word += "+"
		}
		if b, ok := BOSHBodyOf(&e); ok && b.RID != "" {
			word += " rid " + b.RID
		} else {
			word += " " + e.Kind()
		}
		if session.Numbered(e.Body) {
			if j.seq++; e.Seq != j.seq+6 {
				t.Errorf("%s has number %d, want %d", word, e.Seq, j.seq+6)
			}
		}
		j.told = append(j.told, word)
	})
	return j
}

func (j *joint) event(conn int32, dir session.Dir, b session.Body) *joint {
	j.at = j.at.Add(time.Millisecond)
	leg := session.ClientLeg
	if dir == session.S2C {
		leg = session.ServerLeg
	}
	j.c.Take(session.Seen{Session: 1, Conn: conn, At: j.at, Leg: leg, Dir: dir, Body: b})
	return j
}

// asks is a request: its head, its body, and an element.
func (j *joint) asks(conn int32, rid string) *joint {
	j.event(conn, session.C2S, session.HTTPRequest{}).event(conn, session.C2S, session.BOSHBody{SID: "s", RID: rid})
	return j.event(conn, session.C2S, session.StreamElement{})
}

func (j *joint) opens(conn int32) *joint { return j.event(conn, session.NoDir, session.TCPOpened{}) }

func (j *joint) closes(conn int32) *joint {
	return j.event(conn, session.C2S, session.TCPHalfClosed{}).event(conn, session.NoDir, session.TCPClosed{})
}

// tells checks what was told since it was asked last.
func (j *joint) tells(want string) {
	j.t.Helper()
	got := strings.Join(slices.DeleteFunc(j.told, func(s string) bool { return strings.HasSuffix(s, "http:request") }), ", ")
	if j.told = nil; got != want {
		j.t.Errorf("told\n%s\nand not\n%s", got, want)
	}
}

// TestConnectionsCome: connections come and go, and the session ends when a side has said so
// and the last of them is gone.
func TestConnectionsCome(t *testing.T) {
	j := newJoint(t)
	j.asks(0, "11").opens(2).event(2, session.NoDir, session.TLSEstablished{}).asks(2, "12")
	j.tells("0 rid 11, 0 stream:element, 2+ tcp:opened, 2+ tls:established, 2 rid 12, 2 stream:element")
	j.closes(0)
	j.tells("0+ tcp:half-closed, 0+ tcp:closed")
	j.event(2, session.C2S, session.HTTPRequest{}).event(2, session.C2S, session.BOSHBody{SID: "s", RID: "13", Type: "terminate"})
	j.event(2, session.C2S, session.StreamClosed{}).closes(2)
	j.tells("2 rid 13, 2 stream:closed, 2 tcp:half-closed, 2 tcp:closed")
	if !j.c.Over() {
		t.Error("it is not over")
	}
}

// TestConnectionsEnd: the end of the last connection is the session's if nothing follows.
func TestConnectionsEnd(t *testing.T) {
	j := newJoint(t)
	j.asks(0, "11").closes(0)
	j.tells("0 rid 11, 0 stream:element")
	if since, ok := j.c.Ending(); !ok || !since.Equal(j.at) {
		t.Errorf("it waits since %v, %v", since, ok)
	}
	j.opens(2).asks(2, "12").closes(2)
	j.tells("0+ tcp:half-closed, 0+ tcp:closed, 2+ tcp:opened, 2 rid 12, 2 stream:element")
	j.event(2, session.S2C, session.StreamElement{}).event(2, session.NoDir, session.TCPClosed{}) // it was half a goodbye
	j.tells("2+ tcp:half-closed, 2+ tcp:closed, 2 stream:element")
	j.c.Finish()
	j.tells("2 tcp:closed")
	if _, ok := j.c.Ending(); ok || j.c.Over() {
		t.Error("it still waits, or was ended by a side")
	}
}

// TestConnectionsAnswered: a request whose turn has come is told before the server's next word,
// which may answer it.
func TestConnectionsAnswered(t *testing.T) {
	j := newJoint(t)
	j.opens(2).asks(2, "12").asks(0, "11").event(0, session.S2C, session.HTTPResponse{})
	j.tells("2+ tcp:opened, 0 rid 11, 0 stream:element, 2 rid 12, 2 stream:element, 0 http:response")
}

// TestConnectionsOrder: requests are told in the order of their rids, whichever connection was
// faster; what is missing is waited for, and not for ever.
func TestConnectionsOrder(t *testing.T) {
	j := newJoint(t)
	j.asks(0, "11").opens(2).opens(3)
	j.tells("0 rid 11, 0 stream:element, 2+ tcp:opened, 3+ tcp:opened")
	j.asks(3, "14").asks(2, "13")
	j.tells("")
	j.asks(0, "12")
	j.c.Rest()
	j.tells("0 rid 12, 0 stream:element, 2 rid 13, 2 stream:element, 3 rid 14, 3 stream:element")

	j.asks(2, "16")
	j.event(2, session.S2C, session.HTTPResponse{}) // it is answered: there was none before it
	j.tells("2 rid 16, 2 stream:element, 2 http:response")
	j.asks(2, "18")
	j.at = j.at.Add(maxEarly)
	j.event(0, session.S2C, session.StreamElement{})
	j.tells("2 rid 18, 2 stream:element, 0 stream:element")
	j.asks(2, "40") // too far ahead to be early
	j.asks(2, "42").c.Finish()
	j.tells("2 rid 40, 2 stream:element, 2 rid 42, 2 stream:element")
}

// TestConnectionsWaitWithinBounds: what waits for a request that never comes is bounded in number
// and in bytes, within any time.
func TestConnectionsWaitWithinBounds(t *testing.T) {
	j := newJoint(t)
	for n := range int32(100) {
		j.asks(2+n, "13")
	}
	if told := strings.Count(strings.Join(j.told, ","), "rid 13"); len(j.c.early) > maxAhead || told < 100-maxAhead {
		t.Errorf("%d requests wait, and %d were told", len(j.c.early), told)
	}
	j.asks(1000, "20")
	j.told = nil
	for range 100 {
		j.c.Take(session.Seen{Dir: session.C2S, Conn: 1000, At: j.at, Body: session.StreamElement{}, Raw: make([]byte, 1<<20)})
	}
	if len(j.told) < 95 || j.c.size > maxEarlyBytes {
		t.Errorf("%d elements were told, and %d bytes wait", len(j.told), j.c.size)
	}
	j.c.Finish()
	if j.c.size != 0 || len(j.c.early) != 0 {
		t.Errorf("%d bytes of %d requests wait in the end", j.c.size, len(j.c.early))
	}
}

// FuzzConnections: whatever comes on connections, and in whatever order, all of it is told once,
// and numbered.
func FuzzConnections(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x12\x34\x56\x78"))
	bodies := []session.Body{session.TCPOpened{}, session.TCPClosed{}, session.TCPHalfClosed{}, session.HTTPRequest{}, session.HTTPResponse{},
		session.StreamElement{}, session.HTTPBody{}, session.RelayBent{}, session.BOSHBody{SID: "s", RID: "12"}, session.BOSHBody{SID: "s", RID: "13"},
		session.BOSHBody{SID: "s", RID: "14"}, session.BOSHBody{SID: "s", RID: "26"}, session.BOSHBody{SID: "s", RID: "18446744073709551615"},
		session.BOSHBody{SID: "s", Type: "terminate", RID: "15"}, session.BOSHBody{RID: "1"}, session.WireBytes{}}
	f.Fuzz(func(t *testing.T, script []byte) {
		var told []session.Seen
		first := session.Seen{Seq: 1, Dir: session.C2S, Body: session.StreamOpened{}, Raw: []byte("<body xmlns='http://jabber.org/protocol/httpbind' rid='10'/>")}
		c := NewConnections(&first, func(e session.Seen) { told = append(told, e) })
		at := time.Unix(1_800_000_000, 0)
		given := map[int64]bool{}
		for i, b := range script {
			e := session.Seen{Body: bodies[b&15], Conn: int32(b>>4&3) + int32(b>>4&3+1)/2, Dir: session.Dir(1 + b>>6&1), Leg: session.ClientLeg, At: at, Size: int64(i + 1)}
			at = at.Add(time.Duration(b>>7) * 300 * time.Millisecond)
			given[e.Size] = true
			c.Take(e)
			if b == 0xff {
				c.Rest()
			}
		}
		c.Finish()
		seq := uint64(1)
		for _, e := range told {
			if !given[e.Size] {
				t.Fatalf("event %d is told twice", e.Size)
			}
			delete(given, e.Size)
			if !session.Numbered(e.Body) {
				continue
			}
			if seq++; e.Seq != seq {
				t.Fatalf("event %d has number %d", seq, e.Seq)
			}
		}
		if len(given) > 0 {
			t.Fatalf("%d events are not told", len(given))
		}
	})
}
