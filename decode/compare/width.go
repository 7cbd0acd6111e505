package compare

import (
	"strings"
	"unicode/utf8"
	"xmppscope/internal/columns"
)

// padded fills a text up with spaces to a width.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(width-columns.Of(s), 0))
}

// wrapped breaks text at spaces, and within words that are wider than a line.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		for columns.Of(word) > width {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			at := fitting(word, width)
			lines, word = append(lines, word[:at]), word[at:]
		}
		switch {
		case line == "":
			line = word
		case columns.Of(line)+1+columns.Of(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// fitting is how many bytes of a word fit into a width; at least one character does.
func fitting(word string, width int) int {
	n, _ := columns.Fit(word, width)
	_, first := utf8.DecodeRuneInString(word)
	return max(n, first)
}

// widest is the width of the widest word.
func widest(text string) (n int) {
	for _, word := range strings.Fields(text) {
		n = max(n, columns.Of(word))
	}
	return n
}
