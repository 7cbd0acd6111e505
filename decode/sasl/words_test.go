package sasl

import (
	"testing"
	"time"
)

func TestPeriod(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 54 * time.Second: "54 seconds", 59900 * time.Millisecond: "1 minute",
		3*time.Hour - time.Second: "3 hours", 26 * time.Hour: "26 hours", 48*time.Hour + time.Minute: "2 days", 21*24*time.Hour - time.Second: "21 days",
	} {
		if got := period(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestDER(t *testing.T) {
	for in, want := range map[string]string{
		"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02":     "1.2.840.113554.1.2.2",
		"\x2b\x06\x01\x05\x05\x02":                 "1.3.6.1.5.5.2",
		"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a": "1.3.6.1.4.1.311.2.2.10",
		"\x88\x37": "2.999",
		"":         "",
	} {
		if got := oid([]byte(in)); got != want {
			t.Errorf("%x is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]int{"\x02\x01\x05": 5, "\x02\x01\xff": -1, "\x02\x02\x01\x00": 256, "\x0a\x01\x02": 2} {
		if got, ok := derNumber([]byte(in)); !ok || got != want {
			t.Errorf("%x is %d, %t, want %d", in, got, ok, want)
		}
	}
	for _, bad := range []string{"", "\x02", "\x02\x00", "\x02\x05\x01\x02\x03\x04\x05", "\x04\x01\x01", "\x1f\x01\x01", "\x02\x85\x01\x01\x01\x01\x01\x01"} {
		if n, ok := derNumber([]byte(bad)); ok {
			t.Errorf("%x is taken for %d", bad, n)
		}
	}
}
