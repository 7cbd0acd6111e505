//go:build !linux || race

package script

import (
	"os"
	"runtime/metrics"
	"time"
)

// boundMemory ends this process when it has taken too much memory. (The detector of races takes
// so much of its own that the system cannot bound it.)
func boundMemory() {
	heap := []metrics.Sample{{Name: "/memory/classes/total:bytes"}}
	go func() {
		for range time.Tick(time.Millisecond) {
			if metrics.Read(heap); heap[0].Value.Uint64() > maxMemory {
				os.Exit(1)
			}
		}
	}()
}
