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
