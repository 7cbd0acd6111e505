package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsSharedStatus = "google:shared-status"

func init() {
	add(decode.Rule{
		ID: "google-shared-status", Title: "Google Talk shared status", Ref: refGoogle,
		Match: decode.Payload(nsSharedStatus),
		New:   decode.Stateless(each(sharedStatus, nsSharedStatus)),
	})
}

// sharedStatus is one status for all devices of an account, kept by the server.
func sharedStatus(s *decode.Seen, q *session.Element) []session.Note {
	text := decode.Quote(clip(textOf(q, "status")))
	if show := textOf(q, "show"); show != "" && show != "default" {
		text += ", shown as " + decode.Quote(show)
	}
	if inv := q.Child("", "invisible"); inv != nil && isTrue(inv.Attr("value")) {
		text += ", invisible to contacts"
	}
	switch {
	case s.Root.Attr("type") == "get":
		return tell(refGoogle, q.Span, "the client asks for the status that all devices of the account share")
	case s.Root.Attr("type") == "set" && s.Event.Dir == session.C2S:
		return tell(refGoogle, q.Tag, "the client sets the status of all devices: %s", text)
	case s.Root.Attr("type") == "set":
		return tell(refGoogle, q.Tag, "the server tells that the status of all devices is now %s", text)
	case q.First() == nil:
		return nil
	}
	return tell(refGoogle, q.Tag, "the status of all devices is %s; %q such can be kept, of %q characters each", text, q.Attr("status-list-max"), q.Attr("status-max"))
}
