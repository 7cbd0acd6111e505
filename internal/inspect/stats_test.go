package inspect

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"xmppscope/session"
)

// tallyOf counts elements: "> <iq …/>" is of the client, "<5 <iq …/>" the server's answer to the fifth.
func tallyOf(t *testing.T, lines ...string) *Tally {
	t.Helper()
	log := session.NewLog()
	t.Cleanup(func() { log.Close() })
	for i, l := range lines {
		way, raw, _ := strings.Cut(l, " ")
		name := strings.TrimLeft(raw, "<")
		name = name[:strings.IndexAny(name, " />")]
		e := session.Event{Seen: session.Seen{Session: 1, Seq: uint64(i + 1), At: began, Body: session.StreamElement{}, Name: name, Dir: session.C2S, Raw: []byte(raw), Size: int64(len(raw))}, Said: session.Said{Done: true}}
		if strings.Contains(raw, "urn:xmpp:sm:3") {
			e.Space = "urn:xmpp:sm:3"
		}
		if way[0] == '<' {
			e.Dir = session.S2C
			fmt.Sscan(way[1:], &e.Answers)
			e.RTT = time.Duration(e.Answers) * time.Millisecond
		}
		log.Append(e)
	}
	var read atomic.Int64
	tally := NewTally(context.Background(), Pick{Log: log, To: len(lines)}, &read)
	if int(read.Load()) != len(lines) {
		t.Errorf("progress is %d of %d", read.Load(), len(lines))
	}
	return tally
}

// TestTally counts by kind, namespace and peer; answers count for what was asked.
func TestTally(t *testing.T) {
	const roster = "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>"
	tally := tallyOf(t, "> "+roster,
		"> <iq type='get' to='a@b.example/x' id='2'><ping xmlns='urn:xmpp:ping'/></iq>",
		"> <iq type='get' to='a@b.example/y' id='3'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<1 <iq type='result' id='1'/>", "<2 <iq type='error' from='a@b.example/x' id='2'><ping xmlns='urn:xmpp:ping'/></iq>",
		"> <message to='c@d.example' id='4'><body>hi</body></message>", "> <message to='c@d.example' id='4'><body>hi</body></message>", "> "+roster,
		"> <enable xmlns='urn:xmpp:sm:3'/>", "< <enabled xmlns='urn:xmpp:sm:3'/>", "> <r xmlns='urn:xmpp:sm:3'/>", "< <a xmlns='urn:xmpp:sm:3' h='1'/>", "< <failed xmlns='urn:xmpp:sm:3'/>")
	say := func(by Counted) (out string) {
		for _, g := range tally.By[by] {
			out += fmt.Sprintf("%s=%d/%d", g.Name, g.Count, g.Sent)
			if g.Asked > 0 {
				out += fmt.Sprintf(" asked %d-%d %v", g.Asked, g.Unanswered, g.Trips.At(1))
			}
			if g.Errors > 0 {
				out += fmt.Sprintf(" ✗%d", g.Errors)
			}
			out += "; "
		}
		return out
	}
	for by, want := range map[Counted]string{
		KindTally:      "iq get=4/4 asked 4-2 2ms; message=2/2; <a>=1/0; <enable>=1/1; <enabled>=1/0; <failed>=1/0; <r>=1/1; iq error=1/0 ✗1; iq result=1/0; ",
		NamespaceTally: "urn:xmpp:ping=3/2 asked 2-1 2ms ✗1; body=2/2; jabber:iq:roster=2/2 asked 2-1 1ms; ",
		PeerTally:      nobody + "=3/2 asked 2-1 1ms; a@b.example=3/2 asked 2-1 2ms ✗1; c@d.example=2/2; ",
		SessionTally:   "1=13/8 asked 4-2 2ms ✗1; ",
	} {
		if got := say(by); got != want {
			t.Errorf("%s:\n%s, want\n%s", TallyNames[by], got, want)
		}
	}
	if tally.Again != 2 || tally.SM != (Management{Enabled: 1, Refused: 1, Requests: 1, Answers: 1}) || tally.Events != 13 {
		t.Errorf("again %d, %+v", tally.Again, tally.SM)
	}
}

// TestGroupFiltersLetTheirEventsThrough: what a row is filtered by is what was counted in it.
func TestGroupFiltersLetTheirEventsThrough(t *testing.T) {
	lines := []string{"> <iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", "< <message from='a@b.example/\"x' id='1'><body>1</body></message>", "< <presence/>", "> <auth xmlns='urn:x'/>"}
	for by := range TallyCount {
		for _, g := range tallyOf(t, lines...).By[by] {
			keep, err := session.CompileFilter(g.Filter)
			if err != nil {
				t.Errorf("%s: %v", g.Filter, err)
				continue
			}
			n := 0
			for i, l := range lines {
				name := l[3 : strings.IndexAny(l[3:], " />")+3]
				dir := session.C2S
				if l[0] == '<' {
					dir = session.S2C
				}
				if keep(&session.Event{Seen: session.Seen{Session: 1, Seq: uint64(i), Body: session.StreamElement{}, Name: name, Dir: dir, Raw: []byte(l[2:])}, Said: session.Said{Done: true}}) {
					n++
				}
			}
			if n != g.Count {
				t.Errorf("%s lets %d through, and %d were counted", g.Filter, n, g.Count)
			}
		}
	}
}

// TestTallyIsBounded: a flood of names is counted with the others, and a job that is given up ends.
func TestTallyIsBounded(t *testing.T) {
	var lines []string
	for i := range maxGroups + 10 {
		lines = append(lines, fmt.Sprintf("> <message to='%d@b.example'/>", i))
	}
	groups := tallyOf(t, lines...).By[PeerTally]
	if len(groups) != maxGroups+1 || groups[0].Name != others || groups[0].Count != 10 || groups[0].Filter != "" {
		t.Errorf("%d groups, the first is %+v", len(groups), groups[0])
	}
}

// TestLatency: quantiles of what took 1 to 100 ms.
func TestLatency(t *testing.T) {
	var l Latency
	for i := range 100 {
		l.add(time.Duration(i+1) * time.Millisecond)
	}
	if l.At(0.5) != 50*time.Millisecond || l.At(0.95) != 95*time.Millisecond || l.At(1) != 100*time.Millisecond || l.At(0) != time.Millisecond || Latency(nil).At(0.5) != 0 {
		t.Errorf("%v %v %v %v", l.At(0.5), l.At(0.95), l.At(1), l.At(0))
	}
}
