package proxy

import (
	"testing"
	"time"
)

// TestHurry: only who sends much in small records, without waiting for anything, is paused for.
func TestHurry(t *testing.T) {
	const paused = hurryPause + 60*time.Microsecond
	for name, tt := range map[string]struct {
		every         []time.Duration // between reads, again and again
		size, records int             // of a read
		want          bool
	}{
		"small records without end":            {[]time.Duration{4 * time.Microsecond}, 330, 1, true},
		"the same, some at a time":             {[]time.Duration{40 * time.Microsecond}, 8 * 330, 8, true},
		"the same, with the CPU lost at times": {append(repeated(60, 4*time.Microsecond), time.Millisecond), 330, 1, true},
		"large records":                        {[]time.Duration{4 * time.Microsecond}, maxRecord, 1, false},
		"some of them at a time":               {[]time.Duration{40 * time.Microsecond}, 4 * maxRecord, 4, false},
		"a message that awaits its answer":     {[]time.Duration{60 * time.Microsecond}, 330, 1, false},
		"a few at a time":                      {append(repeated(10, 4*time.Microsecond), time.Millisecond), 330, 1, false},
	} {
		var h hurry
		var now time.Duration
		got := false
		for i := range 1000 {
			now += tt.every[i%len(tt.every)]
			got = h.read(now, tt.size, tt.records) || got
		}
		if got != tt.want {
			t.Errorf("%s: paused is %v", name, got)
		}
	}
	h := hurry{many: hurryMany}
	if h.read(paused, 40*330, 40); h.many < hurryMany {
		t.Error("who goes on in a hurry while there is a pause is not paused for again")
	}
	if h.read(2*paused, 330, 1) {
		t.Error("who awaits an answer is paused for, since he was in a hurry before")
	}
}

func repeated(n int, d time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = d
	}
	return all
}
