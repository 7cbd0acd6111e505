package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Explaining makes much garbage and keeps little. So much of it may gather, in bytes, and
// in percent of what is kept.
const (
	garbage      = 24 << 20
	leastGarbage = 40
	mostGarbage  = 400
)

// liveHeap is up to where garbage may gather while sessions come in, in bytes with what is
// kept: collections take time from the wire.
const liveHeap = 88 << 20

// collectSeldom lets the garbage collector run less often, until stop is called: what is
// kept and garbage may come to so much at any rate.
func collectSeldom(heap uint64) (stop func()) {
	before := debug.SetGCPercent(mostGarbage)
	var mu sync.Mutex
	over := false
	afterCollection(func() bool {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			debug.SetGCPercent(garbagePercent(kept(), heap))
		}
		return !over
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		debug.SetGCPercent(before)
	}
}

// garbagePercent is the share of what is kept that may gather as garbage.
func garbagePercent(kept, heap uint64) int {
	may := max(garbage, heap-min(kept, heap))
	return int(min(max(may*100/max(kept, 1), leastGarbage), mostGarbage))
}

// kept is how much the newest collection has left, with all that debug.SetGCPercent is a
// percentage of.
func kept() (sum uint64) {
	parts := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(parts)
	for i := range parts {
		sum += parts[i].Value.Uint64()
	}
	return sum
}

// afterCollection calls do after each garbage collection, until it returns false.
func afterCollection(do func() bool) {
	type dead struct{ _ [16]byte } // not so small that it shares its room
	var again func(*dead)
	again = func(d *dead) {
		if do() {
			runtime.SetFinalizer(d, again)
		}
	}
	runtime.SetFinalizer(new(dead), again)
}
