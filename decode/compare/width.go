package compare

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// cells is how many columns of a terminal a text takes: East Asian characters and
// emoji take two, marks that combine with the letter before them none.
func cells(s string) (n int) {
	for _, r := range s {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
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

// padded fills a text up with spaces to a width.
func padded(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-cells(s), 0))
}

// wrapped breaks text at spaces, and within words that are wider than a line.
func wrapped(text string, columns int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		for cells(word) > columns {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			at := fitting(word, columns)
			lines, word = append(lines, word[:at]), word[at:]
		}
		switch {
		case line == "":
			line = word
		case cells(line)+1+cells(word) > columns:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// fitting is how many bytes of a word fit into a width; at least one character does.
func fitting(word string, columns int) int {
	n := 0
	for i, r := range word {
		if n += cellsOf(r); n > columns && i > 0 {
			return i
		}
	}
	return len(word)
}

// widest is the width of the widest word.
func widest(text string) (n int) {
	for _, word := range strings.Fields(text) {
		n = max(n, cells(word))
	}
	return n
}
