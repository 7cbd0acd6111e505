package script

import (
	"strings"
	"testing"
	"time"
)

// TestNobodyWaitsToKnowWhetherItIsOver: gates are asked with a session's lock held, whatever
// the script is busy with for another session.
func TestNobodyWaitsToKnowWhetherItIsOver(t *testing.T) {
	h := busy()
	said := make(chan bool, 1)
	go func() { said <- h.Over() }()
	select {
	case over := <-said:
		if over {
			t.Error("it is over")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the script")
	}
}

// TestQueueIsBounded: an element that waits too long for those of other sessions passes, and
// that is told; the script is still asked about others.
func TestQueueIsBounded(t *testing.T) {
	h := busy()
	if r := h.Ask(Element{}); !strings.Contains(r.Error, "passed without being asked about") || r.Drop {
		t.Errorf("it says %+v", r)
	}
	if h.Over() {
		t.Error("it is asked no more")
	}
}

// busy is a script that is asked by somebody else, and does not answer.
func busy() *Host {
	h := &Host{turn: make(chan struct{}, 1), queue: time.Millisecond}
	h.turn <- struct{}{}
	return h
}
