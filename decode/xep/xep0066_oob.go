package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0066", "Out of Band Data", outOfBand, "jabber:x:oob", "jabber:iq:oob") }

func outOfBand(s *decode.Seen, el *session.Element) []session.Note {
	url := el.Child("", "url")
	if url == nil {
		return nil
	}
	text := "a file to fetch from this address"
	if desc := textOf(el, "desc"); desc != "" {
		text += ": " + decode.Quote(clip(desc))
	}
	if body := s.Root.Child(s.Root.Name.Space, "body"); body != nil && body.Text() == url.Text() {
		text += "; the message's text is the address too, so clients show the file in its place"
	}
	return []session.Note{field("XEP-0066", "url", url.Text(), url.TextSpan(), text)}
}
