package decode

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

// maxTree bounds how deep a tree goes; what lies deeper is reported, not shown.
const maxTree = 256

// Fault is a place where bytes are not well-formed, or not allowed in XMPP. Rule
// is the id of the finding (X01 to X10); see RFC 6120 §11.
type Fault struct {
	Rule string
	Ref  string
	Text string
	Span session.Span
}

// Scope is the namespace declarations in force around an element.
type Scope []binding

type binding struct{ prefix, space string }

func (s Scope) lookup(prefix string) (string, bool) {
	for _, b := range slices.Backward(s) {
		if b.prefix == prefix {
			return b.space, true
		}
	}
	return "", false
}

// ScopeOf returns the declarations that a stream header makes for the elements
// of its stream. It takes the header's raw bytes, and never fails.
func ScopeOf(header []byte) Scope {
	p := parser{raw: string(header), scope: baseScope}
	p.toHeader()
	p.startTag()
	return p.scope
}

var baseScope = Scope{{"xml", nsXML}, {"xmlns", nsXMLNS}}

// ParseTag parses a start tag that has no end tag: a stream header, with what may
// stand before it.
func ParseTag(raw []byte, scope Scope) (*session.Element, []Fault) {
	p := parser{raw: string(raw), scope: scopeOr(scope)}
	p.toHeader()
	e := p.startTag()
	if e != nil {
		e.Span = session.Span{Start: e.Tag.Start, End: len(raw)}
	}
	return e, p.faults
}

// Parse builds the tree of one element, for looking at it. It goes on after what
// is merely wrong; where it cannot, the tree is what there was before, and the
// last fault says why. The element is nil only if there is none at all.
func Parse(raw []byte, scope Scope) (*session.Element, []Fault) {
	p := parser{raw: string(raw), scope: scopeOr(scope)}
	root := p.tree()
	return root, p.faults
}

func scopeOr(s Scope) Scope {
	if s == nil {
		return baseScope
	}
	return s[:len(s):len(s)] // appending must not write into the caller's
}

type parser struct {
	raw    string
	at     int
	scope  Scope
	faults []Fault
	empty  bool // the tag just read was <…/>
}

func (p *parser) fault(rule, ref string, from, to int, format string, args ...any) {
	if len(p.faults) < 16 {
		p.faults = append(p.faults, Fault{rule, ref, fmt.Sprintf(format, args...), session.Span{Start: from, End: min(to, len(p.raw))}})
	}
}

// Sections that faults refer to.
const (
	refRestricted = "RFC 6120 §11.1"
	refWellFormed = "RFC 6120 §11.3"
	refEncoding   = "RFC 6120 §11.6"
)

// toHeader skips what may stand before a stream header, reporting what may not.
func (p *parser) toHeader() {
	if strings.HasPrefix(p.raw, "\ufeff") {
		p.fault("X08", refEncoding, 0, 3, "the stream begins with a byte order mark, which XMPP does not allow")
		p.at = 3
	}
	for p.at < len(p.raw) {
		rest := p.raw[p.at:]
		switch {
		case isSpace[rest[0]]:
			p.at++
		case strings.HasPrefix(rest, "<?") || strings.HasPrefix(rest, "<!"):
			if !p.markup() {
				return
			}
		default:
			return
		}
	}
}

// tree parses one element with all that is in it, without recursion.
func (p *parser) tree() *session.Element {
	p.toHeader()
	root := p.startTag()
	if root == nil || p.empty {
		return root
	}
	type level struct {
		e     *session.Element
		scope Scope
	}
	stack := []level{{root, p.scope}}
	for len(stack) > 0 {
		top := stack[len(stack)-1].e
		if p.at >= len(p.raw) {
			p.fault("X05", refWellFormed, p.at-1, p.at, "the element <%s> does not end", qualified(top.Name))
			break
		}
		if p.raw[p.at] != '<' {
			p.text(top)
			continue
		}
		rest := p.raw[p.at:]
		switch {
		case strings.HasPrefix(rest, "</"):
			if !p.endTag(top) {
				return root
			}
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				p.scope = stack[len(stack)-1].scope
				top.Span.End = p.at
				closeNode(stack[len(stack)-1].e, p.at)
			} else {
				root.Span.End = p.at
			}
		case strings.HasPrefix(rest, "<![CDATA["):
			p.cdata(top)
		case strings.HasPrefix(rest, "<!") || strings.HasPrefix(rest, "<?"):
			from := p.at
			if !p.markup() {
				return root
			}
			if strings.HasPrefix(rest, "<?xml") && len(rest) > 5 && isSpace[rest[5]] {
				p.fault("X02", refRestricted, from, p.at, "an XML declaration may stand at the very beginning alone")
			}
		default:
			if len(stack) >= maxTree {
				p.fault("X05", refWellFormed, p.at, p.at+1, "elements are nested more than %d deep: the rest is not shown", maxTree)
				return root
			}
			scope := p.scope
			e := p.startTag()
			if e == nil {
				return root
			}
			top.Nodes = append(top.Nodes, session.Node{Element: e, Span: e.Span})
			if p.empty {
				p.scope = scope
				continue
			}
			stack = append(stack, level{e, p.scope})
		}
	}
	if root.Span.End < p.at {
		root.Span.End = p.at
	}
	return root
}

func closeNode(parent *session.Element, end int) {
	parent.Nodes[len(parent.Nodes)-1].Span.End = end
}

func qualified(n session.Name) string {
	if n.Prefix != "" {
		return n.Prefix + ":" + n.Local
	}
	return n.Local
}

// endTag takes the end tag of e.
func (p *parser) endTag(e *session.Element) bool {
	from := p.at
	end := strings.IndexByte(p.raw[from:], '>')
	if end < 0 {
		p.fault("X05", refWellFormed, from, len(p.raw), "an end tag is cut off")
		return false
	}
	p.at = from + end + 1
	name := strings.TrimRight(p.raw[from+2:from+end], " \t\r\n")
	if name != qualified(e.Name) {
		p.fault("X05", refWellFormed, from, p.at, "the end tag </%s> does not match <%s>", name, qualified(e.Name))
		return false
	}
	return true
}

// markup skips a comment, a processing instruction or a declaration, and reports
// what XMPP does not allow.
func (p *parser) markup() bool {
	from := p.at
	rest := p.raw[from:]
	var end int
	switch {
	case strings.HasPrefix(rest, "<!--"):
		if end = strings.Index(rest[4:], "-->"); end >= 0 {
			end += 4 + 3
			p.fault("X01", refRestricted, from, from+end, "a comment: XMPP allows none")
		}
	case strings.HasPrefix(rest, "<?"):
		if end = strings.Index(rest, "?>"); end >= 0 {
			end += 2
			p.declaration(rest[:end], from)
		}
	default:
		p.fault("X03", refRestricted, from, len(p.raw), "a declaration (<!…): XMPP allows no DTD")
		return false
	}
	if end < 0 {
		p.fault("X05", refWellFormed, from, len(p.raw), "markup that does not end")
		return false
	}
	p.at = from + end
	return true
}

func (p *parser) declaration(pi string, from int) {
	to := from + len(pi)
	if !strings.HasPrefix(pi, "<?xml") || len(pi) < 7 || !(isSpace[pi[5]] || pi[5] == '?') {
		p.fault("X02", refRestricted, from, to, "a processing instruction: XMPP allows none but the XML declaration")
		return
	}
	value := func(name string) (string, bool) {
		_, after, ok := strings.Cut(pi, name)
		after = strings.TrimLeft(after, " \t\r\n=")
		if !ok || after == "" {
			return "", false
		}
		v, _, _ := strings.Cut(after[1:], after[:1])
		return v, true
	}
	if v, ok := value("version"); ok && v != "1.0" {
		p.fault("X10", "RFC 6120 §11.8", from, to, "the XML declaration says version %q, XMPP uses XML 1.0", v)
	}
	if v, ok := value("encoding"); ok && !strings.EqualFold(v, "utf-8") {
		p.fault("X07", refEncoding, from, to, "the XML declaration says encoding %q, XMPP is UTF-8 only", v)
	}
	if _, ok := value("standalone"); ok {
		p.fault("X09", "RFC 6120 §11.5", from, to, "the XML declaration has standalone, which XMPP does not use")
	}
}

// text takes character data up to the next tag.
func (p *parser) text(e *session.Element) {
	from := p.at
	end := strings.IndexByte(p.raw[from:], '<')
	if end < 0 {
		end = len(p.raw) - from
	}
	p.at = from + end
	raw := p.raw[from:p.at]
	if i := strings.Index(raw, "]]>"); i >= 0 {
		p.fault("X05", refWellFormed, from+i, from+i+3, `"]]>" in text has to be written with an entity`)
	}
	p.add(e, p.unescape(raw, from), from)
}

func (p *parser) cdata(e *session.Element) {
	from := p.at
	end := strings.Index(p.raw[from:], "]]>")
	if end < 0 {
		p.fault("X05", refWellFormed, from, len(p.raw), "CDATA that does not end")
		p.at = len(p.raw)
		return
	}
	p.at = from + end + 3
	p.add(e, p.chars(p.raw[from+len("<![CDATA["):from+end], from), from)
}

func (p *parser) add(e *session.Element, text string, from int) {
	e.Nodes = append(e.Nodes, session.Node{Text: text, Span: session.Span{Start: from, End: p.at}})
}

// chars reports bytes that are no XML characters.
func (p *parser) chars(s string, at int) string {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c < 0x80 || c == '\n' || c == '\t' || c == '\r' {
			continue
		}
		if c < 0x20 {
			p.fault("X05", refWellFormed, at+i, at+i+1, "the control character U+%04X, which XML does not allow", c)
			return s
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			p.fault("X07", refEncoding, at+i, at+i+1, "byte 0x%02x is not UTF-8", c)
			return s
		}
		if r == 0xFFFE || r == 0xFFFF {
			p.fault("X05", refWellFormed, at+i, at+i+n, "the character U+%04X, which XML does not allow", r)
		}
		i += n - 1
	}
	return s
}
