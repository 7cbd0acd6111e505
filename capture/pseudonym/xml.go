package pseudonym

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

// edit is a span of an event's bytes and what comes in its place.
type edit struct {
	span session.Span
	text string
}

// raw replaces what is not protocol in the event's bytes, and moves the spans that
// point there. Bytes that are no XML go as a whole.
func (n *Names) raw(e *session.Event) {
	if len(e.Raw) == 0 {
		return
	}
	var edits []edit
	_, opaque := e.Body.(session.StreamRaw)
	if opaque || !utf8.Valid(e.Raw) {
		edits = []edit{{session.Span{End: len(e.Raw)}, n.text("bytes", string(e.Raw))}}
	} else {
		x := xmlEdits{n: n, raw: string(e.Raw), secrets: e.Secrets}
		edits = x.all()
	}
	e.Raw, e.Secrets = bytesEdited(e.Raw, edits), slices.Clone(e.Secrets)
	for i := range e.Secrets {
		e.Secrets[i].Span = moved(edits, e.Secrets[i].Span)
	}
	for i := range e.Notes {
		s := &e.Notes[i].Span
		if s.Len() == 0 {
			*s = session.Span{} // it may lie behind the end now
			continue
		}
		*s = moved(edits, *s)
	}
}

func bytesEdited(raw []byte, edits []edit) []byte {
	out := make([]byte, 0, len(raw))
	last := 0
	for _, e := range edits {
		out = append(append(out, raw[last:e.span.Start]...), e.text...)
		last = e.span.End
	}
	return append(out, raw[last:]...)
}

// moved is where a span lies after the edits, which are in order.
func moved(edits []edit, s session.Span) session.Span {
	at := func(pos int, end bool) int {
		delta := 0
		for _, e := range edits {
			grown := len(e.text) - e.span.Len()
			switch {
			case pos >= e.span.End:
				delta += grown
			case pos > e.span.Start && end: // inside: the edges of what came in its place
				return e.span.Start + delta + len(e.text)
			case pos > e.span.Start:
				return e.span.Start + delta
			}
		}
		return pos + delta
	}
	return session.Span{Start: at(s.Start, false), End: at(s.End, true)}
}

// xmlEdits walks over XML as it was written, however broken it is.
type xmlEdits struct {
	n       *Names
	raw     string
	secrets []session.Secret
	at      int
	stack   []string // local names of the open elements
	edits   []edit
}

func (x *xmlEdits) all() []edit {
	for x.at < len(x.raw) {
		rest := x.raw[x.at:]
		if rest[0] != '<' {
			end := strings.IndexByte(rest, '<')
			if end < 0 {
				end = len(rest)
			}
			x.text(x.at, x.at+end, html.UnescapeString(rest[:end]))
			x.at += end
			continue
		}
		end := session.MarkupEnd(rest)
		x.markup(rest[:end])
		x.at += end
	}
	return x.edits
}

var xmlDeclaration = regexp.MustCompile(`^<\?xml version=(?:'1.0'|"1.0")[ a-zA-Z0-9='"-]{0,60}\?>$`)

// startTag is one that ends, with its name and its attributes.
var startTag = regexp.MustCompile(`^<([A-Za-z_][A-Za-z0-9_.:-]*)((?:\s+[A-Za-z_][A-Za-z0-9_.:-]*\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*/?>$`)

// endTag is one that is well-formed.
var endTag = regexp.MustCompile(`^</[A-Za-z_][A-Za-z0-9_.:-]*\s*>$`)

var attribute = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_.:-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')`)

func (x *xmlEdits) markup(tag string) {
	switch {
	case strings.HasPrefix(tag, "</"):
		if len(x.stack) > 0 {
			x.stack = x.stack[:len(x.stack)-1]
		}
		if !endTag.MatchString(tag) {
			x.drop(tag)
		}
		return
	case strings.HasPrefix(tag, "<![CDATA["):
		inner := strings.TrimSuffix(strings.TrimPrefix(tag, "<![CDATA["), "]]>")
		x.text(x.at, x.at+len(tag), inner)
		return
	case xmlDeclaration.MatchString(tag):
		return
	}
	m := startTag.FindStringSubmatchIndex(tag)
	if m == nil {
		x.drop(tag)
		return
	}
	name := local(tag[m[2]:m[3]])
	x.n.keep(name)
	for _, a := range attribute.FindAllStringSubmatchIndex(tag[m[4]:m[5]], -1) {
		start, end := a[4], a[5]
		if start < 0 {
			start, end = a[6], a[7]
		}
		x.attr(name, tag[m[4]+a[2]:m[4]+a[3]], x.at+m[4]+start, x.at+m[4]+end)
	}
	if !strings.HasSuffix(tag, "/>") {
		x.stack = append(x.stack, name)
	}
}

// drop replaces markup that cannot be looked into.
func (x *xmlEdits) drop(tag string) {
	x.put(x.at, x.at+len(tag), x.n.text("markup", tag))
}

func (x *xmlEdits) put(start, end int, text string) {
	if x.raw[start:end] != text {
		x.edits = append(x.edits, edit{session.Span{Start: start, End: end}, text})
	}
}

// secret says whether a span is a placeholder already.
func (x *xmlEdits) secret(start, end int) bool {
	return slices.ContainsFunc(x.secrets, func(s session.Secret) bool { return s.Span.Start <= start && end <= s.Span.End })
}

func (x *xmlEdits) attr(element, name string, start, end int) {
	if x.secret(start, end) || start == end {
		return
	}
	value := html.UnescapeString(x.raw[start:end])
	x.n.keep(local(name))
	if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
		x.put(start, end, escaped(x.n.namespace(value)))
		return
	}
	x.put(start, end, escaped(x.n.value(element, local(name), value)))
}

// value is that of an attribute.
func (n *Names) value(element, name, s string) string {
	switch {
	case jidNames[name]:
		return n.jid(s)
	case hostNames[name]:
		return n.host(s)
	case userNames[name]:
		return n.user(s)
	case resourceNames[name]:
		return n.resource(s)
	case spaceAttrs[name] && isKnownSpace(s):
		return n.keep(s)
	case idNames[name]:
		return n.id(s)
	case keptAttrs[name] && isWord(s), s == "true", s == "false":
		return n.keep(s)
	}
	return n.text(element+" "+name, s)
}

// text is character data, a placeholder in whole or in part included.
func (x *xmlEdits) text(start, end int, value string) {
	if x.secret(start, end) || strings.TrimSpace(value) == "" {
		return
	}
	for _, s := range x.secrets { // around one: the rest goes
		if s.Span.Start >= start && s.Span.End <= end {
			x.around(start, end, s.Span)
			return
		}
	}
	parent := ""
	if len(x.stack) > 0 {
		parent = x.stack[len(x.stack)-1]
	}
	x.put(start, end, escaped(x.n.content(parent, value)))
}

func (x *xmlEdits) around(start, end int, secret session.Span) {
	if secret.Start > start {
		x.put(start, secret.Start, x.n.text("text", x.raw[start:secret.Start]))
	}
	if secret.End < end {
		x.put(secret.End, end, x.n.text("text", x.raw[secret.End:end]))
	}
}

// content is the text of an element.
func (n *Names) content(element, s string) string {
	trimmed := strings.TrimSpace(s)
	switch {
	case spaceTexts[element] && isKnownSpace(trimmed), keptTexts[element] && isWord(trimmed):
		return strings.Replace(s, trimmed, n.keep(trimmed), 1)
	case element == "jid":
		return n.jid(trimmed)
	case hostNames[element]:
		return n.host(trimmed)
	case userNames[element]:
		return n.user(trimmed)
	case resourceNames[element]:
		return n.resource(trimmed)
	}
	return n.text(element, s)
}

// namespace stays if it is a public one.
func (n *Names) namespace(s string) string {
	if s == "" || isKnownSpace(s) {
		return n.keep(s)
	}
	return n.replaced(s, "urn:namespace:"+n.hash(s, 8))
}

// keep remembers a word of the protocol, so that sentences may quote it.
func (n *Names) keep(s string) string {
	if len(n.kept) < maxNames {
		n.kept[s] = true
	}
	return s
}

func local(name string) string {
	if _, after, ok := strings.Cut(name, ":"); ok {
		return after
	}
	return name
}

// escaped is a value as it stands in XML.
func escaped(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s)
}
