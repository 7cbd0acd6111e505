package proxy

import (
	"testing"
	"time"
)

// TestHurry: only who sends much in small pieces, without waiting for anything, is paused for.
func TestHurry(t *testing.T) {
	for name, tt := range map[string]struct {
		every []time.Duration // between reads, again and again
		size  int
		want  bool
	}{
		"small records without end":            {[]time.Duration{4 * time.Microsecond}, 330, true},
		"the same, with the CPU lost at times": {append(repeated(60, 4*time.Microsecond), time.Millisecond), 330, true},
		"large pieces":                         {[]time.Duration{4 * time.Microsecond}, legRoom, false},
		"a message that awaits its answer":     {[]time.Duration{60 * time.Microsecond}, 330, false},
		"a few at a time":                      {append(repeated(10, 4*time.Microsecond), time.Millisecond), 330, false},
	} {
		var h hurry
		var now time.Duration
		got := false
		for i := range 1000 {
			now += tt.every[i%len(tt.every)]
			got = h.read(now, tt.size) || got
		}
		if got != tt.want {
			t.Errorf("%s: paused is %v", name, got)
		}
	}
}

func repeated(n int, d time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = d
	}
	return all
}
