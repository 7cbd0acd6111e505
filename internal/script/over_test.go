package script

import (
	"testing"
	"time"
)

// TestNobodyWaitsToKnowWhetherItIsOver: gates are asked with a session's lock held, whatever
// the script is busy with for another session.
func TestNobodyWaitsToKnowWhetherItIsOver(t *testing.T) {
	h := new(Host)
	h.mu.Lock() // as while it is asked
	defer h.mu.Unlock()
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
