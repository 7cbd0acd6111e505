package session

import (
	"strings"
	"testing"
)

func TestAlert(t *testing.T) {
	for a, want := range map[Alert]string{AlertUnknownCA: "unknown_ca (48)", AlertClose: "close_notify (0)", 250: "alert 250", NoAlert: ""} {
		if got := a.String(); got != want {
			t.Errorf("%d is %q, want %q", int(a), got, want)
		}
	}
}

// TestNotTLS: the kind of the bytes is told, and nothing that they hold.
func TestNotTLS(t *testing.T) {
	for first, want := range map[string]string{
		"<auth mechanism='PLAIN'>secret":    "XML in the clear (<auth…)",
		"\ufeff\n<?xml version='1.0'?>":     "XML in the clear (<?xml…)",
		"</stream:stream>":                  "XML in the clear (<…)",
		"<" + strings.Repeat("a", 50):       "XML in the clear (<" + strings.Repeat("a", 32) + "…)",
		"HTTP/1.1 400 Bad Request":          `text ("HTTP/"…)`,
		"GET /secret HTTP/1.1":              `text ("GET"…)`,
		"\x00\x01secret, or something else": "something else (first bytes 00 01 73 65 63)",
		"":                                  "something else (first bytes )",
	} {
		if got := NotTLS([]byte(first)); got != want {
			t.Errorf("%q: %q, want %q", first, got, want)
		}
	}
}
