package session

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// taken are the events of one trail, the plaintext of each direction joined.
type taken struct {
	plain  [3]bytes.Buffer
	events []Seen
	lost   [3]int64
}

func (k *taken) take(e Seen) {
	switch b := e.Body.(type) {
	case StreamBytes:
		k.plain[e.Dir].Write(e.Raw)
	case LogLost:
		k.lost[e.Dir] += b.Bytes
		fmt.Fprintf(&k.plain[e.Dir], "[%d]", b.Bytes)
	default:
		k.events = append(k.events, e)
	}
}

// drain takes what is there from all trails.
func drain(s *Spool, by map[int]*taken) {
	for t := s.Next(false); t != nil; t = s.Next(false) {
		k := by[t.ID()]
		if k == nil {
			k = new(taken)
			by[t.ID()] = k
		}
		t.Take(k.take)
		s.Put(t)
	}
}

// TestSpoolGivesBackWhatWasSeen: byte for byte and in order, whatever had to go to the file.
func TestSpoolGivesBackWhatWasSeen(t *testing.T) {
	s := NewSpool(SpoolOptions{Memory: 1 << 20})
	defer s.Close()
	random := rand.New(rand.NewPCG(1, 2))
	want := map[int]*[3]bytes.Buffer{}
	var trails []*Trail
	for id := 1; id <= 5; id++ {
		trails = append(trails, s.Begin(id))
		want[id] = new([3]bytes.Buffer)
	}
	for i := 0; i < 2000; i++ {
		tr := trails[random.IntN(len(trails))]
		dir := Dir(1 + random.IntN(2))
		p := bytes.Repeat([]byte{byte(i)}, random.IntN(20_000))
		s.behindForTest()
		tr.Bytes(dir, p)
		want[tr.ID()][dir].Write(p)
		if i%100 == 0 {
			tr.Event(Seen{Leg: ClientLeg, Body: TCPFailed{Target: fmt.Sprint(i)}})
		}
	}
	if s.file == nil {
		t.Error("20 MB fitted into 1 MB of memory")
	}
	for _, tr := range trails {
		tr.Close()
	}
	s.End()
	got := map[int]*taken{}
	drain(s, got)
	events := 0
	for id, w := range want {
		for dir := C2S; dir <= S2C; dir++ {
			if !bytes.Equal(got[id].plain[dir].Bytes(), w[dir].Bytes()) {
				t.Errorf("session %d %s: %d bytes came back of %d, or they differ", id, dir, got[id].plain[dir].Len(), w[dir].Len())
			}
		}
		for i, e := range got[id].events {
			events++
			if e.Session != id || i > 0 && e.At.Before(got[id].events[i-1].At) {
				t.Errorf("session %d: %+v", id, e)
			}
		}
	}
	if events != 20 {
		t.Errorf("%d events came back", events)
	}
	if s.Waiting() != 0 || s.Behind() != 0 {
		t.Errorf("%d bytes wait, since %v", s.Waiting(), s.Behind())
	}
}

// behindForTest waits until the writer has made room, as a disk that is fast enough would.
func (s *Spool) behindForTest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.used > s.fits() && len(s.full) > 0 {
		s.mu.Unlock()
		s.mu.Lock()
	}
}

// writtenForTest waits until no page of a trail is on its way to the file.
func writtenForTest(t *Trail) {
	t.spool.behindForTest()
	for again := true; again; {
		t.mu.Lock()
		t.spool.mu.Lock()
		again = slices.ContainsFunc(t.pages, func(p *page) bool {
			return p.writing || p.full && p.synced < len(p.buf) && !slices.Contains(t.spool.full, p)
		})
		t.spool.mu.Unlock()
		t.mu.Unlock()
	}
}

// TestSpoolCountsWhatIsLost: at the limit the newest bytes go, to the byte, and later ones
// are kept again.
func TestSpoolCountsWhatIsLost(t *testing.T) {
	s := NewSpool(SpoolOptions{Limit: 100_000})
	defer s.Close()
	tr := s.Begin(1)
	for i := range 30 {
		tr.Bytes(C2S, bytes.Repeat([]byte{'a' + byte(i%26)}, 10_000))
	}
	tr.Event(Seen{Body: TCPHalfClosed{}}) // is kept all the same
	k := new(taken)
	trail := s.Next(false)
	for range 4 {
		trail.Take(k.take)
	}
	s.Put(trail)
	tr.Bytes(C2S, []byte("again"))
	tr.Close()
	s.End()
	by := map[int]*taken{1: k}
	drain(s, by)
	plain := k.plain[C2S].String()
	if k.lost[C2S] != 200_000 || !strings.HasSuffix(plain, "j[200000]again") || len(plain) != 100_000+len("[200000]again") || len(k.events) != 1 {
		t.Errorf("lost %d, %d bytes came back, ending %q, and %d events", k.lost[C2S], len(plain), plain[max(0, len(plain)-20):], len(k.events))
	}
}

// TestSpoolKeepsPlaintextLongest: where the memory is full and the disk behind, what TCP
// carried is lost before what was said.
func TestSpoolKeepsPlaintextLongest(t *testing.T) {
	const memory = 1 << 20
	s := NewSpool(SpoolOptions{Memory: memory})
	defer s.Close()
	s.onDisk().problem = errors.New("the disk is full") // guarded by mu, but nobody else is there yet
	tr := s.Begin(1)
	p := make([]byte, 1000)
	var said, kept, lost int64
	for range memory * 9 / 10 / 3 / len(p) { // fits
		tr.Bytes(C2S, p)
		tr.Wire(ClientLeg, C2S, p)
		tr.Wire(ServerLeg, C2S, p)
		said += int64(len(p))
	}
	sent := 2 * said
	for range memory * 2 / 10 / len(p) { // does not, with the other two
		tr.Bytes(C2S, p)
		tr.Wire(ClientLeg, C2S, p)
		tr.Wire(ServerLeg, C2S, p)
		said += int64(len(p))
		sent += 2 * int64(len(p))
	}
	tr.Close()
	s.End()
	for taking := s.Next(false); taking != nil; taking = s.Next(false) {
		taking.Take(func(e Seen) {
			switch e.Body.(type) {
			case StreamBytes:
				said -= int64(len(e.Raw))
			case WireBytes:
				if e.Truncated {
					lost += e.Size
				}
				kept += int64(len(e.Raw))
			case LogLost:
				t.Errorf("plaintext was lost: %+v", e.Body)
			}
		})
		s.Put(taking)
	}
	if said != 0 {
		t.Errorf("%d bytes of plaintext are missing", said)
	}
	if lost == 0 || kept+lost != sent {
		t.Errorf("%d bytes as TCP carried them: %d kept, %d lost", sent, kept, lost)
	}
}

// TestSpoolTellsLossAtTheEnd: also what nothing has come behind.
func TestSpoolTellsLossAtTheEnd(t *testing.T) {
	s := NewSpool(SpoolOptions{Limit: 1})
	defer s.Close()
	tr := s.Begin(1)
	tr.Bytes(S2C, []byte("x"))
	tr.Bytes(S2C, []byte("yz"))
	tr.Wire(ServerLeg, S2C, []byte("cipher"))
	tr.Close()
	s.End()
	by := map[int]*taken{}
	drain(s, by)
	if by[1].lost[S2C] != 2 || len(by[1].events) != 1 || by[1].events[0].Size != 6 || !by[1].events[0].Truncated {
		t.Errorf("lost %v, events %+v", by[1].lost, by[1].events)
	}
}

// TestSpoolLoginsFirst: what belongs to a login is given out before all else, then the
// session that is looked at.
func TestSpoolLoginsFirst(t *testing.T) {
	s := NewSpool(SpoolOptions{})
	defer s.Close()
	for id := 1; id <= 4; id++ {
		tr := s.Begin(id)
		if id != 2 {
			tr.Calm()
		}
		tr.Bytes(C2S, []byte("x"))
		tr.Close()
	}
	s.End()
	s.Want(4)
	var order []int
	for tr := s.Next(false); tr != nil; tr = s.Next(false) {
		order = append(order, tr.ID())
		tr.Take(func(Seen) {})
		s.Put(tr)
	}
	if fmt.Sprint(order) != "[2 4 3 1]" {
		t.Errorf("given out in the order %v", order)
	}
}

// TestSpoolInBulk: what comes faster than it is taken lies in large pages, of which few are in
// memory, and comes back whole.
func TestSpoolInBulk(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "a.pcapng"+UnexplainedExt)} {
		s := NewSpool(SpoolOptions{Path: path})
		tr := s.Begin(1)
		tr.Calm()
		random := rand.New(rand.NewPCG(1, 2))
		p := make([]byte, 64<<10)
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		want := [3]hash.Hash{C2S: sha256.New(), S2C: sha256.New()}
		large := 0
		for i := range 1000 {
			dir := Dir(1 + i%2)
			part := p[random.IntN(1000):]
			want[dir].Write(part)
			s.behindForTest()
			tr.Bytes(dir, part)
			tr.mu.Lock()
			large = max(large, len(tr.pages[len(tr.pages)-1].mem))
			tr.mu.Unlock()
			if i%300 == 299 {
				s.keep(0) // also what is being written, and what is not full
			}
		}
		if large != pageSizes[largest] {
			t.Errorf("the largest page has %d bytes", large)
		}
		s.mu.Lock()
		if s.used > s.o.Memory/4 {
			t.Errorf("%d bytes of pages are in memory", s.used)
		}
		s.mu.Unlock()
		tr.Close()
		s.End()
		got := [3]hash.Hash{C2S: sha256.New(), S2C: sha256.New()}
		for taking := s.Next(false); taking != nil; taking = s.Next(false) {
			taking.Take(func(e Seen) { got[e.Dir].Write(e.Raw) })
			s.Put(taking)
		}
		for dir := C2S; dir <= S2C; dir++ {
			if !bytes.Equal(got[dir].Sum(nil), want[dir].Sum(nil)) {
				t.Errorf("%q: what the %s has said comes back as something else", path, dir.From())
			}
		}
		s.Close()
	}
}

// TestSpoolIdleHoldsNothing: a session that says nothing holds no page.
func TestSpoolIdleHoldsNothing(t *testing.T) {
	s := NewSpool(SpoolOptions{})
	defer s.Close()
	tr := s.Begin(1)
	tr.Bytes(C2S, make([]byte, 100_000))
	for n := 0; n < 100_000; {
		trail := s.Next(false)
		trail.Take(func(e Seen) { n += len(e.Raw) })
		s.Put(trail)
	}
	if s.used != 0 || tr.pages != nil {
		t.Errorf("%d bytes are in use", s.used)
	}
}

// TestSpoolReadsBackInBounds: what comes back from the file to be read, and is kept then
// because it is not saved yet, takes no more memory than what is new, and room in the file is
// used again.
func TestSpoolReadsBackInBounds(t *testing.T) {
	const memory = 1 << 20
	path := filepath.Join(t.TempDir(), "a.pcapng"+UnexplainedExt)
	s := NewSpool(SpoolOptions{Memory: memory, Path: path})
	defer s.Close()
	tr := s.Begin(1)
	tr.Calm()
	var got, sent int64
	var events int64
	read := func() {
		taking := s.Next(false)
		taking.Take(func(e Seen) { got += int64(len(e.Raw)) })
		events++
		taking.Settle(got, 0, int(events))
		s.Put(taking)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.used > 2*memory {
			t.Fatalf("%d bytes of pages in memory, %d may be", s.used, memory)
		}
	}
	p := make([]byte, 50_000)
	for range 4 {
		for range 400 {
			s.behindForTest()
			tr.Bytes(C2S, p)
			sent += int64(len(p))
		}
		for got < sent {
			read()
		}
		s.Saved(events)
		s.keep(0)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > sent/2 {
		t.Errorf("the file has %d bytes for %d that went through it, a quarter at a time (%v)", info.Size(), sent, err)
	}
}

// TestSpoolWritesInOrder: of what has to survive a crash no newer page lies in the file
// before an older one does, also while somebody reads the older one.
func TestSpoolWritesInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.xml"+UnexplainedExt)
	s := NewSpool(SpoolOptions{Memory: 1 << 20, Path: path})
	defer s.Close()
	tr := s.Begin(1)
	tr.Calm()
	tr.Bytes(C2S, make([]byte, 1000)) // a page that somebody is at while all others are written
	once := false
	s.Next(false).Take(func(Seen) {
		if once {
			return
		}
		once = true
		for range 100 {
			s.behindForTest()
			tr.Bytes(C2S, make([]byte, 50_000))
		}
		writtenForTest(tr)
		u, err := ReadUnexplained(path)
		if err != nil {
			t.Fatal(err)
		}
		var reached int64
		u.Each(1, Reached{}, func(e Seen) {
			if b, ok := e.Body.(LogLost); ok {
				t.Errorf("%d bytes are missing behind %d", b.Bytes, reached)
			}
			reached += int64(len(e.Raw))
		})
		if reached < 2_000_000 {
			t.Errorf("%d bytes lie in the file", reached)
		}
	})
}

// TestUnexplainedTellsWhatIsMissing: also between the end of the recording and the first
// page that is left, unless the recording is a part of one, of which nobody knows where it
// stands in the session.
func TestUnexplainedTellsWhatIsMissing(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	page := func(number uint32, begins int64, text string) *leftPage {
		p := &leftPage{pageHeader: pageHeader{Session: 1, Number: number, Begun: at.UnixNano(), Begins: [2]int64{begins, 0}}}
		p.records = append(appendRecord(nil, recordBytes, ClientLeg, C2S, 0, int64(len(text))), text...)
		return p
	}
	u := &Unexplained{map[int][]*leftPage{1: {page(3, 10, "0123456789"), page(5, 25, "56789")}}}
	element := func(seq uint64, size int64) *Event {
		return &Event{Seen: Seen{Seq: seq, At: at, Dir: C2S, Size: size, Body: StreamElement{}}}
	}
	for _, tt := range []struct {
		name     string
		recorded []*Event
		want     string
	}{
		{"up to the first page", []*Event{element(1, 4), element(2, 6)}, "0123456789[5]56789"},
		{"less", []*Event{element(1, 4)}, "[6]0123456789[5]56789"},
		{"nothing", nil, "[10]0123456789[5]56789"},
		{"into the first page", []*Event{element(1, 12)}, "23456789[5]56789"},
		{"into the gap", []*Event{element(1, 22)}, "[3]56789"},
		{"a part", []*Event{element(7, 4)}, "0123456789[5]56789"},
	} {
		var from Reached
		for _, e := range tt.recorded {
			from.Note(e)
		}
		k := new(taken)
		u.Each(1, from, k.take)
		if got := k.plain[C2S].String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestSpoolFlow: what flows is plaintext. How much of TCP is kept beside it does not tell whether
// it can be explained in time.
func TestSpoolFlow(t *testing.T) {
	s := NewSpool(SpoolOptions{})
	defer s.Close()
	tr := s.Begin(1)
	tr.Wire(ClientLeg, C2S, make([]byte, 1000))
	if n := s.Flowed(); n != 0 {
		t.Errorf("%d bytes have flowed of nothing that was said", n)
	}
	tr.Bytes(C2S, make([]byte, 1000))
	if n := s.Flowed(); n != 1000+recordWeight {
		t.Errorf("%d bytes have flowed", n)
	}
}

// TestSpoolFileBeginsAnew: when nothing was in the file any more, what several write then is all
// there, whoever was first.
func TestSpoolFileBeginsAnew(t *testing.T) {
	f := &spoolFile{path: filepath.Join(t.TempDir(), "a.xml"+UnexplainedExt)}
	defer f.close(false)
	for range 3000 {
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				mem := bytes.Repeat([]byte{byte('a' + i)}, 4<<10)
				at, err := f.write(pageHeader{}, mem, len(mem)-pageHead, nil, true)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.release(at)
				got, _, err := f.read(at, make([]byte, 4<<10))
				if n := bytes.Count(got, []byte{byte('a' + i)}); err != nil || n != len(mem)-pageHead {
					t.Errorf("of a page %d bytes come back (%v)", n, err)
				}
			})
		}
		all.Wait()
	}
}
