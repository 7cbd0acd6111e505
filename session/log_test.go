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
