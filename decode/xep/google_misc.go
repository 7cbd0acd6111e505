package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	spaces := []string{"google:nosave", "google:queue", "google:setting", "google:push"}
	add(decode.Rule{
		ID: "google-talk", Title: "Google Talk's small extensions", Ref: refGoogle,
		Match: decode.Payload(spaces...),
		New:   decode.Stateless(each(googleMisc, spaces...)),
	})
}

func googleMisc(s *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Space {
	case "google:nosave":
		if el.Attr("value") == "enabled" {
			return tell(refGoogle, el.Span, "this conversation is off the record: the server does not keep it")
		}
		return tell(refGoogle, el.Tag, "whether a conversation is kept by the server (off the record or not)")
	case "google:queue":
		return tell(refGoogle, el.Tag, "the client wants presence held back while nobody looks at it, or what was held back now; today this is XEP-0352")
	case "google:setting":
		return tell(refGoogle, el.Tag, "settings of the account, which the server keeps for all clients")
	}
	if el.Name.Local == "subscribe" {
		return tell(refGoogle, el.Tag, "the client subscribes to Google's push service, which Android's first notifications came through")
	}
	return tell(refGoogle, el.Tag, "a notification of Google's push service")
}
