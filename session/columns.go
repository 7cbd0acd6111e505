package session

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Columns are what a row of a table says of a top-level element: read from its bytes as
// they are shown, without explaining it again. What the element lacks is "".
type Columns struct {
	From, To, ID, Type string
	Body               string // the text of a message
	Payload            string // the namespace of its first child, or the child's name if it has none of its own
}

// ColumnsOf reads the columns of an event, none if it is no element. It goes through the
// bytes once, and looks at what stands in the element only if its children are wanted; what
// is not well-formed is read as far as it goes.
func ColumnsOf(e *Event, children bool) (c Columns) {
	switch e.Body.(type) {
	case StreamElement, StreamOpened, StreamPartial:
		c.read(string(e.Raw), children)
	}
	return c
}

func (c *Columns) read(raw string, children bool) {
	tag, rest, ok := nextTag(raw)
	if !ok {
		return
	}
	for name, value := range tag.attributes {
		switch name {
		case "from":
			c.From = unescaped(value)
		case "to":
			c.To = unescaped(value)
		case "id":
			c.ID = unescaped(value)
		case "type":
			c.Type = unescaped(value)
		}
	}
	if !children || tag.empty {
		return
	}
	first, message := true, tag.name == "message"
	for depth := 0; first || message; {
		if tag, rest, ok = nextTag(rest); !ok {
			return
		}
		switch {
		case tag.end:
			if depth--; depth < 0 {
				return
			}
			continue
		case depth == 0 && first:
			first = false
			c.Payload = tag.payload()
			fallthrough
		case depth == 0 && message:
			if tag.name == "body" && !tag.empty {
				c.Body, message = text(rest), false
			}
		}
		if !tag.empty {
			depth++
		}
	}
}

// tag is one tag as it stands in the bytes.
type tag struct {
	name       string // as it was written
	attrs      string // behind it
	end, empty bool
	cut        bool // it does not end in the bytes
}

// nextTag is the next tag in s, and what stands behind it.
func nextTag(s string) (t tag, rest string, ok bool) {
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return t, "", false
		}
		s = s[i:]
		n := MarkupEnd(s)
		inside, whole := strings.CutSuffix(s[1:n], ">")
		t.cut = !whole
		s = s[n:]
		if inside == "" || inside[0] == '!' || inside[0] == '?' {
			continue
		}
		if t.end = inside[0] == '/'; !t.end {
			inside, t.empty = strings.CutSuffix(inside, "/")
		}
		t.name = inside
		if i := strings.IndexAny(inside, " \t\r\n"); i >= 0 {
			t.name, t.attrs = inside[:i], inside[i:]
		}
		return t, s, true
	}
}

// attributes are the names and the values between their quotes.
func (t *tag) attributes(yield func(name, value string) bool) {
	for s := t.attrs; ; {
		s = strings.TrimLeft(s, " \t\r\n")
		i := strings.IndexByte(s, '=')
		if i < 0 {
			return
		}
		name := strings.TrimRight(s[:i], " \t\r\n")
		s = strings.TrimLeft(s[i+1:], " \t\r\n")
		if s == "" || s[0] != '"' && s[0] != '\'' {
			return
		}
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 || !yield(name, s[1:1+end]) {
			return
		}
		s = s[end+2:]
	}
}

// payload is the namespace that the tag declares for itself, or else its local name.
func (t *tag) payload() string {
	prefix, local, prefixed := strings.Cut(t.name, ":")
	declares := "xmlns"
	if prefixed {
		declares = "xmlns:" + prefix
	} else {
		local = t.name
	}
	for name, value := range t.attributes {
		if name == declares {
			return unescaped(value)
		}
	}
	return local
}

// text is what stands in an element, up to its next tag.
func text(s string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			i = len(s)
		}
		before, at := s[:i], s[i:]
		const open, end = "<![CDATA[", "]]>"
		if !strings.HasPrefix(at, open) && !strings.HasPrefix(at, "<!--") {
			if out.Len() == 0 {
				return unescaped(before)
			}
			out.WriteString(unescaped(before))
			return out.String()
		}
		out.WriteString(unescaped(before))
		n := MarkupEnd(at)
		if inside, ok := strings.CutPrefix(at[:n], open); ok {
			out.WriteString(strings.TrimSuffix(inside, end))
		}
		s = at[n:]
	}
}

// unescaped replaces the five entities of XML and references to characters; what else
// begins with "&" stays.
func unescaped(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	var out strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexByte(s[:min(len(s), maxReference)], ';')
		if r := reference(s[:max(end, 0)]); r >= 0 {
			out.WriteRune(r)
			s = s[end+1:]
			continue
		}
		out.WriteByte('&')
		s = s[1:]
	}
}

// maxReference is longer than any reference to a character is.
const maxReference = 12

// reference is the character that "&lt" or "&#x3c" stands for, -1 if it is none.
func reference(s string) rune {
	switch s {
	case "&lt":
		return '<'
	case "&gt":
		return '>'
	case "&amp":
		return '&'
	case "&apos":
		return '\''
	case "&quot":
		return '"'
	}
	digits, ok := strings.CutPrefix(s, "&#")
	base := 10
	if hex, is := strings.CutPrefix(digits, "x"); is {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	if !ok || err != nil || !utf8.ValidRune(rune(n)) {
		return -1
	}
	return rune(n)
}
