package passive

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

// weave is the packets of several connections, in the order in which they were made.
type weave struct{ packets [][]byte }

func (w *weave) add(k *talk) {
	w.packets = append(w.packets, k.packets...)
	k.packets = nil
}

// asks sends a body of BOSH.
func (w *weave) asks(k *talk, body string) {
	k.say(c2s, fmt.Sprintf("POST /http-bind HTTP/1.1\r\nHost: example.net\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	w.add(k)
}

// answers answers with one.
func (w *weave) answers(k *talk, body string) {
	k.say(s2c, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	w.add(k)
}

const (
	boshNS    = "xmlns='http://jabber.org/protocol/httpbind'"
	boshAsks  = "<body " + boshNS + " rid='10' to='example.net' hold='1' wait='60' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
	boshMakes = "<body " + boshNS + " sid='s1' requests='2' inactivity='30' from='example.net' authid='a1' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'/>"
)

func boshBody(rid int, inside string) string {
	return fmt.Sprintf("<body %s rid='%d' sid='s1'>%s</body>", boshNS, rid, inside)
}

// wired says an event in a word: session, connection, what.
func wired(events []session.Event) (out []string) {
	for i := range events {
		e := &events[i]
		if e.Kind() == "http:request" || e.Kind() == "http:response" {
			continue
		}
		what := fmt.Sprintf("%d.%d %s", e.Session, e.Conn, e.Kind())
		if e.Beside {
			what = "beside " + what
		}
		if e.Dir != session.NoDir {
			what += " " + e.Dir.String()
		}
		if e.Name != "" {
			what += " " + e.Name
		}
		out = append(out, what)
	}
	return out
}

// TestBOSHConnections: a session of BOSH on several connections is one session, with its
// requests in order; a connection of another is one of its own.
func TestBOSHConnections(t *testing.T) {
	var w weave
	first, second, other := newTalk(40000, 5280, true), newTalk(40001, 5280, true), newTalk(40002, 5280, true)
	w.asks(first, boshAsks)
	w.answers(first, boshMakes)
	w.asks(second, boshBody(12, "<message xmlns='jabber:client'/>")) // before the one that it follows
	w.asks(first, boshBody(11, "<presence xmlns='jabber:client'/>"))
	w.asks(other, strings.ReplaceAll(boshBody(7, ""), "'s1'", "'s2'"))
	w.answers(first, "<body "+boshNS+"/>")
	w.add(first.bye())
	w.answers(second, "<body "+boshNS+" type='terminate'/>")
	w.add(second.bye())
	events, report := read(t, file(w.packets), "")
	if report.Sessions != 2 {
		t.Errorf("%d sessions, want 2", report.Sessions)
	}
	var mine []session.Event
	for i, e := range events {
		if e.Session == 1 {
			mine = append(mine, events[i])
		} else if e.Conn != 0 || e.Beside {
			t.Errorf("another session is on connection %d", e.Conn)
		}
	}
	want := []string{
		"1.0 tcp:opened", "1.0 stream:opened c2s stream", "1.0 stream:opened s2c stream",
		"beside 1.2 tcp:opened",
		"1.0 bosh:body c2s body", "1.0 stream:element c2s presence", "1.2 bosh:body c2s body", "1.2 stream:element c2s message",
		"1.0 bosh:body s2c body", "beside 1.0 tcp:half-closed c2s", "beside 1.0 tcp:half-closed s2c", "beside 1.0 tcp:closed",
		"1.2 bosh:body s2c body", "1.2 stream:closed s2c stream", "1.2 tcp:half-closed c2s", "1.2 tcp:half-closed s2c", "1.2 tcp:closed",
	}
	for i := range mine { // names as the explainer gives them
		if k := mine[i].Kind(); k == "stream:opened" || k == "stream:closed" {
			mine[i].Name = "stream"
		}
	}
	if got := wired(mine); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i, e := range mine {
		if e.Seq != uint64(i+1) {
			t.Fatalf("event %d has number %d", i+1, e.Seq)
		}
		for _, n := range e.Notes {
			if n.Rule == "H01" || n.Rule == "H05" {
				t.Errorf("%s: %s", n.Rule, n.Text)
			}
		}
	}
	if a := mine[len(mine)-5]; a.Answers == 0 {
		t.Errorf("the answer on connection 2 is not paired: %s", a.Summary)
	}
}

// TestBOSHIsJoinedByItsOwn: who names the sid of others from another host is one of them only when
// the server accepts it.
func TestBOSHIsJoinedByItsOwn(t *testing.T) {
	for answer, want := range map[string]string{
		"<body " + boshNS + "/>": "1.2",
		"<body " + boshNS + " type='terminate' condition='item-not-found'/>": "2.0",
		"": "2.0",
	} {
		var w weave
		first, second := newTalk(40000, 5280, true), newTalk(40001, 5280, false)
		second.host = 9
		second.flags(c2s, 2)
		second.flags(s2c, 0x12)
		w.asks(first, boshAsks)
		w.answers(first, boshMakes)
		w.asks(second, boshBody(11, "<presence xmlns='jabber:client'/>"))
		if answer != "" {
			w.answers(second, answer)
		}
		w.add(second.bye())
		w.add(first.bye())
		events, _ := read(t, file(w.packets), "")
		got := ""
		for i := range events {
			if e := &events[i]; e.Kind() == "stream:element" {
				got += fmt.Sprintf("%d.%d", e.Session, e.Conn)
			}
		}
		if got != want {
			t.Errorf("answered %q, it is told as %s, want %s", answer, got, want)
		}
	}
}

// TestBOSHComesAndGoes: a session of BOSH has ended when its last connection is gone and none
// follows for as long as the server keeps it.
func TestBOSHComesAndGoes(t *testing.T) {
	for name, c := range map[string]struct {
		pause int // of a millisecond each, until the second connection
		want  []string
	}{
		"soon": {0, []string{"beside 1.0 tcp:half-closed c2s", "beside 1.0 tcp:half-closed s2c", "beside 1.0 tcp:closed", "beside 1.2 tcp:opened", "1.2 bosh:body c2s body", "1.2 tcp:half-closed c2s", "1.2 tcp:half-closed s2c", "1.2 tcp:closed"}},
		"late": {31_000, []string{"1.0 tcp:half-closed c2s", "1.0 tcp:half-closed s2c", "1.0 tcp:closed", "2.0 tcp:opened", "2.0 bosh:body c2s body", "2.0 tcp:half-closed c2s", "2.0 tcp:half-closed s2c", "2.0 tcp:closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			var w weave
			first, second, idle := newTalk(40000, 5280, true), newTalk(40001, 5280, false), newTalk(40002, 5280, true)
			w.asks(first, boshAsks)
			w.answers(first, boshMakes)
			w.add(first.bye())
			for range c.pause {
				w.add(idle.flags(c2s, 0x10))
			}
			w.add(second.flags(c2s, 2).flags(s2c, 0x12))
			w.asks(second, boshBody(11, ""))
			w.add(second.bye())
			events, _ := read(t, file(w.packets), "")
			got := wired(events)
			if got = got[min(3, len(got)):]; !slices.Equal(got, c.want) {
				t.Errorf("told\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// TestManyBOSHSessions: sessions that wait for a connection, which are looked for now and then and
// not with each packet, end in their order.
func TestManyBOSHSessions(t *testing.T) {
	const many = 2000
	var w weave
	for i := range many {
		k := newTalk(uint16(20000+i), 5280, true)
		w.asks(k, boshAsks)
		w.answers(k, strings.NewReplacer("'s1'", fmt.Sprintf("'s%d'", i), "'30'", "'3'").Replace(boshMakes))
		w.add(k.bye())
	}
	events, _ := read(t, file(w.packets), "")
	last := 0
	for i := range events {
		if events[i].Kind() != "tcp:closed" {
			continue
		}
		if last++; events[i].Session != last {
			t.Fatalf("session %d ends as number %d", events[i].Session, last)
		}
	}
	if last != many {
		t.Errorf("%d sessions end", last)
	}
}
