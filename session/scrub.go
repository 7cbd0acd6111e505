package session

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// secretValue is a secret of an event as it may be quoted, and what stands for it.
type secretValue struct{ value, mark string }

type secretValues []secretValue

// Bounds of what is looked for in texts of ours. A short word that is someone's
// password may stand there with nothing to do with it, and to replace it would
// tell what the password is.
const (
	minScrub   = 10 // bytes of a secret that is looked for as it is
	scrubAfter = 6  // bytes before one in the middle of a text, which are looked for with it
)

// NoteQuoted is the name of a note about a secret that is quoted: what is said of the event
// may quote it too, however short it is.
const NoteQuoted = "quoted"

// secretValues are the secrets of an event, as they are and as %q writes them.
// Rules that quote what was said need not know what in it is secret.
func (e *Event) secretValues() (out secretValues) {
	add := func(before, value, after, mark string) {
		out = append(out, secretValue{before + value + after, before + mark + after})
		if q := strconv.Quote(value); q[1:len(q)-1] != value {
			out = append(out, secretValue{before + q[1:len(q)-1] + after, before + mark + after})
		}
	}
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Secret != "" && (Telling(n.Value) || n.Name == NoteQuoted) {
			add("", n.Value, "", n.Mark)
		}
	}
	last := 0
	for i, s := range e.Secrets {
		if s.Span.Start >= s.Span.End || s.Span.End > len(e.Raw) {
			continue
		}
		next := len(e.Raw)
		if i+1 < len(e.Secrets) {
			next = max(s.Span.End, min(next, e.Secrets[i+1].Span.Start))
		}
		value := string(e.Raw[s.Span.Start:s.Span.End])
		before, after := before(e.Raw[min(last, s.Span.Start):s.Span.Start]), after(e.Raw[s.Span.End:next])
		last = s.Span.End
		switch {
		case before != "":
			add(before, value, "", s.Mark)
		case Telling(value):
			add("", value, "", s.Mark)
		case after != "":
			add("", value, after, s.Mark)
		}
	}
	return out
}

// Telling says whether a secret can be mistaken for nothing else.
func Telling(value string) bool {
	return len(value) >= minScrub && strings.ContainsFunc(value, func(r rune) bool { return r < 'A' || r > 'z' })
}

// before is what stands in the same text right before a secret.
func before(raw []byte) string {
	start := max(0, len(raw)-scrubAfter)
	if i := strings.LastIndexAny(string(raw[start:]), "<>\"'&;\n"); i >= 0 {
		start += i + 1
	}
	for start < len(raw) && !utf8.RuneStart(raw[start]) {
		start++
	}
	return string(raw[start:])
}

// after is what stands in the same text right behind a secret, if that is more than a word
// of ours could have there.
func after(raw []byte) string {
	end := min(len(raw), scrubAfter)
	if i := strings.IndexAny(string(raw[:end]), "<>\"'&;\n"); i >= 0 {
		return ""
	}
	for end > 0 && end < len(raw) && !utf8.RuneStart(raw[end]) {
		end--
	}
	return string(raw[:end])
}

// scrub replaces the secrets in a text of ours, also where the text was shortened
// in the middle of one.
func (v secretValues) scrub(text string) string {
	for _, s := range v {
		text = s.scrub(text)
	}
	return text
}

// inBody is scrub for the words of the wire that a body holds again.
func (v secretValues) inBody(body Body) Body {
	switch b := body.(type) {
	case HTTPRequest:
		b.Target = strings.TrimPrefix(v.scrub(b.Method+" "+b.Target), b.Method+" ") // as it stands in the head
		return b
	case HTTPResponse:
		b.Text, b.Location = v.scrub(b.Text), v.scrub(b.Location)
		return b
	}
	return body
}

func (s secretValue) scrub(text string) string {
	least := min(len(s.value), scrubAfter+1)
	for from := 0; ; {
		i := strings.Index(text[from:], s.value[:least])
		if i < 0 {
			return text
		}
		start := from + i
		end := start + least
		for end < len(text) && end-start < len(s.value) && text[end] == s.value[end-start] {
			end++
		}
		from = end
		if end-start == len(s.value) || strings.HasPrefix(text[end:], "…") {
			text = text[:start] + s.mark + text[end:]
			from = start + len(s.mark)
		}
	}
}
