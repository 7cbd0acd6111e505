package decode

import (
	"iter"
	"strings"

	"xmppscope/session"
)

// Pretty turns the raw bytes of an event into indented, classified lines, for
// looking at (session.Pretty). It works on the tags as they were written and
// fails on nothing: what is not XML comes back as text. The concatenated pieces,
// without the indentation, are the input's characters.
func Pretty(raw []byte) iter.Seq[session.Line] {
	return func(yield func(session.Line) bool) {
		p := pretty{raw: string(raw), yield: yield}
		for p.at < len(p.raw) && !p.enough {
			p.next()
		}
		p.flush()
	}
}

type pretty struct {
	raw    string
	at     int
	depth  int
	yield  func(session.Line) bool
	enough bool         // nobody wants more lines
	line   session.Line // the newest; its room is used again
	room   [24]session.Piece
	text   bool // the line ends in text, so the end tag stays on it
}

func (p *pretty) put(kind session.Syntax, text string) {
	if p.line == nil {
		p.line = p.room[:0]
	}
	if text != "" {
		p.line = append(p.line, session.Piece{Syntax: kind, Text: text})
	}
}

func (p *pretty) flush() {
	if len(p.line) > 0 {
		p.enough = p.enough || !p.yield(p.line)
		p.line = p.line[:0]
	}
}

// maxIndent keeps deep trees on the screen.
const maxIndent = 20

var indents = strings.Repeat("  ", maxIndent)

func (p *pretty) newline() {
	p.flush()
	if d := min(max(p.depth, 0), maxIndent); d > 0 {
		p.put(session.SyntaxPunct, indents[:2*d])
	}
}

func (p *pretty) next() {
	rest := p.raw[p.at:]
	if rest[0] != '<' {
		end := strings.IndexByte(rest, '<')
		if end < 0 {
			end = len(rest)
		}
		p.characters(rest[:end])
		p.at += end
		return
	}
	end := session.MarkupEnd(rest)
	tag := rest[:end]
	p.at += end
	switch {
	case strings.HasPrefix(tag, "<!") || strings.HasPrefix(tag, "<?"):
		p.newline()
		p.put(session.SyntaxPunct, tag)
	case strings.HasPrefix(tag, "</"):
		p.depth--
		if !p.text {
			p.newline()
		}
		p.put(session.SyntaxPunct, "</")
		p.put(session.SyntaxTag, strings.TrimSuffix(tag[2:], ">"))
		p.put(session.SyntaxPunct, ">")
		p.text = false
	default:
		p.newline()
		p.tag(tag)
		p.text = p.leaf(tag)
		if !strings.HasSuffix(tag, "/>") {
			p.depth++
		}
	}
}

// leaf says whether the element just opened holds text alone, so that it fits on
// one line.
func (p *pretty) leaf(tag string) bool {
	if strings.HasSuffix(tag, "/>") {
		return false
	}
	next := strings.IndexByte(p.raw[p.at:], '<')
	return next >= 0 && strings.HasPrefix(p.raw[p.at+next:], "</")
}

func (p *pretty) characters(s string) {
	if !p.text && strings.TrimSpace(s) == "" {
		return // white space between elements is layout
	}
	class := session.SyntaxText
	if isMark(s) {
		class = session.SyntaxSecret
	}
	if !p.text {
		p.newline()
	}
	p.put(class, s)
}

// isMark says whether text is a placeholder made by session.Book.
func isMark(s string) bool {
	return strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && strings.Contains(s, " #") &&
		(strings.HasSuffix(s, " characters]") || strings.HasSuffix(s, " bytes]"))
}

// trimSpace is s without white space before it.
func trimSpace(s string) string {
	for s != "" && isSpace[s[0]] {
		s = s[1:]
	}
	return s
}

// tag classifies a start tag.
func (p *pretty) tag(tag string) {
	end := 0
	for end < len(tag) && !isSpace[tag[end]] && tag[end] != '/' && tag[end] != '>' {
		end++
	}
	if end == len(tag) {
		p.put(session.SyntaxError, tag)
		return
	}
	p.put(session.SyntaxPunct, "<")
	p.put(session.SyntaxTag, tag[1:end])
	rest := tag[end:]
	for rest != "" {
		eq := strings.IndexByte(rest, '=')
		if eq < 0 {
			break
		}
		name := trimSpace(rest[:eq])
		value := trimSpace(rest[eq+1:])
		if value == "" || (value[0] != '"' && value[0] != '\'') {
			break
		}
		close := strings.IndexByte(value[1:], value[0])
		if close < 0 {
			break
		}
		nameClass, valueClass := session.SyntaxAttr, session.SyntaxValue
		if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
			nameClass, valueClass = session.SyntaxXMLNS, session.SyntaxXMLNS
		}
		text := value[1 : 1+close]
		if isMark(text) {
			valueClass = session.SyntaxSecret
		}
		p.put(session.SyntaxPunct, " ")
		p.put(nameClass, name)
		quote := `="`
		if value[0] == '\'' {
			quote = `='`
		}
		p.put(session.SyntaxPunct, quote)
		p.put(valueClass, text)
		p.put(session.SyntaxPunct, value[:1])
		rest = value[close+2:]
	}
	p.put(session.SyntaxPunct, rest)
}
