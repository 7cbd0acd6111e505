package main

import (
	"errors"

	"xmppscope/session"
)

// Bounds of a batch that one goroutine hands to another.
const (
	batchEvents = 64
	batchBytes  = 256 << 10
)

var errStopped = errors.New("nobody takes the events any more")

// ahead reads events in a goroutine of its own, a few batches ahead of whoever
// takes them: reading and writing a large file each keep a core busy. The order
// stays. If take fails the reading is ended, and that error is returned.
func ahead(read func(emit func(session.Event) error) error, take func(session.Event) error) error {
	batches := make(chan []session.Event, 2)
	stop := make(chan struct{})
	var failed error // of read, set before batches is closed
	go func() {
		defer close(batches)
		var batch []session.Event
		size := 0
		send := func() error {
			select {
			case batches <- batch:
				batch, size = make([]session.Event, 0, batchEvents), 0
				return nil
			case <-stop:
				return errStopped
			}
		}
		failed = read(func(e session.Event) error {
			batch = append(batch, e)
			if size += len(e.Raw); len(batch) < batchEvents && size < batchBytes {
				return nil
			}
			return send()
		})
		send()
	}()
	for batch := range batches {
		for i := range batch {
			if err := take(batch[i]); err != nil {
				close(stop)
				for range batches { // until the reader has ended
				}
				return err
			}
		}
	}
	return failed
}
