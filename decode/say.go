package decode

import (
	"fmt"
	"strconv"
	"strings"

	"xmppscope/session"
)

// Field makes a note that is a decoded field.
func Field(name, value string, span session.Span) session.Note {
	return session.Note{Name: name, Value: value, Span: span}
}

// Say makes a note that is a sentence, with fmt's verbs. The arguments are strings and
// whole numbers.
func Say(sev session.Severity, span session.Span, format string, args ...any) session.Note {
	return session.Note{Severity: sev, Span: span, Text: sentence(format, args)}
}

// Explain is Say for what only explains, with its section of a specification.
func Explain(ref string, span session.Span, format string, args ...any) session.Note {
	n := Say(session.Info, span, format, args...)
	n.Ref = ref
	return n
}

// sentence is fmt.Sprintf, several times as fast for what sentences are made of:
// strings with %s and %q, whole numbers with %d. Other verbs are left to fmt.
func sentence(format string, args []any) string {
	if len(args) == 0 && strings.IndexByte(format, '%') < 0 {
		return format
	}
	if len(args) == 1 && format == "%s" {
		if s, ok := args[0].(string); ok {
			return s
		}
	}
	var room [240]byte
	out, rest := room[:0], format
	for _, arg := range args {
		i := strings.IndexByte(rest, '%')
		if i < 0 || i+1 == len(rest) {
			return formatted(format, args)
		}
		var ok bool
		if out, ok = appendVerb(append(out, rest[:i]...), rest[i+1], arg); !ok {
			return formatted(format, args)
		}
		rest = rest[i+2:]
	}
	if strings.IndexByte(rest, '%') >= 0 {
		return formatted(format, args)
	}
	return string(append(out, rest...))
}

// notSaid stands for an argument that is neither a string nor a whole number.
const notSaid = "(an argument that Say does not take)"

// formatted leaves a sentence to fmt. It hands copies over: so the compiler sees that
// nobody keeps the arguments, and callers need not put them on the heap.
func formatted(format string, args []any) string {
	copies := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			copies[i] = v
		case int:
			copies[i] = v
		case int64:
			copies[i] = v
		case uint64:
			copies[i] = v
		default:
			copies[i] = notSaid
		}
	}
	return fmt.Sprintf(format, copies...)
}

func appendVerb(out []byte, verb byte, arg any) ([]byte, bool) {
	switch v := arg.(type) {
	case string:
		switch {
		case verb == 's':
			return append(out, v...), true
		case verb == 'q' && isPlain(v):
			return append(append(append(out, '"'), v...), '"'), true
		case verb == 'q':
			return strconv.AppendQuote(out, v), true
		}
	case int:
		return strconv.AppendInt(out, int64(v), 10), verb == 'd'
	case int64:
		return strconv.AppendInt(out, v, 10), verb == 'd'
	case uint64:
		return strconv.AppendUint(out, v, 10), verb == 'd'
	}
	return out, false
}

// Quote is strconv.Quote, several times as fast for what needs nothing but the quotes.
func Quote(s string) string {
	if isPlain(s) {
		return `"` + s + `"`
	}
	return strconv.Quote(s)
}

// Quotes quotes names for a sentence: "none" where there are none.
func Quotes(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = Quote(n)
	}
	return strings.Join(quoted, ", ")
}

// isPlain says whether a string is quoted by putting quotes around it.
func isPlain(s string) bool { return session.Printable([]byte(s), '"', '\\') == len(s) }
