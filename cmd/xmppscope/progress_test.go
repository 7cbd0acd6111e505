package main

import (
	"strings"
	"testing"
	"time"
)

// TestProgress: nothing for what is quick, then a line that names the file, and is
// taken away in the end.
func TestProgress(t *testing.T) {
	var out strings.Builder
	now := time.Unix(1000, 0)
	p := &progress{w: &out, now: func() time.Time { return now }, doing: doingRead, name: "big\x1b[2J.pcap", next: now.Add(progressAfter)}
	p.size.Store(20e6)
	p.add(1e6, 10)
	if out.Len() > 0 {
		t.Errorf("shown at once: %q", out.String())
	}
	now = now.Add(progressAfter)
	p.add(4e6, 12)
	p.add(1, 13)
	if want := "\r\x1b[Kreading big␛[2J.pcap: 25 % of 20.0 MB, 12 events"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	out.Reset()
	p.clear()
	p.clear()
	if want := "\r\x1b[K"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
