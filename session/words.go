package session

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ShortLine is SafeLine of at most 300 bytes, for what a peer chose and a sentence
// quotes. It ends in "…" if it was cut.
func ShortLine(s string) string {
	const most = 300
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return SafeLine(s)
}

// Listed is what a peer chose, in brackets behind a sentence, " (TLS 1.2, TLS 1.1)",
// and "" if there is nothing.
func Listed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + ShortLine(strings.Join(names, ", ")) + ")"
}

// BareJID is a JID without its resource; a resource may hold slashes of its own (RFC 7622 §3.4).
func BareJID(jid string) string {
	bare, _, _ := strings.Cut(jid, "/")
	return bare
}

// Plural is a number with its noun: "1 byte", "2 bytes".
func Plural(n int, noun string) string {
	return strconv.Itoa(n) + " " + Noun(n, noun)
}

// Noun is a noun beside a number: "try" for 1, else "tries".
func Noun(n int, noun string) string {
	stem, y := strings.CutSuffix(noun, "y")
	switch {
	case n == 1:
		return noun
	case y && !strings.HasSuffix(stem, "a") && !strings.HasSuffix(stem, "e") && !strings.HasSuffix(stem, "o"):
		return stem + "ies"
	}
	return noun + "s"
}

// ShortTime is a duration for a person, at most six characters for a day: "34.5ms",
// "1.234s", "1m02s", "3h05m", "2d03h". It is how all of xmppscope shows one.
func ShortTime(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + ShortTime(-max(d, -math.MaxInt64))
	case d < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case d < 100*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < 10*time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
}

// Moment is a time to the minute, for dates of certificates.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
