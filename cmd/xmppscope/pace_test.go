package main

import (
	"testing"
	"time"
)

// TestPace: explaining rests while the wire needs the CPUs, and only then.
func TestPace(t *testing.T) {
	const work = 2 * time.Millisecond
	long, longer := 9*work, 30*work
	for _, tt := range []struct {
		name   string
		flow   int64         // MiB a second
		used   time.Duration // of work
		waits  int64
		want   time.Duration
		silent time.Duration // before
	}{
		{"nothing flows", 0, work, 1 << 20, 0, 0},
		{"nothing flows, and others take the CPUs", 0, work / 2, 1 << 20, 0, 0},
		{"little waits", 0, work, 100, gatherTime, 0},
		{"it flows steadily, and there is room", 40, work, 1 << 20, 0, 0},
		{"it flows, and the CPUs are short", 20, work / 2, 1 << 20, long, 0},
		{"the same, and much waits", 20, work / 2, 1 << 30, 0, 0},
		{"more than could be explained", 60, work, 1 << 20, longer, 0},
		{"as much as goes, after a silence", 400, work, 1 << 20, longer, time.Hour},
	} {
		var p pace
		now, flowed := time.Unix(1_800_000_000, 0), int64(0)
		p.after(now, work, work, flowed, 1<<20)
		now = now.Add(tt.silent)
		var got time.Duration
		for range 100 {
			now = now.Add(work)
			flowed += tt.flow << 20 * int64(work) / int64(time.Second)
			got = p.after(now, work, tt.used, flowed, tt.waits)
		}
		if got != tt.want {
			t.Errorf("%s: it rests for %v, want %v", tt.name, got, tt.want)
		}
	}
	var p pace
	now := time.Unix(1_800_000_000, 0)
	p.after(now, work, work, 0, 0)
	if got := p.after(now.Add(time.Hour), work, work, 64<<20, 64<<20); got != longer {
		t.Errorf("a burst after a silence: it rests for %v at once, want %v", got, longer)
	}
}
