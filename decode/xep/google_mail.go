package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsGoogleMail = "google:mail:notify"

func init() {
	add(decode.Rule{
		ID: "google-mail", Title: "Gmail notifications", Ref: refGoogle,
		Match: decode.Payload(nsGoogleMail),
		New:   decode.Stateless(each(googleMail, nsGoogleMail)),
	})
}

func googleMail(s *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Local {
	case "query":
		if since := el.Attr("newer-than-time"); since != "" {
			return tell(refGoogle, el.Span, "the client asks what mail has come since %q (milliseconds since 1970)", since)
		}
		return tell(refGoogle, el.Span, "the client asks what mail is unread")
	case "mailbox":
		return tell(refGoogle, el.Tag, "%q of unread mail, %s of it here; what the client asks next is what came after %q",
			el.Attr("total-matched"), session.Plural(len(el.Children()), "thread"), el.Attr("result-time"))
	case "new-mail":
		return tell(refGoogle, el.Span, "new mail has come: the client asks what it is")
	}
	return nil
}
