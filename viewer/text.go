package viewer

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/gdamore/tcell/v2"

	"xmppscope/session"
)

// clean is text that is fit to be drawn: one line, without control or format
// characters, without anything that reorders, hides or piles up. String
// constants are clean as they stand; all other text becomes clean by wire, here
// and nowhere else, so that a forgotten call does not compile.
type clean string

// span is a run of text in one style; a line is what stands in one row of cells.
type (
	span struct {
		text  clean
		style tcell.Style
	}
	line []span
)

// wire makes text from anywhere clean. Line feeds and tabs become visible.
func wire(s string) clean { return clean(calm(session.SafeLine(s))) }

// wiref is wire for formatted text.
func wiref(format string, args ...any) clean { return wire(fmt.Sprintf(format, args...)) }

// wireLines is wire for text in which line feeds mean lines.
func wireLines(s string) []clean {
	var out []clean
	for part := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		out = append(out, wire(strings.ReplaceAll(part, "\t", "    ")))
	}
	return out
}

const (
	maxMarks   = 4  // combining marks on one character; Vietnamese and Hebrew need three
	maxCluster = 10 // runes in one joined emoji; a couple with skin tones has ten
	joiner     = 0x200D
)

// calm takes out what session.Safe lets pass because it is ordinary in some
// script, but which may hide or pile up: floods of combining marks, marks on
// nothing, joiners that join no emoji, blank letters, unusual variation selectors.
func calm(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	runes := []rune(s)
	marks, length, dropped := 0, 0, 0
	flush := func() {
		if dropped > 0 {
			fmt.Fprintf(&b, "‹+%d marks›", dropped)
			dropped = 0
		}
	}
	for i, r := range runes {
		isMark := unicode.Is(unicode.M, r)
		if isMark && !invisible(r) && marks >= maxMarks {
			dropped++
			continue
		}
		flush()
		switch {
		case invisible(r), r == joiner && (length >= maxCluster || !joins(runes, i)):
			b.WriteString(session.Escaped(r))
			marks, length = 0, 0
			continue
		case isMark:
			if i == 0 {
				b.WriteRune('◌')
			}
			marks++
		case r != joiner && (i == 0 || runes[i-1] != joiner) && !isJamo(r):
			marks, length = 0, 0
		case isJamo(r) && length >= maxCluster:
			b.WriteRune('·')
			length = 1
		}
		length++
		b.WriteRune(r)
	}
	flush()
	return b.String()
}

// joins says whether the joiner at i stands between two emoji.
func joins(runes []rune, i int) bool {
	emoji := func(r rune) bool {
		return unicode.Is(unicode.So, r) || unicode.Is(unicode.Sk, r) || r == 0xFE0F || r == 0x2640 || r == 0x2642
	}
	return i > 0 && i+1 < len(runes) && emoji(runes[i-1]) && emoji(runes[i+1])
}

// isJamo: parts of Hangul syllables, which join with each other without end.
func isJamo(r rune) bool {
	return r >= 0x1100 && r <= 0x11FF || r >= 0xA960 && r <= 0xA97F || r >= 0xD7B0 && r <= 0xD7FF
}

// invisible names letters and marks that show nothing at all.
func invisible(r rune) bool {
	switch {
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0,
		r >= 0x180B && r <= 0x180F, r >= 0xFE00 && r <= 0xFE0D, r >= 0xE0100 && r <= 0xE01EF:
		return true
	}
	return false
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// oneCell is for what tcell is asked about widths.
var oneCell = sync.Pool{New: func() any {
	c := new(tcell.CellBuffer)
	c.Resize(1, 1)
	return c
}}

// next takes the first character off s, with all that belongs to it, and its
// width in cells: the way tcell cuts it when it is drawn.
func next(s clean) (first, rest clean, width int) {
	if s[0] < 0x80 && (len(s) == 1 || s[1] < 0x80) {
		return s[:1], s[1:], 1
	}
	scratch := oneCell.Get().(*tcell.CellBuffer)
	tail, width := scratch.Put(0, 0, string(s), tcell.StyleDefault)
	oneCell.Put(scratch)
	at := len(s) - len(tail)
	return s[:at], s[at:], width
}

// width is how many cells the text takes.
func (s clean) width() int {
	if isASCII(string(s)) {
		return len(s)
	}
	n := 0
	for len(s) > 0 {
		var w int
		_, s, w = next(s)
		n += w
	}
	return n
}

// fit cuts the text to a width; what was cut shows an ellipsis.
func (s clean) fit(width int) clean {
	if s.width() <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	n, rest := 0, s
	for len(rest) > 0 {
		_, tail, w := next(rest)
		if n+w > width-1 {
			break
		}
		n, rest = n+w, tail
	}
	return s[:len(s)-len(rest)] + "…"
}

// trimmed is the text without blanks at its end.
func (s clean) trimmed() clean { return clean(strings.TrimRight(string(s), " ")) }

// pad brings the text to exactly a width: cut, or filled up on the right.
func (s clean) pad(width int) clean {
	s = s.fit(width)
	return s + spaces(width-s.width())
}

// padLeft is pad, but fills up on the left.
func (s clean) padLeft(width int) clean {
	s = s.fit(width)
	return spaces(width-s.width()) + s
}

// spelled is the text for a terminal in ASCII. tcell knows § as a line-drawing
// character that most terminals draw as something else, and takes no fallback for it.
func (s clean) spelled() clean { return clean(strings.ReplaceAll(string(s), "§", "s.")) }

// isPlain says whether a screen shows ASCII only.
func isPlain(screen tcell.Screen) bool { return screen.CharacterSet() == "US-ASCII" }

func spaces(n int) clean { return repeat(" ", n) }

// repeat is strings.Repeat that takes a negative count as none.
func repeat(s clean, n int) clean { return clean(strings.Repeat(string(s), max(0, n))) }
