package main

import (
	"bytes"
	"fmt"
	"sort"
	"sync"
	"time"
)

// traffic is stanzas of one direction without an end: the same text again and again.
type traffic struct {
	text []byte
	ends []int // of each stanza, in text
	rate int64 // bytes a second; 0: as fast as they go
}

// trafficSize is how much text there is before it begins again.
const trafficSize = 16 << 20

// newTraffic is mixed stanzas, of which so many bytes will be wanted.
func newTraffic(from sender, wanted int64) *traffic {
	g := newGenerator(from)
	t := new(traffic)
	for size := int(min(wanted, trafficSize)); len(t.text) < size; {
		t.text = g.appendNext(t.text)
		t.ends = append(t.ends, len(t.text))
	}
	return t
}

// newSmall is small stanzas, of which so many will be wanted.
func newSmall(wanted int) *traffic {
	t := new(traffic)
	for n := 1; n <= min(wanted, trafficSize/smallSize); n++ {
		t.text = append(t.text, small(n)...)
		t.ends = append(t.ends, len(t.text))
	}
	return t
}

// cut is how many stanzas come next to so many bytes, and their true size.
func (t *traffic) cut(wanted int64) (size int64, stanzas int) {
	rounds, rest := wanted/int64(len(t.text)), int(wanted%int64(len(t.text)))
	size, stanzas = rounds*int64(len(t.text)), int(rounds)*len(t.ends)
	if rest > 0 {
		n := sort.SearchInts(t.ends, rest) // the stanza in which they end
		size, stanzas = size+int64(t.ends[n]), stanzas+n+1
	}
	return size, stanzas
}

// part is what comes at an offset: at most so many bytes, and at least one.
func (t *traffic) part(offset int64, most int64) []byte {
	rest := t.text[offset%int64(len(t.text)):]
	return rest[:min(int64(len(rest)), most)]
}

// blockSize is how much is written at once in bulk, in bytes.
const blockSize = 64 << 10

// flow sends the first bytes of the traffic from one end to the other, at most so many
// in one write, and checks every byte that arrives. After an error the ends are closed.
func (t *traffic) flow(from, to wire, size int64, most int64) error {
	var sending sync.WaitGroup
	var sent error
	began := time.Now()
	sending.Go(func() {
		for at := int64(0); at < size && sent == nil; {
			p := t.part(at, min(most, size-at))
			_, sent = from.Write(p)
			at += int64(len(p))
			if t.rate > 0 {
				time.Sleep(time.Until(began.Add(time.Duration(float64(at) / float64(t.rate) * float64(time.Second)))))
			}
		}
	})
	err := t.check(to, size)
	if err != nil {
		from.Close() // it may be stuck
		to.Close()
	}
	sending.Wait()
	if err == nil && sent != nil {
		return fmt.Errorf("bench: sending: %w", sent)
	}
	return err
}

// check reads so many bytes and compares them with the traffic.
func (t *traffic) check(w wire, size int64) error {
	buf := make([]byte, blockSize)
	for at := int64(0); at < size; {
		n, err := w.Read(buf[:min(int64(len(buf)), size-at)])
		for got := buf[:n]; len(got) > 0; {
			want := t.part(at, int64(len(got)))
			if !bytes.Equal(got[:len(want)], want) {
				return fmt.Errorf("bench: what arrived differs from what was sent, within %d bytes of offset %d", len(want), at)
			}
			got, at = got[len(want):], at+int64(len(want))
		}
		if err != nil && at < size {
			return fmt.Errorf("bench: %d of %d bytes arrived: %w", at, size, err)
		}
	}
	return nil
}
