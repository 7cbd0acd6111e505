// Package columns measures and cuts text by the columns that it takes in a terminal.
// It is for text that session.Safe has made safe; the inspector asks its screen.
package columns

import (
	"unicode"

	"golang.org/x/text/width"
)

// Of is how many columns a text takes: two for the wide characters of East Asia and
// for emoji, none for what is combined with the character before.
func Of(s string) (n int) {
	for _, r := range s {
		n += of(r)
	}
	return n
}

func of(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Fit is how many bytes at the start of a text, whole characters, fit into so many
// columns, and how many of those they take.
func Fit(s string, most int) (bytes, taken int) {
	for i, r := range s {
		n := of(r)
		if taken+n > most {
			return i, taken
		}
		taken += n
	}
	return len(s), taken
}

// Clip shortens a text to so many columns, with an ellipsis.
func Clip(s string, most int) string {
	if n, _ := Fit(s, most); n == len(s) {
		return s
	}
	n, _ := Fit(s, most-1)
	return s[:n] + "…"
}
