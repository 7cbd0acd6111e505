package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0153", "vCard-Based Avatars", vcardAvatar, "vcard-temp:x:update") }

func vcardAvatar(_ *decode.Seen, el *session.Element) []session.Note {
	photo := el.Child("", "photo")
	switch {
	case photo == nil:
		return tell("XEP-0153", el.Span, "the sender does not know its avatar yet")
	case photo.Text() == "":
		return tell("XEP-0153", photo.Span, "the sender has no avatar")
	}
	return tell("XEP-0153", photo.Span, "the hash of the sender's avatar: who does not have that picture yet fetches the vCard")
}
