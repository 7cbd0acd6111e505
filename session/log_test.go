package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func event(i int) Event {
	return Event{Seen: Seen{Session: 1, Seq: uint64(i + 1), At: time.Unix(int64(i), 0).UTC(), Body: StreamElement{}, Dir: C2S, Leg: ClientLeg,
		Raw: []byte(fmt.Sprintf("<m n='%d'>%s</m>", i, strings.Repeat("x", 100)))}, Said: Said{Done: true}}
}

// smallLog is a Log with a window of so many bytes, and a cache of its own.
func smallLog(t testing.TB, limit int) *Log {
	c := testCache(t)
	return newLog(limit, func() (*cacheFile, error) { return c.create("spill") })
}

// all is what a reader that begins late sees.
func all(l *Log) (out []Event) {
	for next := 0; ; {
		var events []Event
		if events, next = l.Read(next); len(events) == 0 {
			return out
		}
		out = append(out, events...)
	}
}

// TestLogForgetsSavedWire: what TCP carried is given up once recordings have it and it is
// much, with its size, and nothing else is.
func TestLogForgetsSavedWire(t *testing.T) {
	l := smallLog(t, 1<<20)
	defer l.Close()
	p := make([]byte, 64<<10)
	add := func() {
		l.Append(Event{Seen: Seen{Session: 1, Body: WireBytes{}, Raw: p, Size: int64(len(p))}})
		l.Append(event(1))
	}
	last := 2 * (wireKept/len(p) + 100)
	for l.Len() < last {
		add()
	}
	l.Saved(last + 200)
	for range 400 {
		add()
	}
	bare, whole := 0, 0
	for i, e := range all(l) {
		switch {
		case e.Body == StreamElement{}:
			if e.Truncated || len(e.Raw) == 0 {
				t.Fatalf("event %d has lost what it says", i)
			}
		case e.Size != int64(len(p)):
			t.Fatalf("event %d has size %d", i, e.Size)
		case e.Truncated && e.Raw == nil:
			if bare++; i >= last+200 {
				t.Fatalf("event %d was given up, and no recording has it", i)
			}
		case bytes.Equal(e.Raw, p):
			whole++
		default:
			t.Fatalf("event %d: %d bytes, truncated: %v", i, len(e.Raw), e.Truncated)
		}
	}
	if bare < 50 || whole < last/2-50 {
		t.Errorf("%d were given up, %d kept", bare, whole)
	}
}

// TestLogSpills: readers at any pace see every event in order, whether it lies in
// memory or in the file, and memory stays within its bound.
func TestLogSpills(t *testing.T) {
	const n = 20_000
	l := smallLog(t, 1<<20)
	defer l.Close()
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
		if l.bytes > l.limit+1000 {
			t.Errorf("window of %d bytes, limit %d", l.bytes, l.limit)
		}
		l.mu.Unlock()
	}
	l.End()
	wg.Wait()
	if l.Len() != n || l.first < n/2 || l.Problem() != nil {
		t.Errorf("%d events, %d of them in the file, %v", l.Len(), l.first, l.Problem())
	}
	for _, i := range []int{0, 31, 32, 33, 255, 256, 1234, l.first - 1, l.first, n - 1} {
		events, next := l.Read(i)
		if len(events) == 0 || events[0].Seq != uint64(i+1) || next != i+len(events) {
			t.Errorf("Read(%d) begins with %+v and ends at %d", i, events[:min(1, len(events))], next)
		}
	}
	if events, next := l.Read(n); len(events) > 0 || next != n {
		t.Errorf("behind the end there are %d events", len(events))
	}
}

// TestLogKeepsAll: what comes back from the file is what was appended, to the last field.
func TestLogKeepsAll(t *testing.T) {
	l := smallLog(t, 1<<16)
	defer l.Close()
	var want []Event
	for len(want) < 2000 {
		for _, b := range Bodies {
			want = append(want, filled(t, b))
		}
	}
	for rest := range slices.Chunk(want, 100) {
		l.AppendAll(rest)
	}
	got := all(l)
	if !reflect.DeepEqual(got, want) || l.first < len(want)/2 {
		t.Errorf("%d of %d events, %d of them in the file, or not the same", len(got), len(want), l.first)
	}
}

// lostOf counts the events that were given up, and those that are there.
func lostOf(events []Event) (lost, there int) {
	for _, e := range events {
		if b, ok := e.Body.(LogLost); ok {
			lost += int(b.Events)
		} else {
			there++
		}
	}
	return lost, there
}

// TestLogWithoutDisk: if there is nowhere to spill to, old events are given up and
// late readers are told how many, and why.
func TestLogWithoutDisk(t *testing.T) {
	const n = 20_000
	nowhere := cache{shared: filepath.Join(t.TempDir(), "nothing"), volume: volumeOf}
	l := newLog(1<<20, func() (*cacheFile, error) { return nowhere.create("spill") })
	defer l.Close()
	for i := range n {
		l.Append(event(i))
	}
	l.End()
	if l.Problem() == nil {
		t.Fatal("no problem is reported")
	}
	events := all(l)
	if lost, there := lostOf(events); lost == 0 || lost+there != n {
		t.Errorf("lost %d, seen %d of %d", lost, there, n)
	}
	if e := events[0]; e.Kind() != "log:lost" || !strings.Contains(e.Summary, "no such file") || !e.At.Equal(events[1].At) {
		t.Errorf("it is told as %+v", e)
	}
}

// TestLogOnFullDisk: what came while the disk was full is lost, what came before and
// after is not.
func TestLogOnFullDisk(t *testing.T) {
	const n = 9000
	var full atomic.Bool
	c := testCache(t)
	c.volume = func(string) (volume, error) {
		if full.Load() {
			return volume{size: 100 << 30, free: 1 << 30}, nil
		}
		return volume{size: 100 << 30, free: 2 << 30}, nil
	}
	l := newLog(1<<20, func() (*cacheFile, error) { return c.create("spill") })
	defer l.Close()
	for i := range n {
		full.Store(i/3000 == 1)
		l.Append(event(i))
	}
	events := all(l)
	lost, there := lostOf(events)
	if lost == 0 || lost > 4000 || lost+there != n {
		t.Errorf("lost %d, seen %d of %d", lost, there, n)
	}
	if events[0].Seq != 1 || events[len(events)-1].Seq != n || len(events) != there+1 {
		t.Errorf("%d events from %d to %d, and not one gap", len(events), events[0].Seq, events[len(events)-1].Seq)
	}
	if err := l.Problem(); err == nil || !strings.Contains(err.Error(), "has 1024 MB free") {
		t.Errorf("the problem is %v", err)
	}
}

// TestLogDamagedFile: what cannot be read back is told as lost, and what is behind it
// is still there.
func TestLogDamagedFile(t *testing.T) {
	const n = 5000
	l := smallLog(t, 1<<20)
	defer l.Close()
	for i := range n {
		l.Append(event(i))
	}
	l.End()
	if _, err := l.spill.file.WriteAt(bytes.Repeat([]byte{0xff}, 100), l.spill.places[1].at); err != nil {
		t.Fatal(err)
	}
	events := all(l)
	lost, there := lostOf(events)
	if want := l.spill.places[2].first - l.spill.places[1].first; lost != want || lost+there != n {
		t.Errorf("lost %d and not %d, seen %d of %d", lost, want, there, n)
	}
	if i := l.spill.places[1].first; !strings.Contains(events[i].Summary, "cannot be read back: this is not an event") {
		t.Errorf("it is told as %+v", events[i])
	}
}

// TestLogEndsWhileFull: whoever waits for room is let go at the end.
func TestLogEndsWhileFull(t *testing.T) {
	hung, asked := make(chan struct{}), make(chan struct{})
	l := newLog(1<<16, func() (*cacheFile, error) {
		close(asked)
		<-hung // as a disk that does not answer
		return nil, errors.New("it was hung")
	})
	appended := make(chan struct{})
	go func() {
		defer close(appended)
		for i := range 10_000 {
			l.Append(event(i))
		}
	}()
	<-asked
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.End()
	}()
	<-appended
	if n := l.Len(); n >= 10_000 {
		t.Errorf("%d events had room", n)
	}
	close(hung)
	<-ended
}

// TestSlowReader: a reader that holds what it was given holds that, and not the window
// that it came from.
func TestSlowReader(t *testing.T) {
	const n = 10_000
	l := smallLog(t, 1<<20)
	defer l.Close()
	var raws []weak.Pointer[byte]
	var held []Event
	for i := range n {
		e := event(i)
		raws = append(raws, weak.Make(&e.Raw[0]))
		l.Append(e)
		if i == 1000 {
			held, _ = l.Read(500)
		}
	}
	l.End()
	runtime.GC()
	kept := 0
	for _, raw := range raws[:l.first] {
		if raw.Value() != nil {
			kept++
		}
	}
	if len(held) == 0 || kept < len(held) || kept > batch {
		t.Errorf("%d events are held, and %d of %d kept", len(held), kept, l.first)
	}
	runtime.KeepAlive(held)
}

// TestSinceWakes: a reader that waits is woken by an event, by the end, and by its
// context; and an append that nobody waits for makes no garbage beside the event.
func TestSinceWakes(t *testing.T) {
	l := smallLog(t, 1<<20)
	defer l.Close()
	read := make(chan int)
	next := 0
	since := func(ctx context.Context) {
		events, to := l.Since(ctx, next)
		next = to
		read <- len(events)
	}
	waiting := func() {
		for waits := false; !waits; runtime.Gosched() {
			l.mu.Lock()
			waits = l.change != nil
			l.mu.Unlock()
		}
	}
	go since(t.Context())
	waiting()
	l.AppendAll([]Event{event(0), event(1)})
	if n := <-read; n != 2 {
		t.Errorf("woken for %d events", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go since(ctx)
	waiting()
	cancel()
	if n := <-read; n != 0 {
		t.Errorf("cancelled with %d events", n)
	}
	go since(t.Context())
	l.End()
	if n := <-read; n != 0 {
		t.Errorf("ended with %d events", n)
	}
}
