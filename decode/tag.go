package decode

import (
	"strconv"
	"strings"

	"xmppscope/session"
)

// startTag takes a start tag or an empty-element tag, and puts its declarations
// into force. It returns nil if there is none.
func (p *parser) startTag() *session.Element {
	from := p.at
	if from >= len(p.raw) || p.raw[from] != '<' {
		p.fault("X05", refWellFormed, from, from+1, "a tag was expected here")
		return nil
	}
	p.at++
	name, split := p.name()
	if name == "" {
		p.fault("X05", refWellFormed, from, from+1, "a tag without a name")
		return nil
	}
	e := &p.elements.take(1)[0]
	e.Name = split
	attrs := len(p.attrs.used)
	p.empty = false
	for {
		spaced := p.spaces()
		if p.at >= len(p.raw) {
			p.fault("X05", refWellFormed, from, p.at, "the tag <%s> is cut off", name)
			break
		}
		c := p.raw[p.at]
		if c == '>' {
			p.at++
			break
		}
		if c == '/' {
			p.at++
			if p.at < len(p.raw) && p.raw[p.at] == '>' {
				p.at++
			} else {
				p.fault("X05", refWellFormed, p.at-1, p.at, "\"/\" inside the tag <%s>", name)
			}
			p.empty = true
			break
		}
		if !p.attr(spaced) {
			return nil
		}
	}
	e.Attrs = p.attrs.since(attrs)
	e.Tag = session.Span{Start: from, End: p.at}
	e.Span = e.Tag
	p.resolve(e)
	return e
}

func (p *parser) word() string {
	from := p.at
	for p.at < len(p.raw) && !isNameStop[p.raw[p.at]] {
		p.at++
	}
	return p.raw[from:p.at]
}

func (p *parser) spaces() bool {
	from := p.at
	for p.at < len(p.raw) && isSpace[p.raw[p.at]] {
		p.at++
	}
	return p.at > from
}

func split(name string) session.Name {
	if i := strings.IndexByte(name, ':'); i > 0 {
		return session.Name{Prefix: name[:i], Local: name[i+1:]}
	}
	return session.Name{Local: name}
}

// attr takes one attribute.
func (p *parser) attr(spaced bool) bool {
	from := p.at
	name, split := p.name()
	if name == "" {
		p.fault("X05", refWellFormed, from, from+1, "%s inside a tag", describe(p.raw[from]))
		return false
	}
	if !spaced {
		p.fault("X05", refWellFormed, from, p.at, "no white space before the attribute %q", name)
	}
	p.spaces()
	if p.at >= len(p.raw) || p.raw[p.at] != '=' {
		p.fault("X05", refWellFormed, from, p.at, "the attribute %q has no value", name)
		p.attrs.used = append(p.attrs.used, session.Attr{Name: split, Span: session.Span{Start: from, End: p.at}})
		return true
	}
	p.at++
	p.spaces()
	if p.at >= len(p.raw) || (p.raw[p.at] != '"' && p.raw[p.at] != '\'') {
		p.fault("X05", refWellFormed, from, p.at, "the value of the attribute %q is not in quotes", name)
		value := p.word()
		p.attrs.used = append(p.attrs.used, session.Attr{Name: split, Value: value, Span: session.Span{Start: from, End: p.at}})
		return true
	}
	quote := p.raw[p.at]
	p.at++
	start := p.at
	end := strings.IndexByte(p.raw[start:], quote)
	if end < 0 {
		p.fault("X05", refWellFormed, from, len(p.raw), "the value of the attribute %q does not end", name)
		return false
	}
	p.at = start + end + 1
	p.attrs.used = append(p.attrs.used, session.Attr{
		Name: split, Value: p.attrValue(name, start, start+end),
		Span: session.Span{Start: from, End: p.at}, Quote: session.Span{Start: start, End: start + end},
	})
	return true
}

// attrValue is what stands between the quotes, unescaped and normalised.
func (p *parser) attrValue(name string, start, end int) string {
	raw := p.raw[start:end]
	if ordinary(raw) == len(raw) {
		return raw
	}
	if i := strings.IndexByte(raw, '<'); i >= 0 {
		p.fault("X05", refWellFormed, start+i, start+i+1, `"<" in the value of the attribute %q`, name)
	}
	return p.unescape(raw, start, normalise)
}

// normalise is attribute-value normalisation (XML 1.0 §3.3.3), as far as it
// matters for looking: line ends and tabs are spaces.
func normalise(s string) string {
	if !strings.ContainsAny(s, "\r\n\t") {
		return s
	}
	return normaliser.Replace(s)
}

var normaliser = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ")

// resolve puts the element's declarations into force and gives names their
// namespaces.
func (p *parser) resolve(e *session.Element) {
	for i := range e.Attrs {
		a := &e.Attrs[i]
		switch {
		case a.Name.Prefix == "xmlns":
			p.declare(a, a.Name.Local)
		case a.Name.Prefix == "" && a.Name.Local == "xmlns":
			p.declare(a, "")
		}
	}
	e.Name.Space = p.space(e.Name.Prefix, e.Tag)
	if e.Name.Prefix == "xmlns" {
		p.fault("X06", refWellFormed, e.Tag.Start, e.Tag.End, "an element has the prefix xmlns, which only declarations may")
	}
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name.Prefix != "" {
			a.Name.Space = p.space(a.Name.Prefix, a.Span)
		}
	}
	p.twice(e.Attrs)
}

// twice reports attributes of the same name, or of the same name in the same
// namespace (Namespaces in XML §6.3).
func (p *parser) twice(attrs []session.Attr) {
	const few = 16 // comparing those with each other needs no map
	if len(attrs) > few {
		p.twiceOfMany(attrs)
		return
	}
	for i := range attrs {
		for j := range i {
			a, b := &attrs[i], &attrs[j]
			if a.Name.Local != b.Name.Local {
				continue
			}
			if a.Name.Prefix == b.Name.Prefix {
				p.isTwice("X05", a)
				break
			}
			if a.Name.Prefix != "" && b.Name.Prefix != "" && a.Name.Space == b.Name.Space && a.Name.Space != "" {
				p.isTwice("X06", a)
				break
			}
		}
	}
}

func (p *parser) twiceOfMany(attrs []session.Attr) {
	written, expanded := make(map[session.Name]bool, len(attrs)), map[session.Name]bool{}
	for i := range attrs {
		a := &attrs[i]
		name := session.Name{Prefix: a.Name.Prefix, Local: a.Name.Local}
		full := session.Name{Space: a.Name.Space, Local: a.Name.Local}
		switch {
		case written[name]:
			p.isTwice("X05", a)
		case a.Name.Prefix != "" && a.Name.Space != "" && expanded[full]:
			p.isTwice("X06", a)
		}
		if written[name] = true; a.Name.Prefix != "" {
			expanded[full] = true
		}
	}
}

func (p *parser) isTwice(rule string, a *session.Attr) {
	p.fault(rule, refWellFormed, a.Span.Start, a.Span.End, "the attribute %q stands twice", a.Name.Qualified())
}

func (p *parser) declare(a *session.Attr, prefix string) {
	switch { // Namespaces in XML §3 and §5
	case prefix == "xmlns":
		p.wrongName(a, "the prefix %q is declared, which nobody may", prefix)
	case (prefix == "xml") != (a.Value == nsXML):
		p.wrongName(a, "the prefix xml and its namespace %q belong together, and to nothing else", nsXML)
	case a.Value == nsXMLNS:
		p.wrongName(a, "the namespace %q is declared, which nobody may", nsXMLNS)
	case prefix != "" && a.Value == "":
		p.wrongName(a, "the prefix %q is bound to no namespace", prefix)
	}
	if len(p.scope.all) >= maxScope {
		p.fault("X06", refWellFormed, a.Span.Start, a.Span.End, "more than %d namespaces are declared: this one is not looked at", maxScope)
		return
	}
	p.scope.declare(binding{prefix, a.Value})
	p.declared |= spaceKey(a.Value)
}

func (p *parser) wrongName(a *session.Attr, format, name string) {
	p.fault("X06", refWellFormed, a.Span.Start, a.Span.End, format, name)
}

func (p *parser) space(prefix string, span session.Span) string {
	space, ok := p.scope.find(prefix)
	if !ok && prefix != "" && !p.guessed {
		p.fault("X06", refWellFormed, span.Start, span.End, "the prefix %q is not declared", prefix)
	}
	return space
}

// unescape replaces the five entities and character references (RFC 6120 §11.1).
// What stands between them is passed through a function.
func (p *parser) unescape(s string, at int, literal func(string) string) string {
	if p.chars(s, at); strings.IndexByte(s, '&') < 0 {
		return literal(s)
	}
	var b strings.Builder
	b.Grow(len(s)) // no reference is shorter than what it stands for
	for i := 0; i < len(s); {
		amp := strings.IndexByte(s[i:], '&')
		if amp < 0 {
			b.WriteString(literal(s[i:]))
			break
		}
		b.WriteString(literal(s[i : i+amp]))
		i += amp
		end := referenceEnd(s[i:])
		if end < 0 {
			p.fault("X05", refWellFormed, at+i, at+i+1, `"&" has to be written &amp;`)
			b.WriteByte('&')
			i++
			continue
		}
		ref := s[i+1 : i+end]
		if text, ok := reference(ref); ok {
			b.WriteString(text)
		} else {
			p.badReference(ref, at+i, at+i+end+1)
			b.WriteString(s[i : i+end+1])
		}
		i += end + 1
	}
	return b.String()
}

// referenceEnd is where the ";" of the reference stands that s begins with, -1 if
// none does. It looks no further than to where the next may begin.
func referenceEnd(s string) int {
	end := 1
	for end < len(s) && nameClass[s[end]] != nameStop {
		end++
	}
	if end == len(s) || s[end] != ';' {
		return -1
	}
	return end
}

func (p *parser) badReference(ref string, from, to int) {
	switch {
	case strings.HasPrefix(ref, "#"):
		p.fault("X05", refRestricted, from, to, "the character reference &%s; names no XML character", ref)
	case !isName(ref):
		p.fault("X05", refWellFormed, from, to, "&%s; is no reference", ref)
	default:
		p.fault("X04", refRestricted, from, to, "the entity &%s; is not one of the five that XMPP allows", ref)
	}
}

func reference(ref string) (string, bool) {
	switch ref {
	case "lt":
		return "<", true
	case "gt":
		return ">", true
	case "amp":
		return "&", true
	case "apos":
		return "'", true
	case "quot":
		return `"`, true
	}
	num, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return "", false
	}
	base := 10
	if hex, ok := strings.CutPrefix(num, "x"); ok {
		num, base = hex, 16
	}
	n, err := strconv.ParseUint(num, base, 32)
	if err != nil || !isChar(rune(n)) {
		return "", false
	}
	return string(rune(n)), true
}

// isChar is XML 1.0's Char production (§2.2).
func isChar(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return true
	case r < 0x20, r >= 0xD800 && r <= 0xDFFF, r == 0xFFFE, r == 0xFFFF:
		return false
	}
	return r <= 0x10FFFF
}
