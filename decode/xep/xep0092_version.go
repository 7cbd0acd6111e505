package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsVersion = "jabber:iq:version"

func init() {
	add(decode.Rule{
		ID: "xep-0092", Title: "Software Version", Ref: "XEP-0092",
		Match: decode.Payload(nsVersion),
		New:   decode.Stateless(softwareVersion),
	})
}

func softwareVersion(s *decode.Seen) []session.Note {
	q := s.Root.Child(nsVersion, "query")
	if q == nil {
		return nil
	}
	switch s.Root.Attr("type") {
	case "error":
		return nil
	case "get":
		return []session.Note{decode.Explain("XEP-0092 §2", q.Span, "the %s asks which software the other end runs", s.Event.Dir.Sender())}
	}
	var parts []string
	for _, name := range []string{"name", "version", "os"} {
		if c := q.Child(nsVersion, name); c != nil && c.Text() != "" {
			parts = append(parts, c.Text())
		}
	}
	n := decode.Field("software", strings.Join(parts, " "), q.Span)
	n.Text, n.Ref = "the software at the other end, as it says itself", "XEP-0092 §2"
	return []session.Note{n}
}
