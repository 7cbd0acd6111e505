package viewer

import (
	"strings"

	"github.com/gdamore/tcell/v2"
)

// width is how many cells the line takes.
func (l line) width() int {
	n := 0
	for _, s := range l {
		n += s.text.width()
	}
	return n
}

// text is what the line says.
func (l line) text() (out clean) {
	for _, s := range l {
		out += s.text
	}
	return out
}

// fit cuts the line to a width; what was cut shows an ellipsis.
func (l line) fit(width int) line {
	if l.width() <= width {
		return l
	}
	var out line
	for _, s := range l {
		w := s.text.width()
		if w >= width {
			// Even where this span just fits, more follows: show that it was cut.
			if w == width {
				s.text += "…"
			}
			s.text = s.text.fit(width)
			return append(out, s)
		}
		out, width = append(out, s), width-w
	}
	return out
}

// glyph is one character of a line that is being wrapped.
type glyph struct {
	text  clean
	width int
	style tcell.Style
}

func (l line) glyphs() []glyph {
	var out []glyph
	for _, s := range l {
		for rest := s.text; len(rest) > 0; {
			var g glyph
			g.text, rest, g.width = next(rest)
			g.style = s.style
			out = append(out, g)
		}
	}
	return out
}

// wrap breaks the line at spaces, or where it must, into lines of at most width
// cells; all but the first begin with hang blanks.
func (l line) wrap(width, hang int) []line {
	if width < 1 {
		return nil
	}
	if l.width() <= width {
		return []line{l}
	}
	if hang > width/2 {
		hang = 0
	}
	var out []line
	all, room := l.glyphs(), width
	for len(all) > 0 {
		n := breakAt(all, room)
		row := join(all[:n])
		if len(out) > 0 && hang > 0 {
			row = append(line{{spaces(hang), tcell.StyleDefault}}, row...)
		}
		out = append(out, row)
		for n < len(all) && all[n].text == " " {
			n++ // the space at which we broke
		}
		all, room = all[n:], width-hang
	}
	return out
}

// breakAt says how many glyphs go on a line of this width: at least one.
func breakAt(all []glyph, width int) int {
	used, blank := 0, 0
	for i, g := range all {
		if used+g.width > width {
			if g.text == " " || blank == 0 {
				return max(1, i)
			}
			return blank
		}
		used += g.width
		if g.text == " " && i > 0 && used > width/3 { // not so early that most of the line stays empty
			blank = i + 1
		}
	}
	return len(all)
}

// join makes a line of glyphs, one span for each run of a style.
func join(all []glyph) line {
	var out line
	for start := 0; start < len(all); {
		end := start
		var text clean
		for end < len(all) && all[end].style == all[start].style {
			text += all[end].text
			end++
		}
		out = append(out, span{text, all[start].style})
		start = end
	}
	return out
}

// put draws the line into at most width cells, each style passed through over,
// and returns how many cells it took.
func (l line) put(screen tcell.Screen, x, y, width int, over func(tcell.Style) tcell.Style) int {
	used := 0
	for _, s := range l {
		for rest := s.text; len(rest) > 0; {
			var first clean
			var w int
			if first, rest, w = next(rest); first == "§" && isPlain(screen) {
				first, rest, w = "s", "."+rest, 1
			}
			if used+w > width {
				return used
			}
			screen.Put(x+used, y, string(first), over(s.style))
			used += w
		}
	}
	return used
}

// asIs is the over of lines that keep their styles.
func asIs(s tcell.Style) tcell.Style { return s }

// lit marks each place of a text in the line, upper or lower case, with a style.
func (l line) lit(text string, style tcell.Style) line {
	lower := strings.ToLower(text)
	var out line
	for _, s := range l {
		folded := strings.ToLower(string(s.text))
		for at := 0; len(lower) > 0 && len(folded) == len(s.text); {
			if at = strings.Index(folded, lower); at < 0 {
				break
			}
			end := at + len(lower)
			out = append(out, span{s.text[:at], s.style}, span{s.text[at:end], style})
			s.text, folded = s.text[end:], folded[end:]
		}
		out = append(out, s)
	}
	return out
}
