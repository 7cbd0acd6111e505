package xep

import (
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	nsDelay    = "urn:xmpp:delay"
	nsOldDelay = "jabber:x:delay"
)

func init() {
	add(decode.Rule{
		ID: "xep-0203", Title: "Delayed Delivery", Ref: "XEP-0203",
		Match: decode.Payload(nsDelay, nsOldDelay),
		New:   decode.Stateless(delay),
	})
}

func delay(s *decode.Seen) []session.Note {
	el := s.Root.Child(nsDelay, "delay")
	layout := time.RFC3339Nano
	if el == nil {
		if el = s.Root.Child(nsOldDelay, "x"); el == nil {
			return nil
		}
		layout = "20060102T15:04:05"
	}
	stamp := el.Attr("stamp")
	at, err := time.Parse(layout, stamp)
	if err != nil {
		return []session.Note{decode.Finding("xep-0203", "XEP-0203 §4", session.Error, el.AttrSpan("stamp"), "the time stamp %q is not a date and time of XEP-0082", stamp)}
	}
	who := "someone on the way"
	if from := el.Attr("from"); from != "" {
		who = decode.Quote(from)
	}
	return []session.Note{decode.Explain("XEP-0203 §4", el.Span, "%s kept this since %s", who, at.UTC().Format(time.DateTime)+" UTC")}
}
