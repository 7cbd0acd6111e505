package main

import (
	"errors"

	"xmppscope/capture/passive"
	"xmppscope/decode"
	"xmppscope/session"
)

// Bounds of a batch that one goroutine hands to another, and how many there are.
const (
	batchEvents = 64
	batchBytes  = 256 << 10
	maxBatches  = 6
)

var errStopped = errors.New("nobody takes the events any more")

// batch is some events on their way; its room is used again.
type batch struct {
	trees  decode.Trees
	parsed []decode.Parsed
	size   int // of the raw bytes
}

func (b *batch) explain() {
	for i := range b.parsed {
		b.parsed[i].Explain()
	}
	b.trees.Reset()
}

// ahead reads events, explains them and lets them be taken, each in a goroutine of
// its own and a few batches ahead of the next: a large file keeps as many cores busy.
// The order stays. If take fails the reading is ended, and that error is returned.
func ahead(read func(passive.Emit) error, take func(session.Event) error) error {
	free, parsed, explained := make(chan *batch, maxBatches), make(chan *batch, maxBatches), make(chan *batch, maxBatches)
	for range maxBatches {
		free <- new(batch)
	}
	stop := make(chan struct{})
	var failed error // of read, set before parsed is closed
	go func() {
		defer close(parsed)
		b := <-free
		failed = read(func(e session.Event, by *decode.Session) error {
			b.parsed = append(b.parsed, by.Parse(e, &b.trees))
			if b.size += len(e.Raw); len(b.parsed) < batchEvents && b.size < batchBytes {
				return nil
			}
			parsed <- b
			select {
			case b = <-free:
				return nil
			case <-stop:
				b = new(batch)
				return errStopped
			}
		})
		parsed <- b
	}()
	go func() {
		defer close(explained)
		for b := range parsed {
			b.explain()
			explained <- b
		}
	}()
	for b := range explained {
		for i := range b.parsed {
			if err := take(b.parsed[i].Event()); err != nil {
				close(stop)
				for range explained { // until the others have ended
				}
				return err
			}
		}
		b.parsed, b.size = b.parsed[:0], 0
		free <- b
	}
	return failed
}
