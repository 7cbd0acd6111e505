package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0382", "Spoiler messages", spoiler, "urn:xmpp:spoiler:0") }

func spoiler(_ *decode.Seen, el *session.Element) []session.Note {
	if hint := el.Text(); hint != "" {
		return tell("XEP-0382", el.Span, "the text is to be hidden until the reader asks; in its place stands %q", clip(hint))
	}
	return tell("XEP-0382", el.Span, "the text is to be hidden until the reader asks")
}
