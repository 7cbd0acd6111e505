package viewer

import (
	"fmt"
	"runtime"
	"testing"

	"xmppscope/session"
)

// TestALongSession: a session of many events costs a few bytes for each, and any
// part of it is at hand.
func TestALongSession(t *testing.T) {
	const many = 200_000
	m := newModel()
	e := session.Event{Seen: session.Seen{Session: 1, At: began, Body: session.StreamElement{}, Dir: session.C2S, Name: "message", Raw: make([]byte, 100)}, Said: session.Said{Done: true}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range many {
		m.add(i, &e, true)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if per := float64(after.HeapAlloc-before.HeapAlloc) / many; per > 64 {
		t.Errorf("%.0f bytes for each event, want at most 64", per)
	}
	c := m.byID[1]
	if got := c.find(150_000); c.rows[got].index() != 150_000 {
		t.Errorf("event 150000 is found on row %d", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	log := session.NewLog()
	defer log.Close()
	for i := range 5000 {
		log.Append(session.Event{Seen: session.Seen{Session: 1, Seq: uint64(i + 1), At: began, Body: session.StreamElement{}, Raw: make([]byte, 10_000)}, Said: session.Said{Done: true}})
	}
	c := newCache(log)
	for _, i := range []int{0, 4999, 2500, 127, 128, 4000, 1} {
		if e := c.at(i); e == nil || e.Seq != uint64(i+1) {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	for i := range 5000 {
		if e := c.at(i); e == nil || e.Seq != uint64(i+1) {
			t.Fatalf("event %d is %+v", i, e)
		}
		if len(c.events) > cacheEvents || c.bytes > cacheBytes || len(c.order) != len(c.events) {
			t.Fatalf("after event %d: %d events of %d bytes, %d in order", i, len(c.events), c.bytes, len(c.order))
		}
	}
	if e := c.at(5000); e != nil {
		t.Errorf("past the end there is %+v", e)
	}
}

func TestRestartRules(t *testing.T) {
	b := newBench(t, 120, 60, Options{}).play(login(1))
	var got []string
	for i, e := range b.ui.current().rows {
		if e.has(isRestart) {
			got = append(got, fmt.Sprint(i, e.has(afterTLS), e.has(afterSASL)))
		}
	}
	if want := "[9 true false 15 false true]"; fmt.Sprint(got) != want {
		t.Errorf("rules at %v, want %s", got, want)
	}
	b.press("g")
	for range b.ui.current().rows {
		b.press("j")
		if b.ui.current().rows[b.ui.ladder.selected].has(isRestart) {
			t.Fatal("a rule is selected")
		}
	}
}

// TestAcknowledgementsAreNoise: those of both versions of stream management.
func TestAcknowledgementsAreNoise(t *testing.T) {
	for space, want := range map[string]bool{"urn:xmpp:sm:2": true, "urn:xmpp:sm:3": true, "jabber:client": false} {
		e := session.Event{Seen: session.Seen{Body: session.StreamElement{}, Name: "r"}, Said: session.Said{Space: space}}
		if quiet(&e) != want {
			t.Errorf("<r/> of %s is noise: %v", space, !want)
		}
	}
}

func TestUnnumberedEventsAreNoRows(t *testing.T) {
	m := newModel()
	m.add(0, &session.Event{Seen: session.Seen{Session: 1, Body: session.WireBytes{}, Raw: []byte("x")}, Said: session.Said{Done: true}}, true)
	m.add(1, &session.Event{Seen: session.Seen{Session: 1, Body: session.TLSSecret{Line: "CLIENT_RANDOM"}}, Said: session.Said{Done: true}}, true)
	m.add(2, &session.Event{Seen: session.Seen{Session: 0, Body: session.LogLost{Events: 3}}, Said: session.Said{Done: true}}, true)
	if len(m.sessions) != 0 || m.lost != 3 {
		t.Errorf("%d sessions, %d lost", len(m.sessions), m.lost)
	}
}
