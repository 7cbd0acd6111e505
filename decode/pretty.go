package decode

import (
	"strings"

	"xmppscope/session"
)

// Pretty turns the raw bytes of an event into indented, classified lines, for
// looking at (session.Pretty). It works on the tags as they were written and
// fails on nothing: what is not XML comes back as text. The concatenated pieces,
// without the indentation, are the input's characters.
func Pretty(raw []byte) []session.Line {
	p := pretty{raw: string(raw)}
	for p.at < len(p.raw) {
		p.next()
	}
	p.flush()
	return p.lines
}

type pretty struct {
	raw   string
	at    int
	depth int
	lines []session.Line
	line  session.Line
	text  bool // the line ends in text, so the end tag stays on it
}

func (p *pretty) put(class session.Class, text string) {
	if text != "" {
		p.line = append(p.line, session.Piece{Class: class, Text: text})
	}
}

func (p *pretty) flush() {
	if len(p.line) > 0 {
		p.lines = append(p.lines, p.line)
		p.line = nil
	}
}

// maxIndent keeps deep trees on the screen.
const maxIndent = 20

func (p *pretty) newline() {
	p.flush()
	if d := min(max(p.depth, 0), maxIndent); d > 0 {
		p.put(session.ClassPunct, strings.Repeat("  ", d))
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
	end := tagEnd(rest)
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

// tagEnd is the length of the tag or markup at the start of s.
func tagEnd(s string) int {
	for open, end := range map[string]string{"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"} {
		if strings.HasPrefix(s, open) {
			if i := strings.Index(s, end); i >= 0 {
				return i + len(end)
			}
			return len(s)
		}
	}
	var quote byte
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return len(s)
}

// tag classifies a start tag.
func (p *pretty) tag(tag string) {
	end := strings.IndexAny(tag, " \t\r\n/>")
	if end < 0 {
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
		name := strings.TrimLeft(rest[:eq], " \t\r\n")
		value := strings.TrimLeft(rest[eq+1:], " \t\r\n")
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
		p.put(session.ClassPunct, "="+value[:1])
		p.put(valueClass, text)
		p.put(session.ClassPunct, value[:1])
		rest = value[close+2:]
	}
	p.put(session.ClassPunct, rest)
}
