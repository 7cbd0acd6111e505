package session

import (
	"encoding/xml"
	"strings"
)

// StartTag are the attributes of an element's start tag: for who wants one by a name that
// Columns do not have, and no tree. Raw is that of the event. What is no start tag has none.
func StartTag(raw []byte) map[string]string {
	s := string(raw[:min(len(raw), maxTag)])
	t, _, ok := nextTag(s)
	if !ok || s[0] != '<' || t.cut && t.attrs == "" { // else the name may go on
		return nil
	}
	out := map[string]string{}
	for name, value := range t.attributes {
		out[name] = unescaped(value)
	}
	return out
}

// maxTag bounds how much of an element is looked at.
const maxTag = 8 << 10

// EscapeXML is text as it may stand between tags, or between quotes in one.
func EscapeXML(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a strings.Builder does not fail
	return b.String()
}
