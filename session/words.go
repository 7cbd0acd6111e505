package session

import (
	"fmt"
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

// Plural is a number with its noun: "1 byte", "2 bytes".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// ShortTime is a duration as a person likes it: "34 ms", "1.2 s".
func ShortTime(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
