package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const (
	nsAvatarData = "urn:xmpp:avatar:data"
	nsAvatarMeta = "urn:xmpp:avatar:metadata"
)

func init() {
	add(decode.Rule{
		ID: "xep-0084", Title: "User Avatar", Ref: "XEP-0084",
		Match: stored(nsAvatarData, nsAvatarMeta),
		New:   decode.Stateless(eachStored(avatar, nsAvatarData, nsAvatarMeta)),
	})
}

func avatar(_ *decode.Seen, el *session.Element) []session.Note {
	if el.Name.Space == nsAvatarData {
		return tell("XEP-0084", el.Tag, "the picture itself, %s of base64; its SHA-1 is the item's id", session.Plural(len(el.Text()), "character"))
	}
	info := el.Child(nsAvatarMeta, "info")
	if info == nil {
		return tell("XEP-0084", el.Span, "there is no avatar, or not any more")
	}
	return tell("XEP-0084", info.Span, "an avatar of type %q, %q bytes; who does not have the picture with the hash %q fetches it from %q",
		info.Attr("type"), info.Attr("bytes"), info.Attr("id"), nsAvatarData)
}
