package bend

import (
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
		b.WriteString(session.EscapeXML(tag[name]))
		template = after
	}
}
