package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0334", "Message Processing Hints", hint, "urn:xmpp:hints") }

var hints = map[string]string{
	"store":                "servers should keep this in the archive, though it may look unimportant",
	"no-store":             "servers should not keep this, neither in the archive nor for later",
	"no-permanent-store":   "servers should not keep this in the archive; for later delivery they may",
	"no-permanent-storage": "servers should not keep this in the archive; for later delivery they may",
	"no-storage":           "servers should not keep this, neither in the archive nor for later",
	"no-copy":              "servers should not copy this to other devices",
	"no-copies":            "servers should not copy this to other devices",
}

func hint(_ *decode.Seen, el *session.Element) []session.Note {
	if text := hints[el.Name.Local]; text != "" {
		return tell("XEP-0334", el.Span, "%s", text)
	}
	return nil
}
