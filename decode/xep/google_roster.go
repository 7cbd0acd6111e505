package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsGoogleRoster = "google:roster"

func init() {
	add(decode.Rule{
		ID: "google-roster", Title: "Google Talk roster attributes", Ref: refGoogle,
		Match: decode.Payload(decode.NSRoster),
		New:   decode.Stateless(each(googleRoster, decode.NSRoster)),
	})
}

// googleMarks says what gr:t means: how the contact is shown.
var googleMarks = map[string]string{
	"B": "is blocked",
	"H": "is hidden",
	"P": "is always shown",
}

// googleRoster explains the attributes that Google put on the roster and its
// items, in a namespace of their own.
func googleRoster(_ *decode.Seen, q *session.Element) (notes []session.Note) {
	if ext := googleAttr(q, "ext"); ext != nil {
		notes = tell(refGoogle, ext.Span, "the client understands Google's additions to the contact list, version %q", ext.Value)
	}
	for i := range q.Nodes {
		item := q.Nodes[i].Element
		if item == nil || item.Name.Local != "item" {
			continue
		}
		if t := googleAttr(item, "t"); t != nil {
			what, ok := googleMarks[t.Value]
			if !ok {
				what = "is marked " + decode.Quote(t.Value)
			}
			notes = append(notes, decode.Explain(refGoogle, t.Span, "%q %s", item.Attr("jid"), what))
		}
	}
	return notes
}

func googleAttr(el *session.Element, local string) *session.Attr {
	for i := range el.Attrs {
		if a := &el.Attrs[i]; a.Name.Local == local && a.Name.Space == nsGoogleRoster {
			return a
		}
	}
	return nil
}
