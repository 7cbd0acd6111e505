package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsReceipts = "urn:xmpp:receipts"

func init() {
	add(decode.Rule{
		ID: "xep-0184", Title: "Message Delivery Receipts", Ref: "XEP-0184",
		Match: decode.Payload(nsReceipts),
		New:   func() decode.Explainer { return &receipts{} },
	})
}

// maxReceipts bounds how many requests without a receipt are remembered.
const maxReceipts = 10_000

// receipts remembers which messages asked for a receipt: their Seq by their id.
type receipts struct{ asked map[string]uint64 }

// Explain implements decode.Explainer.
func (r *receipts) Explain(s *decode.Seen) []session.Note {
	if el := s.Root.Child(nsReceipts, "request"); el != nil {
		return r.request(s, el)
	}
	if el := s.Root.Child(nsReceipts, "received"); el != nil {
		return r.received(el)
	}
	return nil
}

func (r *receipts) request(s *decode.Seen, el *session.Element) []session.Note {
	id := s.Root.Attr("id")
	if id == "" {
		return []session.Note{decode.Finding("xep-0184", "XEP-0184 §5.1", session.Error, el.Span, "asks for a receipt, but the message has no id that a receipt could name")}
	}
	if len(r.asked) < maxReceipts {
		if r.asked == nil {
			r.asked = map[string]uint64{}
		}
		r.asked[strings.Clone(id)] = s.Event.Seq
	}
	return []session.Note{decode.Explain("XEP-0184 §5.1", el.Span, "asks %q to confirm that message %q has arrived", s.Root.Attr("to"), id)}
}

func (r *receipts) received(el *session.Element) []session.Note {
	id := el.Attr("id")
	seq, ok := r.asked[id]
	switch {
	case id == "":
		return []session.Note{decode.Finding("xep-0184", "XEP-0184 §5.2", session.Error, el.Span, "confirms a message, but does not say which (no id)")}
	case !ok:
		return []session.Note{decode.Explain("XEP-0184 §5.2", el.Span, "confirms that message %q has arrived; it was not seen in this session", id)}
	}
	delete(r.asked, id)
	return []session.Note{decode.Explain("XEP-0184 §5.2", el.Span, "confirms that message %q, #%d, has arrived", id, seq)}
}
