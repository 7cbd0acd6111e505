package xep

import (
	"encoding/json"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsJSON = "urn:xmpp:json:0"

func init() {
	add(decode.Rule{
		ID: "xep-0335", Title: "JSON Containers", Ref: "XEP-0335",
		Match: stored(nsJSON),
		New:   decode.Stateless(eachStored(jsonContainer, nsJSON)),
	})
}

func jsonContainer(_ *decode.Seen, el *session.Element) []session.Note {
	text := el.Text()
	if !json.Valid([]byte(text)) {
		return []session.Note{decode.Finding("xep-0335", "XEP-0335", session.Warning, el.Span, "this should be JSON, and is not: %s", jsonFault(text).Error())}
	}
	return tell("XEP-0335", el.Tag, "JSON, %s, for a program and not for a person", session.Plural(len(text), "byte"))
}

func jsonFault(text string) error {
	var v any
	return json.Unmarshal([]byte(text), &v)
}
