package decode

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"xmppscope/session"
)

// maxTree bounds how deep a tree goes; what lies deeper is reported, not shown.
const maxTree = 256

// Fault is a place where bytes are not well-formed, or not allowed in XMPP. Rule
// is the id of the finding (X01 to X12); see RFC 6120 §11.
type Fault struct {
	Rule string
	Ref  string
	Text string
	Span session.Span
}

// Trees is where trees are made. Those of many events can be made in the same room
// one after the other; Reset takes it back, for new ones. The zero value is ready; it
// is used by one goroutine at a time.
type Trees struct {
	elements slab[session.Element]
	attrs    slab[session.Attr]
	nodes    slab[session.Node]

	declared uint64 // the keys of all namespaces that the newest declares, see Match

	// What is gathered while a tree is made.
	scope Scope
	open  []level        // the elements that have not ended
	inner []session.Node // theirs so far, innermost last
}

// Reset takes back the room of all trees that were made: nobody may use them any
// more. Strings that came from them stay as they are.
func (t *Trees) Reset() {
	t.elements.reset()
	t.attrs.reset()
	t.nodes.reset()
}

// level is an open element.
type level struct {
	e     *session.Element
	scope int // how many declarations were in force around it
	inner int // where its nodes begin
}

// parser makes a parser of these bytes. The scope is that around them; nil if
// nothing is declared there.
func (t *Trees) parser(raw string, scope Scope) parser {
	inside := scope != nil
	if !inside {
		scope = baseScope
	}
	t.declared = 0
	t.scope = append(t.scope[:0], scope...)
	return parser{Trees: t, raw: raw, scope: inForce{all: t.scope}, inside: inside}
}

// done takes back the room that a tree was gathered in, if that is not much, and
// holds on to none of its bytes.
func (t *Trees) done(p *parser) {
	const much = 1000
	if t.scope = p.scope.all; cap(t.scope) > much {
		t.scope = nil
	}
	clear(t.scope[:cap(t.scope)])
	if cap(t.inner) > much {
		t.inner = nil
	}
}

func (t *Trees) parseTag(raw string, scope Scope) (*session.Element, []Fault) {
	p := t.parser(raw, scope)
	p.toHeader()
	e := p.startTag()
	if e != nil {
		e.Span = session.Span{Start: e.Tag.Start, End: len(raw)}
	}
	t.done(&p)
	return e, p.faults
}

// parse is Parse. Where the scope is guessed, there may be more prefixes.
func (t *Trees) parse(raw string, scope Scope, guessed bool) (*session.Element, []Fault) {
	p := t.parser(raw, scope)
	p.guessed = guessed
	root := p.tree()
	t.done(&p)
	return root, p.faults
}

// ParseTag parses a start tag that has no end tag: a stream header, with what may
// stand before it.
func ParseTag(raw []byte, scope Scope) (*session.Element, []Fault) {
	return new(Trees).parseTag(string(raw), scope)
}

// Parse builds the tree of one element, for looking at it. It goes on after what
// is merely wrong; where it cannot, the tree is what there was before, and the
// last fault says why. The element is nil only if there is none at all.
func Parse(raw []byte, scope Scope) (*session.Element, []Fault) {
	return new(Trees).parse(string(raw), scope, false)
}

// maxFaults bounds what is said about one element.
const maxFaults = 16

type parser struct {
	*Trees
	raw    string
	at     int
	scope  inForce // a part of Trees.scope
	faults []Fault
	empty  bool // the tag just read was <…/>
	inside bool // what is parsed is not at the beginning of a document

	guessed bool // prefixes may be declared that we do not know of
}

func (p *parser) fault(rule, ref string, from, to int, format string, args ...any) {
	if len(p.faults) < maxFaults {
		for i, arg := range args {
			if s, ok := arg.(string); ok {
				args[i] = session.Clip(s, 100) // a name can be as long as its sender likes
			}
		}
		p.faults = append(p.faults, Fault{rule, ref, fmt.Sprintf(format, args...), session.Span{Start: from, End: min(to, len(p.raw))}})
	}
}

const cdataStart = "<![CDATA["

// Sections that faults refer to.
const (
	refRestricted = "RFC 6120 §11.1"
	refWellFormed = "RFC 6120 §11.3"
	refEncoding   = "RFC 6120 §11.6"
)

// toHeader skips what may stand before a stream header, reporting what may not.
func (p *parser) toHeader() {
	if strings.HasPrefix(p.raw, bom) {
		p.fault("X08", refEncoding, 0, len(bom), "the stream begins with a byte order mark, which XMPP does not allow")
		p.at = len(bom)
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
	p.open, p.inner = append(p.open[:0], level{e: root}), p.inner[:0]
	for p.next() {
	}
	for len(p.open) > 0 { // those that did not end, innermost first
		p.end()
	}
	return root
}

// next takes the next piece of the innermost open element. It is false where
// nothing more can be taken.
func (p *parser) next() bool {
	top := p.open[len(p.open)-1].e
	if p.at >= len(p.raw) {
		p.fault("X05", refWellFormed, p.at-1, p.at, "the element <%s> does not end", top.Name.Qualified())
		return false
	}
	if p.raw[p.at] != '<' {
		p.text()
		return true
	}
	rest := p.raw[p.at:]
	switch {
	case strings.HasPrefix(rest, "</"):
		if !p.endTag(top) {
			return false
		}
		p.end()
		return len(p.open) > 0
	case strings.HasPrefix(rest, cdataStart):
		p.cdata()
		return true
	case strings.HasPrefix(rest, "<!") || strings.HasPrefix(rest, "<?"):
		return p.markup()
	}
	return p.child()
}

// end ends the innermost open element here: its nodes are complete, and its
// declarations no longer in force.
func (p *parser) end() {
	last := len(p.open) - 1
	l := p.open[last]
	l.e.Nodes, l.e.Span.End = p.nodes.keep(p.inner[l.inner:]), p.at
	clear(p.inner[l.inner:])
	p.open[last] = level{}
	p.inner, p.open = p.inner[:l.inner], p.open[:last]
	p.scope.backTo(l.scope)
	if last > 0 {
		p.inner[l.inner-1].Span.End = p.at
	}
}

// child takes the start tag of an element inside of another.
func (p *parser) child() bool {
	if len(p.open) >= maxTree {
		p.fault("X05", refWellFormed, p.at, p.at+1, "elements are nested more than %d deep: the rest is not shown", maxTree)
		return false
	}
	around := len(p.scope.all)
	e := p.startTag()
	if e == nil {
		return false
	}
	p.inner = append(p.inner, session.Node{Element: e, Span: e.Span})
	if p.empty {
		p.scope.backTo(around)
	} else {
		p.open = append(p.open, level{e, around, len(p.inner)})
	}
	return true
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
	if name != e.Name.Qualified() {
		p.fault("X05", refWellFormed, from, p.at, "the end tag </%s> does not match <%s>", name, e.Name.Qualified())
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
			p.comment(from, from+end)
		}
	case strings.HasPrefix(rest, "<?"):
		if end = strings.Index(rest[2:], "?>"); end >= 0 {
			end += 2 + 2
			p.instruction(rest[:end], from)
		}
	case strings.HasPrefix(rest, cdataStart):
		if end = strings.Index(rest, "]]>"); end >= 0 {
			end += 3
			p.stray(from, from+end, "CDATA")
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

// comment reports a comment, and what is wrong in it.
func (p *parser) comment(from, to int) {
	p.fault("X01", refRestricted, from, to, "a comment: XMPP allows none")
	inner := p.raw[from+len("<!--") : to-len("-->")]
	if i := strings.Index(inner+"-", "--"); i >= 0 {
		at := from + len("<!--") + i
		p.fault("X05", refWellFormed, at, at+2, `"--" inside of a comment, which XML does not allow`)
	}
	p.chars(inner, from+len("<!--"))
}

// stray reports what stands where only elements and white space may.
func (p *parser) stray(from, to int, what string) {
	p.fault("X12", "RFC 6120 §11.7", from, to, "%s between elements, where only white space may stand", what)
}

// rawFaults says what is wrong with bytes that are no element. What stands between
// elements is looked at closely; of an opaque direction only markup is known.
func (t *Trees) rawFaults(raw string, between bool) []Fault {
	p := t.parser(raw, nil)
	p.inside = true
	p.spaces() // in front of everything
	switch rest := raw[p.at:]; {
	case strings.HasPrefix(rest, "<!"), strings.HasPrefix(rest, "<?"):
		p.markup()
	case !between || rest == "":
	case raw == bom:
		p.fault("X08", refEncoding, 0, len(raw), "a byte order mark between elements, which XMPP does not allow")
	case raw == "\x00":
		p.stray(0, 1, "a NUL byte")
	default:
		p.stray(0, len(raw), "text")
	}
	return p.faults
}

// text takes character data up to the next tag.
func (p *parser) text() {
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
	p.add(p.unescape(raw, from, asItIs), from)
}

func asItIs(s string) string { return s }

func (p *parser) cdata() {
	from := p.at
	end := strings.Index(p.raw[from:], "]]>")
	if end < 0 {
		p.fault("X05", refWellFormed, from, len(p.raw), "CDATA that does not end")
		p.at = len(p.raw)
		return
	}
	p.at = from + end + 3
	p.add(p.chars(p.raw[from+len(cdataStart):from+end], from), from)
}

func (p *parser) add(text string, from int) {
	p.inner = append(p.inner, session.Node{Text: text, Span: session.Span{Start: from, End: p.at}})
}

// chars reports bytes that are no XML characters.
func (p *parser) chars(s string, at int) string {
	for i := ordinary(s); i < len(s); i++ {
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
