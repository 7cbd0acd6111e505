package decode

import (
	"bytes"
	"strings"

	"xmppscope/session"
)

// Pretty turns the raw bytes of an event into indented, classified lines, for
// looking at (session.Pretty). It works on the tags as they were written and
// fails on nothing: what is not XML comes back as text. The concatenated pieces,
// without the indentation, are the input's characters.
func Pretty(raw []byte) []session.Line {
	tags, values := bytes.Count(raw, []byte("<")), bytes.Count(raw, []byte("="))
	p := pretty{raw: string(raw)}
	p.lines = make([]session.Line, 0, min(tags+1, 256)) // more come as they do: raw is hostile
	p.pieces = make([]session.Piece, 0, min(4*tags+5*values+4, 1024))
	for p.at < len(p.raw) {
		p.next()
	}
	p.flush()
	return p.lines
}

type pretty struct {
	raw    string
	at     int
	depth  int
	lines  []session.Line
	pieces []session.Piece // of all lines
	line   int             // where in pieces the newest line begins
	text   bool            // the line ends in text, so the end tag stays on it
}

func (p *pretty) put(class session.Class, text string) {
	if text != "" {
		p.pieces = append(p.pieces, session.Piece{Class: class, Text: text})
	}
}

func (p *pretty) flush() {
	if end := len(p.pieces); end > p.line {
		p.lines = append(p.lines, p.pieces[p.line:end:end])
		p.line = end
	}
}

// maxIndent keeps deep trees on the screen.
const maxIndent = 20

var indents = strings.Repeat("  ", maxIndent)

func (p *pretty) newline() {
	p.flush()
	if d := min(max(p.depth, 0), maxIndent); d > 0 {
		p.put(session.ClassPunct, indents[:2*d])
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
		p.put(session.ClassPunct, tag)
	case strings.HasPrefix(tag, "</"):
		p.depth--
		if !p.text {
			p.newline()
		}
		p.put(session.ClassPunct, "</")
		p.put(session.ClassTag, strings.TrimSuffix(tag[2:], ">"))
		p.put(session.ClassPunct, ">")
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
	class := session.ClassText
	if isMark(s) {
		class = session.ClassSecret
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
		p.put(session.ClassError, tag)
		return
	}
	p.put(session.ClassPunct, "<")
	p.put(session.ClassTag, tag[1:end])
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
		nameClass, valueClass := session.ClassAttr, session.ClassValue
		if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
			nameClass, valueClass = session.ClassXMLNS, session.ClassXMLNS
		}
		text := value[1 : 1+close]
		if isMark(text) {
			valueClass = session.ClassSecret
		}
		p.put(session.ClassPunct, " ")
		p.put(nameClass, name)
		quote := `="`
		if value[0] == '\'' {
			quote = `='`
		}
		p.put(session.ClassPunct, quote)
		p.put(valueClass, text)
		p.put(session.ClassPunct, value[:1])
		rest = value[close+2:]
	}
	p.put(session.ClassPunct, rest)
}
