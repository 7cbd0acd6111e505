package bend

import (
	"encoding/xml"
	"strings"

	"xmppscope/session"
)

// fill puts what an element says into a template: {id}, {from}, {to}, {type}, {lang} and any
// other attribute of it. What is not there is empty.
func fill(template string, e *session.Event) []byte {
	tag := session.StartTag(e.Raw)
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		if !ok {
			return []byte(b.String())
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok || strings.ContainsAny(name, " <>'\"{") {
			b.WriteString("{")
			template = rest
			continue
		}
		xml.EscapeText(&b, []byte(tag[name]))
		template = after
	}
}

// spliced is raw with the bytes of a span replaced.
func spliced(raw []byte, span session.Span, with string) []byte {
	out := make([]byte, 0, len(raw)+len(with))
	out = append(out, raw[:span.Start]...)
	out = append(out, with...)
	return append(out, raw[span.End:]...)
}

// escaped is text as it stands in XML, between tags or quotes.
func escaped(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text))
	return b.String()
}
