package main

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"weak"

	"xmppscope/decode"
	"xmppscope/decode/facts"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestNothingHoldsOnToTheBytesOfAnEvent: a string that was cut from an event's bytes
// keeps all of them, and what is remembered of a session lives as long as it does.
// So copies are remembered.
func TestNothingHoldsOnToTheBytesOfAnEvent(t *testing.T) {
	type memory struct {
		explain  *decode.Session
		facts    facts.Gatherer
		overview session.Overview
	}
	type bytesOf struct {
		raw  weak.Pointer[byte]
		what string
	}
	var seen []bytesOf
	var sessions []*memory
	var run decode.Run
	var book session.Book
	huntingGround(t, func(name string, events []session.Event) {
		of := map[int]*memory{}
		for _, e := range events {
			m := of[e.Session]
			if m == nil {
				m = &memory{explain: prepared().NewSession(&book)}
				m.explain.Share(&run)
				m.explain.KnowPasswords(func(string, string) (string, bool) { return "pencil", true })
				of[e.Session], sessions = m, append(sessions, m)
			}
			shown := session.Blank(e).Raw
			e = unexplained(e)
			if len(e.Raw) > 0 {
				e.Raw = append(make([]byte, 0, max(len(e.Raw), 64)), e.Raw...) // the smallest share their room
				seen = append(seen, bytesOf{weak.Make(&e.Raw[0]), fmt.Sprintf("event %d of %s: %s", e.Seq, name, shown)})
			}
			e = m.explain.Explain(e)
			m.facts.Add(&e)
			m.overview.Apply(&e)
		}
	})
	runtime.GC()
	runtime.GC() // pools are emptied at the second time
	for _, s := range seen {
		if s.raw.Value() != nil {
			t.Errorf("something holds on to %s", s.what)
		}
	}
	runtime.KeepAlive(&run)
	runtime.KeepAlive(sessions)
}

// TestIdleSessionsHoldLittle: a proxy may have thousands of sessions that are logged in
// and say nothing. What their explainers hold is measured in bytes.
func TestIdleSessionsHoldLittle(t *testing.T) {
	events := xmpptest.Dialogue(t, xmpptest.Recording(t, "go-sendxmpp-prosody"), nil, 0)
	const n, most = 500, 10_000
	var run decode.Run
	var book session.Book
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	idle := make([]*decode.Session, n)
	login := func(i int) {
		idle[i] = prepared().NewSession(&book)
		idle[i].Share(&run)
		for _, e := range events {
			if e.Raw = bytes.Clone(e.Raw); e.Session == 1 {
				idle[i].Explain(unexplained(e))
			}
		}
	}
	login(0) // what all share is there
	before := heap()
	for i := 1; i < n; i++ {
		login(i)
	}
	if each := (heap() - before) / (n - 1); each > most {
		t.Errorf("a session that is idle holds %d bytes, want %d at most", each, most)
	}
	runtime.KeepAlive(idle)
}
