package main

import (
	"errors"
	"io"
	"testing"

	"xmppscope/capture/passive"
	"xmppscope/session"
)

// TestAhead: all events come, in order, before the error of reading does; and one
// that cannot be taken ends the reading.
func TestAhead(t *testing.T) {
	for _, many := range []int{0, 1, batchEvents, 10*batchEvents + 1} {
		read := func(emit passive.Emit) error {
			for i := range many {
				if err := emit(session.Event{Seen: session.Seen{Seq: uint64(i), Raw: make([]byte, i*100)}, Said: session.Said{Done: true}}, nil); err != nil {
					return err
				}
			}
			return io.ErrUnexpectedEOF
		}
		taken := 0
		err := ahead(read, func(e session.Event) error {
			if int(e.Seq) != taken {
				t.Fatalf("event %d came as number %d", e.Seq, taken)
			}
			taken++
			return nil
		})
		if taken != many || err != io.ErrUnexpectedEOF {
			t.Errorf("%d of %d events taken, error %v", taken, many, err)
		}
	}
	full := errors.New("disk full")
	var ended error
	err := ahead(func(emit passive.Emit) error {
		for ended == nil {
			ended = emit(session.Event{}, nil)
		}
		return ended
	}, func(session.Event) error { return full })
	if err != full || ended != errStopped {
		t.Errorf("error %v, reading ended with %v", err, ended)
	}
}
