package session

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestShortLine: what a peer chose is safe, on one line and bounded.
func TestShortLine(t *testing.T) {
	for s, want := range map[string]string{
		"a\nb\x1b":                     "a␊b␛",
		strings.Repeat("ü", 200) + "x": strings.Repeat("ü", 150) + "…",
		"x" + strings.Repeat("ü", 200): "x" + strings.Repeat("ü", 149) + "…", // not cut within a character
	} {
		if got := ShortLine(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
	if got := Listed(nil) + Listed([]string{"TLS 1.2", "x\n"}); got != " (TLS 1.2, x␊)" {
		t.Errorf("%q", got)
	}
}

func TestWords(t *testing.T) {
	if got := Plural(0, "byte") + Plural(1, "byte") + Plural(-2, "byte"); got != "0 bytes1 byte-2 bytes" {
		t.Errorf("%q", got)
	}
	if got := C2S.Sender() + S2C.Sender() + NoDir.Sender(); got != "clientserverpeer" {
		t.Errorf("%q", got)
	}
}

func TestShortTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 900 * time.Microsecond: "900µs", 4200 * time.Microsecond: "4.2ms", 34567 * time.Microsecond: "34.6ms", 12 * time.Millisecond: "12ms",
		1250 * time.Millisecond: "1.25s", 62155 * time.Millisecond: "1m02s", 3*time.Hour + 4*time.Minute: "3h04m", 50 * time.Hour: "2d02h",
		-2 * time.Second: "-2s", math.MinInt64: "-106751d23h",
	} {
		if got := ShortTime(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
