package session

import "strings"

// StartTag are the attributes of an element's start tag, as the wire has them: for lists
// and filters, which want a name or two of many events and no tree. Raw is that of the
// event. What is no start tag has none.
func StartTag(raw []byte) map[string]string {
	s := string(raw[:min(len(raw), maxTag)])
	for strings.HasPrefix(s, "<?") { // before a stream header
		_, rest, found := strings.Cut(s, "?>")
		if s = strings.TrimLeft(rest, " \t\r\n"); !found {
			return nil
		}
	}
	if !strings.HasPrefix(s, "<") {
		return nil
	}
	out := map[string]string{}
	name := strings.IndexAny(s, " \t\r\n/>")
	if name < 0 {
		return nil
	}
	for s = s[name:]; ; {
		s = strings.TrimLeft(s, " \t\r\n")
		at := strings.IndexByte(s, '=')
		if s == "" || s[0] == '>' || s[0] == '/' || at < 0 {
			return out
		}
		attr := strings.TrimRight(s[:at], " \t\r\n")
		s = strings.TrimLeft(s[at+1:], " \t\r\n")
		if s == "" || s[0] != '"' && s[0] != '\'' {
			return out
		}
		value, rest, closed := strings.Cut(s[1:], s[:1])
		if !closed {
			return out
		}
		out[attr], s = entities.Replace(value), rest
	}
}

// maxTag bounds how much of an element is looked at.
const maxTag = 8 << 10

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")
