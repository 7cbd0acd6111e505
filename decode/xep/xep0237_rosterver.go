package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "xep-0237", Title: "Roster Versioning", Ref: "XEP-0237",
		Match: decode.Stanza("iq"),
		New:   func() decode.Explainer { return &rosterVersions{} },
	})
}

// maxAsked bounds how many requests without an answer are remembered.
const maxAsked = 100

// rosterVersions remembers which version of the contact list the client has, by
// the id of its request. The specification has become RFC 6121 §2.6.
type rosterVersions struct{ asked map[string]string }

// Explain implements decode.Explainer.
func (r *rosterVersions) Explain(s *decode.Seen) []session.Note {
	q, id := s.Root.Child(decode.NSRoster, "query"), s.Root.Attr("id")
	if s.Event.Dir == session.C2S {
		if ver, ok := versionOf(q); ok && s.Root.Attr("type") == "get" && len(r.asked) < maxAsked {
			if r.asked == nil {
				r.asked = map[string]string{}
			}
			r.asked[strings.Clone(id)] = strings.Clone(ver)
		}
		return nil
	}
	ver, asked := r.asked[id]
	if asked && !isRequest(s) {
		delete(r.asked, id)
	}
	switch {
	case q != nil && q.Attr("ver") != "":
		return tell("RFC 6121 §2.6", q.AttrSpan("ver"), "the contact list has this version now; a client that keeps it is told at its next login only what has changed")
	case asked && isAnswer(s) && s.Root.First() == nil:
		return tell("RFC 6121 §2.6", s.Root.Tag, "no list is sent: version %q, which the client has, is still true, or what has changed since follows as pushes", ver)
	}
	return nil
}

func versionOf(q *session.Element) (string, bool) {
	if q == nil {
		return "", false
	}
	return q.LookupAttr("ver")
}
