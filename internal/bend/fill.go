package bend

import (
	"strings"

	"xmppscope/proxy"
	"xmppscope/session"
)

// fill puts what an element says into a template: {id}, {from}, {to}, {type}, {lang} and any
// other attribute of it. What is not there is empty. It fails where too much would come of it.
func fill(template string, e *session.Event) (xml []byte, ok bool) {
	tag := session.StartTag(e.Raw)
	var b strings.Builder
	for b.Len() <= proxy.MaxSending {
		before, rest, ok := strings.Cut(template, "{")
		b.WriteString(before)
		if !ok {
			return []byte(b.String()), true
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
	return nil, false
}
