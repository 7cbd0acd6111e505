package session

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func event(i int) Event {
	return Event{Session: 1, Seq: uint64(i + 1), At: time.Unix(int64(i), 0).UTC(), Body: StreamElement{}, Dir: C2S, Leg: ClientLeg,
		Raw: []byte(fmt.Sprintf("<m n='%d'>%s</m>", i, strings.Repeat("x", 100)))}
}

// TestLogSpills: readers at any pace see every event in order, whether it lies in
// memory or in the spill file, and memory stays within its bound.
func TestLogSpills(t *testing.T) {
	const n = 5000
	l := newLog(64 << 10)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			next, seen := 0, 0
			for {
				var events []Event
				events, next = l.Since(context.Background(), next)
				if len(events) == 0 {
					break
				}
				for _, e := range events {
					if e.Seq != uint64(seen+1) || !strings.HasPrefix(string(e.Raw), fmt.Sprintf("<m n='%d'>", seen)) {
						t.Errorf("event %d is seq %d %.20q", seen, e.Seq, e.Raw)
						return
					}
					seen++
				}
			}
			if seen != n {
				t.Errorf("a reader saw %d of %d", seen, n)
			}
		})
	}
	for i := range n {
		l.Append(event(i))
		l.mu.Lock()
		if l.bytes > 2*l.limit+1000 {
			t.Errorf("window of %d bytes, limit %d", l.bytes, l.limit)
		}
		l.mu.Unlock()
	}
	l.End()
	wg.Wait()
	if l.Len() != n || l.spill == nil {
		t.Errorf("%d events, spill %v", l.Len(), l.spill)
	}
	for _, i := range []int{0, 31, 32, 33, 1234, n - 1} {
		events, _ := l.Read(i)
		if len(events) == 0 || events[0].Seq != uint64(i+1) {
			t.Errorf("Read(%d) begins with %+v", i, events[:min(1, len(events))])
		}
	}
	info, err := l.spill.file.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("spill file: %v %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(l.spill.file.Name()); !os.IsNotExist(err) {
		t.Errorf("the spill file is still there: %v", err)
	}
}

// TestLogWithoutDisk: if there is nowhere to spill to, old events are given up and
// late readers are told how many.
func TestLogWithoutDisk(t *testing.T) {
	t.Setenv("TMPDIR", "/nonexistent")
	const n = 2000
	l := newLog(64 << 10)
	for i := range n {
		l.Append(event(i))
	}
	l.End()
	if l.Problem() == nil {
		t.Fatal("no problem is reported")
	}
	lost, seen := int64(0), 0
	for next := 0; ; {
		var events []Event
		events, next = l.Read(next)
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			if b, ok := e.Body.(LogLost); ok {
				lost += b.Events
			} else {
				seen++
			}
		}
	}
	if lost == 0 || lost+int64(seen) != n {
		t.Errorf("lost %d, seen %d of %d", lost, seen, n)
	}
	l.Close()
}

func TestQueueLosesRawBeforeEvents(t *testing.T) {
	q := NewQueue(7)
	q.maxRaw, q.maxLen = [2]int{1000, 2500}, 6
	for i := range 10 {
		q.Push(Event{Body: StreamElement{}, Raw: make([]byte, 1000), Size: int64(i)})
	}
	var got []string
	for _, e := range q.Pull() {
		got = append(got, fmt.Sprintf("%d:%d %s raw=%d", e.Session, e.Seq, e.Kind(), len(e.Raw)))
		if b, ok := e.Body.(LogLost); ok && b.Events != 4 {
			t.Errorf("lost %+v", b)
		}
	}
	want := "7:1 stream:element raw=1000,7:2 stream:element raw=1000,7:3 stream:element raw=512,7:4 stream:element raw=512,7:5 stream:element raw=512,7:6 stream:element raw=512,7:7 log:lost raw=0"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("pulled %s", s)
	}
	q.Push(Event{Body: StreamElement{}, Raw: []byte("x")})
	rest := q.Pull()
	if b, ok := rest[0].Body.(LogLost); !ok || b.Raws != 4 || b.Bytes != 4*488 || string(rest[1].Raw) != "x" || rest[1].Seq != 9 {
		t.Errorf("after it: %+v", rest)
	}
	q.Close()
	if q.Pull() != nil {
		t.Error("a closed queue gives events")
	}
}

// TestQueueWireBytesHaveTheirOwnBudget: what only packet captures want does not
// cost an element its bytes.
func TestQueueWireBytesHaveTheirOwnBudget(t *testing.T) {
	q := NewQueue(1)
	q.maxRaw = [2]int{100, 100}
	for range 3 {
		q.Push(Event{Body: WireBytes{}, Raw: make([]byte, 90)})
	}
	q.Push(Event{Body: StreamElement{}, Raw: make([]byte, 90)})
	events := q.Pull()
	if last := events[len(events)-1]; len(last.Raw) != 90 || last.Truncated {
		t.Errorf("the element kept %d bytes", len(last.Raw))
	}
	if len(events[1].Raw) != 0 || !events[1].Truncated {
		t.Errorf("the second wire:bytes kept %d bytes", len(events[1].Raw))
	}
}

// TestQueueMergesFloods: white space that waits is merged, and costs no event.
func TestQueueMergesFloods(t *testing.T) {
	q := NewQueue(1)
	q.mergeAt, q.maxLen = 3, 5
	for range 1000 {
		q.Push(Event{Body: StreamWhitespace{}, Dir: C2S, Raw: []byte(" "), Size: 1})
	}
	q.Push(Event{Body: StreamElement{}, Dir: C2S, Raw: []byte("<a/>"), Size: 4})
	var size int64
	events := q.Pull()
	for _, e := range events {
		size += e.Size
	}
	if len(events) != 4 || size != 1004 || string(events[3].Raw) != "<a/>" {
		t.Errorf("%d events of %d bytes", len(events), size)
	}
}
