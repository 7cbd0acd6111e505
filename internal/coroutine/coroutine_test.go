package coroutine

import (
	"runtime"
	"slices"
	"testing"
)

func counting(to int) *Coroutine {
	return &Coroutine{Body: func(yield func([]byte) bool) {
		for i := range to {
			if !yield([]byte{byte(i)}) {
				return
			}
		}
	}}
}

// TestNext: what is yielded comes in order, on whatever thread it is asked for, and the
// end is said as often as one asks.
func TestNext(t *testing.T) {
	c := counting(3)
	var got []byte
	for range 5 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if p, ok := c.Next(); ok {
				got = append(got, p...)
			}
		}()
		<-done
	}
	if !slices.Equal(got, []byte{0, 1, 2}) {
		t.Errorf("%v", got)
	}
	c.Stop()
}

// TestStop: after it there is nothing more, whether it had begun or not.
func TestStop(t *testing.T) {
	for _, before := range []int{0, 1, 3} {
		c := counting(3)
		for range before {
			c.Next()
		}
		c.Stop()
		c.Stop()
		if p, ok := c.Next(); ok {
			t.Errorf("after %d, stopped: %v", before, p)
		}
	}
}

// TestStopped: a body that yields once more when it is told to end is not waited for.
func TestStopped(t *testing.T) {
	said := 0
	c := &Coroutine{Body: func(yield func([]byte) bool) {
		for range 3 {
			if !yield([]byte("x")) {
				said++
			}
		}
	}}
	c.Next()
	c.Stop()
	if _, ok := c.Next(); ok || said != 3 {
		t.Errorf("it goes on: %v, told to end %d times", ok, said)
	}
}
