package session

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe makes text from the wire fit to be shown in a terminal: control and
// format characters (escapes, bidi overrides, zero-width marks) become visible
// text, invalid UTF-8 becomes \xNN. Line feeds and tabs stay.
func Safe(s string) string {
	if isSafe(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r < 0x20:
			b.WriteRune(0x2400 + r) // the control pictures: ␀ … ␛ … ␟
		case r == 0x7f:
			b.WriteRune(0x2421)
		case !visible(r):
			b.WriteString(Escaped(r))
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// SafeLine is Safe for text that has to stay on one line.
func SafeLine(s string) string {
	s = Safe(s)
	if !strings.ContainsAny(s, "\n\t") {
		return s
	}
	return strings.NewReplacer("\n", "␊", "\t", "␉").Replace(s)
}

// AppendSafeLine appends SafeLine(s) to a buffer.
func AppendSafeLine(b []byte, s string) []byte {
	if Printable([]byte(s), 0, 0) < len(s) {
		s = SafeLine(s)
	}
	return append(b, s...)
}

func isSafe(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x7f || (c < 0x20 && c != '\n' && c != '\t') {
			if c < utf8.RuneSelf {
				return false
			}
			return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
				return r == 0x7f || (r < 0x20 && r != '\n' && r != '\t') || (r >= 0x80 && !visible(r))
			})
		}
	}
	return true
}

// visible says whether a rune above ASCII may be shown as it is. Format
// characters (bidi controls, zero-width marks, tags), the C1 controls, line and
// paragraph separators, private and unassigned code points are not: they hide,
// reorder or break text. The joiner U+200D is let through: emoji need it, and it
// moves nothing.
func visible(r rune) bool { return r == 0x200D || unicode.IsGraphic(r) }

// Escaped is how a character is shown that may not be shown as it is: as in a quoted
// string of Go, which is how the wire is quoted in sentences.
func Escaped(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}
