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
	name := p.word()
	if name == "" {
		p.fault("X05", refWellFormed, from, from+1, "a tag without a name")
		return nil
	}
	e := &p.elements.take(1)[0]
	e.Name = split(name)
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
	name := p.word()
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
		p.attrs.used = append(p.attrs.used, session.Attr{Name: split(name), Span: session.Span{Start: from, End: p.at}})
		return true
	}
	p.at++
	p.spaces()
	if p.at >= len(p.raw) || (p.raw[p.at] != '"' && p.raw[p.at] != '\'') {
		p.fault("X05", refWellFormed, from, p.at, "the value of the attribute %q is not in quotes", name)
		value := p.word()
		p.attrs.used = append(p.attrs.used, session.Attr{Name: split(name), Value: value, Span: session.Span{Start: from, End: p.at}})
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
		Name: split(name), Value: p.attrValue(name, start, start+end),
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
	return normalise(p.unescape(raw, start))
}

// normalise is attribute-value normalisation (XML 1.0 §3.3.3), as far as it
// matters for looking: line ends and tabs are spaces.
func normalise(s string) string {
	if !strings.ContainsAny(s, "\r\n\t") {
		return s
	}
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s)
}

// resolve puts the element's declarations into force and gives names their
// namespaces.
func (p *parser) resolve(e *session.Element) {
	for i := range e.Attrs {
		a := &e.Attrs[i]
		switch {
		case a.Name.Prefix == "xmlns":
			if a.Value == "" {
				p.fault("X06", refWellFormed, a.Span.Start, a.Span.End, "the prefix %q is bound to no namespace", a.Name.Local)
			}
			p.declare(a, a.Name.Local)
		case a.Name.Prefix == "" && a.Name.Local == "xmlns":
			p.declare(a, "")
		}
	}
	e.Name.Space = p.space(e.Name.Prefix, e.Tag)
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if a.Name.Prefix != "" {
			a.Name.Space = p.space(a.Name.Prefix, a.Span)
		}
		for j := range min(i, 64) { // a tag with more attributes is not worth a quadratic look
			b := &e.Attrs[j]
			same := a.Name.Local == b.Name.Local && (a.Name.Prefix == b.Name.Prefix ||
				a.Name.Space == b.Name.Space && a.Name.Prefix != "" && b.Name.Prefix != "" && a.Name.Space != "")
			if same {
				rule := "X05"
				if a.Name.Prefix != b.Name.Prefix {
					rule = "X06"
				}
				p.fault(rule, refWellFormed, a.Span.Start, a.Span.End, "the attribute %q stands twice", qualified(a.Name))
				break
			}
		}
	}
}

// maxScope bounds the declarations in force: each name is looked up among them.
const maxScope = 1000

func (p *parser) declare(a *session.Attr, prefix string) {
	if len(p.scope) >= maxScope {
		p.fault("X06", refWellFormed, a.Span.Start, a.Span.End, "more than %d namespaces are declared: this one is not looked at", maxScope)
		return
	}
	p.scope = append(p.scope, binding{prefix, a.Value})
	p.declared |= spaceKey(a.Value)
}

func (p *parser) space(prefix string, span session.Span) string {
	space, ok := p.scope.lookup(prefix)
	if !ok && prefix != "" {
		p.fault("X06", refWellFormed, span.Start, span.End, "the prefix %q is not declared", prefix)
	}
	return space
}

// unescape replaces the five entities and character references (RFC 6120 §11.1).
func (p *parser) unescape(s string, at int) string {
	if p.chars(s, at); strings.IndexByte(s, '&') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		amp := strings.IndexByte(s[i:], '&')
		if amp < 0 {
			b.WriteString(s[i:])
			break
		}
		b.WriteString(s[i : i+amp])
		i += amp
		end := strings.IndexByte(s[i:min(len(s), i+32)], ';')
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
			rule, what := "X04", "the entity &%s; is not one of the five that XMPP allows"
			if strings.HasPrefix(ref, "#") {
				rule, what = "X05", "the character reference &%s; names no XML character"
			}
			p.fault(rule, refRestricted, at+i, at+i+end+1, what, ref)
			b.WriteString(s[i : i+end+1])
		}
		i += end + 1
	}
	return b.String()
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
