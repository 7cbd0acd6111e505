package capture

import (
	"unicode"

	"golang.org/x/text/width"
)

// columns is how many columns of a terminal a text takes that is safe to show: two
// for the wide characters of East Asia and for emoji, none for what is combined
// with the character before.
func columns(s string) (n int) {
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if r < 0x300 {
		return 1
	}
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me) || r == 0x200D || r >= 0xFE00 && r <= 0xFE0F:
		return 0
	case width.LookupRune(r).Kind() == width.EastAsianWide, width.LookupRune(r).Kind() == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// clipColumns shortens a text to so many columns.
func clipColumns(s string, most int) string {
	r := []rune(s)
	if n, _ := takeColumns(r, most); n == len(r) {
		return s
	}
	n, _ := takeColumns(r, most-1) // and the ellipsis
	return string(r[:n]) + "…"
}

// takeColumns is how many runes fit into so many columns, and how many of those
// they take.
func takeColumns(r []rune, most int) (runes, taken int) {
	for runes < len(r) {
		n := columnsOf(r[runes])
		if taken+n > most {
			break
		}
		runes, taken = runes+1, taken+n
	}
	return runes, taken
}
