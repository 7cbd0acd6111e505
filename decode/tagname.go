package decode

import (
	"bytes"
	"slices"
)

// What can be told of a tag without parsing it, in bytes that may be no XML, begin
// anywhere, or have not all come.

// maxTagName bounds how far a name is looked for; no tag of XMPP that anyone looks for
// has a longer one.
const maxTagName = 64

// tagName is the name that a tag begins with, from behind its "<"; that of an end tag
// begins with "/". It is whole if its end has come, or if it is too long.
func tagName(tag []byte) (name []byte, whole bool) {
	for i, c := range tag[:min(len(tag), maxTagName)] {
		if isSpace[c] || c == '>' || c == '<' || c == '/' && i > 0 {
			return tag[:i], true
		}
	}
	if len(tag) < maxTagName {
		return tag, false
	}
	return tag[:maxTagName], true
}

// tagLocal is the name without its prefix.
func tagLocal(tag []byte) []byte {
	name, _ := tagName(tag)
	return name[bytes.IndexByte(name, ':')+1:]
}

// StartTag is b up to the end of its first tag, as far as it has come.
func StartTag(b []byte) (tag []byte, whole bool) {
	if end := bytes.IndexByte(b, '>'); end >= 0 {
		return b[:end+1], true
	}
	return b, false
}

// TagHas says whether a tag, as far as it has come, has an attribute of this name.
func TagHas(tag []byte, name string) bool {
	for rest := tag; ; {
		i := bytes.Index(rest, []byte(name))
		if i < 0 {
			return false
		}
		behind := rest[i+len(name):]
		if i > 0 && isSpace[rest[i-1]] && len(behind) > 1 && behind[0] == '=' && (behind[1] == '\'' || behind[1] == '"') {
			return true
		}
		rest = behind
	}
}

// Prolog passes over what may stand in front of an element: white space, the XML
// declaration, and comments and instructions, which XMPP does not allow. It is false
// where one of these does not end.
func Prolog(b []byte) (rest []byte, ended bool) {
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		var end string
		switch {
		case bytes.HasPrefix(b, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(b, []byte("<!--")):
			end = "-->"
		default:
			return b, !slices.Contains([]string{"<", "<!", "<!-"}, string(b))
		}
		i := bytes.Index(b, []byte(end))
		if i < 0 {
			return b, false
		}
		b = b[i+len(end):]
	}
}
