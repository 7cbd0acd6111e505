package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

func TestGarbagePercent(t *testing.T) {
	for kept, want := range map[uint64]int{0: mostGarbage, 1 << 20: mostGarbage, garbage / 2: 200, garbage: 100, 1 << 40: leastGarbage} {
		if got := garbagePercent(kept, 0); got != want {
			t.Errorf("%d bytes are kept: %d %%, want %d", kept, got, want)
		}
	}
	for kept, want := range map[uint64]int{garbage: 300, 3 * garbage: 100 / 3, 1 << 40: leastGarbage} {
		if got := garbagePercent(kept, 4*garbage); got != max(want, leastGarbage) {
			t.Errorf("%d bytes are kept of %d: %d %%, want %d", kept, 4*garbage, got, max(want, leastGarbage))
		}
	}
}

// TestCollectSeldom: what is kept settles how often garbage is collected, and
// afterwards everything is as it was before.
func TestCollectSeldom(t *testing.T) {
	before := collectorPercent()
	stop := collectSeldom(0)
	if got := collectorPercent(); got != mostGarbage {
		t.Errorf("it begins with %d %%", got)
	}
	large := make([]byte, 4*garbage)
	for collectorPercent() != leastGarbage {
		runtime.GC() // what follows it runs in a goroutine of its own
	}
	runtime.KeepAlive(large)
	stop()
	for range 3 {
		runtime.GC()
	}
	if got := collectorPercent(); got != before {
		t.Errorf("it is %d %% in the end, and was %d", got, before)
	}
}

func collectorPercent() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}
