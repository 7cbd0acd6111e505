package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"xmppscope/session"
)

// faulty is an event of a session with an error that says this.
func faulty(id int, seq uint64, text string) session.Event {
	return session.Event{
		Seen: session.Seen{Session: id, Seq: seq, Dir: session.C2S, Leg: session.ClientLeg, Body: session.StreamElement{}},
		Said: session.Said{Done: true, Step: &session.Step{N: int(seq), ID: "sasl-failure"},
			Notes: []session.Note{{Rule: "S10", Severity: session.Error, Text: text}}},
	}
}

// TestFindingsAreBounded: what check keeps does not grow with the file. More is counted,
// and all of it is in --json.
func TestFindingsAreBounded(t *testing.T) {
	const sessions, each = 30, 3 * maxFindings
	c, err := newChecker(&checkFlags{})
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	c.found = json.NewEncoder(&lines)
	for seq := range uint64(each) {
		for id := range sessions {
			for _, text := range []string{"said again", fmt.Sprint("said once ", seq)} {
				if err := c.take(faulty(id+1, seq+1, text)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	kept := 0
	for _, s := range c.sessions {
		kept += len(s.findings)
		if len(s.findings) > maxFindings || s.findings[0].times != each || len(s.findings)+s.unlisted != each+1 || len(s.Steps) != 1 {
			t.Fatalf("session %d: %d findings, %d unlisted, the first %d times, %d steps", s.ID, len(s.findings), s.unlisted, s.findings[0].times, len(s.Steps))
		}
	}
	if kept > maxFindingsAll || kept < maxFindingsAll/2 {
		t.Errorf("%d findings are kept", kept)
	}
	if n := bytes.Count(lines.Bytes(), []byte{'\n'}); n != 2*each*sessions || n != c.count[session.Error] {
		t.Errorf("%d findings in JSON, %d counted", n, c.count[session.Error])
	}
	for i, x := range c.extras(nil) {
		if !strings.HasSuffix(x.Failure, fmt.Sprintf("%d errors more", c.sessions[i+1].unlisted)) {
			t.Errorf("session %d in JUnit: %.200s", i+1, x.Failure)
		}
	}
	var text strings.Builder
	c.print(&text)
	if want := fmt.Sprintf("\n  and %d findings more: --json has them all\n", c.sessions[1].unlisted); !strings.Contains(text.String(), want) {
		t.Errorf("nothing is said of those that are left out: %.200s", text.String())
	}
}

// TestSessionsWithoutFindingsTakeLittle: what check keeps of a session does not grow
// with its login.
func TestSessionsWithoutFindingsTakeLittle(t *testing.T) {
	c, err := newChecker(&checkFlags{})
	if err != nil {
		t.Fatal(err)
	}
	before := held()
	for seq := range uint64(100_000) {
		e := faulty(1, seq+1, "")
		e.Notes = nil
		if err := c.take(e); err != nil {
			t.Fatal(err)
		}
	}
	if more := held() - before; more > 1<<20 {
		t.Errorf("%d bytes", more)
	}
	runtime.KeepAlive(c)
}

// held is how many bytes of memory are in use.
func held() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
