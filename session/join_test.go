package session

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// byConn are the events of a trail as lines, the plaintext of each connection joined.
type byConn struct {
	plain map[int32]*bytes.Buffer
	lines []string
}

func (k *byConn) take(e Seen) {
	if _, ok := e.Body.(StreamBytes); ok {
		if k.plain[e.Conn] == nil {
			k.plain[e.Conn] = new(bytes.Buffer)
		}
		k.plain[e.Conn].Write(e.Raw)
		return
	}
	k.lines = append(k.lines, fmt.Sprintf("%d.%d %s", e.Session, e.Conn, e.Kind()))
}

func takeAll(s *Spool) map[int]*byConn {
	out := map[int]*byConn{}
	for t := s.Next(false); t != nil; t = s.Next(false) {
		if out[t.ID()] == nil {
			out[t.ID()] = &byConn{plain: map[int32]*bytes.Buffer{}}
		}
		t.Take(out[t.ID()].take)
		s.Put(t)
	}
	return out
}

// TestTrailJoins: what a connection has said before it is known whose it is, and all that comes
// then, is the session's, marked; a connection that is a session is given out when that is known.
func TestTrailJoins(t *testing.T) {
	s := NewSpool(SpoolOptions{})
	defer s.Close()
	first, second, other := s.Begin(1), s.Begin(2), s.Begin(3)
	first.Event(Seen{Leg: ClientLeg, Body: TCPOpened{}})
	first.Bytes(C2S, []byte("one "))
	second.Await(time.Hour)
	other.Await(time.Hour)
	second.Event(Seen{Leg: ClientLeg, Body: TCPOpened{}})
	second.Bytes(C2S, []byte("two "))
	other.Event(Seen{Leg: ClientLeg, Body: TCPOpened{}})
	first.Hold()
	if !second.Join(first) || second.Join(first) || second.Root() != first || first.Root() != first {
		t.Error("it does not join, or twice")
	}
	first.Bytes(C2S, []byte("one more"))
	second.Bytes(C2S, []byte("two more"))
	second.Event(Seen{Leg: ClientLeg, Body: TCPClosed{}})
	second.Close()
	other.Release()
	if other.Join(first) {
		t.Error("a session of its own joins")
	}
	other.Close()
	first.Event(Seen{Leg: ClientLeg, Body: TCPClosed{}})
	first.Close()
	if first.closed {
		t.Error("it does not stay open for others")
	}
	first.Close()
	s.End()
	got := takeAll(s)
	if len(got) != 2 || got[1].plain[0].String() != "one one more" || got[1].plain[2].String() != "two two more" {
		t.Errorf("%d sessions, the first with %q and %q", len(got), got[1].plain[0], got[1].plain[2])
	}
	if lines, want := strings.Join(got[1].lines, ", "), "1.0 tcp:opened, 1.2 tcp:opened, 1.2 tcp:closed, 1.0 tcp:closed"; lines != want {
		t.Errorf("told %s, want %s", lines, want)
	}
	if s.Waiting() != 0 {
		t.Errorf("%d bytes wait", s.Waiting())
	}
}

// TestJoinedTrailSurvivesOnce: what lies in the file of a connection before it joins is that of no
// other session after a crash, and is there all the time.
func TestJoinedTrailSurvivesOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl"+UnexplainedExt)
	s := NewSpool(SpoolOptions{Path: path})
	defer s.Close()
	root, joins := s.Begin(1), s.Begin(2)
	root.Bytes(C2S, []byte("one "))
	joins.Await(time.Hour)
	joins.Bytes(C2S, []byte("two"))
	s.keep(0)
	check := func(want map[int]string) {
		t.Helper()
		u, err := ReadUnexplained(path)
		if err != nil {
			t.Fatal(err)
		}
		got := map[int]string{}
		for _, id := range u.Sessions() {
			k := new(taken)
			u.Each(id, Reached{}, k.take)
			got[id] = k.plain[C2S].String()
		}
		if !maps.Equal(got, want) {
			t.Errorf("left: %v, want %v", got, want)
		}
	}
	check(map[int]string{1: "one ", 2: "two"})
	root.Hold()
	if !joins.Join(root) {
		t.Fatal("it does not join")
	}
	check(map[int]string{1: "one ", 2: "two"})
	s.keep(0)
	check(map[int]string{1: "one two"})
	joins.Close()
}

// TestTrailIsAwaitedForAWhile: what is not decided is a session of its own in the end.
func TestTrailIsAwaitedForAWhile(t *testing.T) {
	s := NewSpool(SpoolOptions{})
	defer s.Close()
	tr := s.Begin(1)
	tr.Await(time.Millisecond)
	tr.Event(Seen{Leg: ClientLeg, Body: TCPOpened{}})
	if s.Next(false) != tr {
		t.Error("another trail")
	}
	tr.Close()
}

// TestTrailsJoinUnderLoad: nothing is lost or mixed up while many connections speak, also where
// pages go to the file.
func TestTrailsJoinUnderLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl"+UnexplainedExt)
	s := NewSpool(SpoolOptions{Memory: 1 << 20, Path: path})
	defer s.Close()
	root := s.Begin(1)
	root.Hold()
	var all sync.WaitGroup
	want := make([]bytes.Buffer, 10)
	for i := range want {
		tr := root
		if i > 0 {
			tr = s.Begin(i + 1)
			tr.Await(time.Hour)
		}
		all.Go(func() {
			defer tr.Close()
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for n := range 60 {
				p := bytes.Repeat([]byte{byte('a' + i)}, random.IntN(9000))
				s.behindForTest()
				tr.Bytes(C2S, p)
				want[i].Write(p)
				if n == 5 && i > 0 && !tr.Join(root) {
					t.Error("it does not join")
				}
			}
		})
	}
	all.Wait()
	root.Close()
	s.End()
	got := takeAll(s)
	if len(got) != 1 {
		t.Fatalf("%d sessions", len(got))
	}
	found := map[string]bool{}
	for _, b := range got[1].plain {
		found[b.String()] = true
	}
	for i := range want {
		if !found[want[i].String()] {
			t.Errorf("what connection %d has said does not come back", i)
		}
	}
	if s.Waiting() != 0 {
		t.Errorf("%d bytes wait", s.Waiting())
	}
}
