package core

import (
	"slices"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-presence", Title: "Presence", Ref: "RFC 6121 §4",
		Match: decode.Stanza("presence"),
		New:   decode.Stateless(explainPresence),
	})
}

// presenceTypes says what each type means (RFC 6121 §4.7.1).
var presenceTypes = map[string]struct{ ref, text string }{
	"":             {"RFC 6121 §4.2", "available"},
	"unavailable":  {"RFC 6121 §4.5", "goes offline"},
	"subscribe":    {"RFC 6121 §3.1", "asks to see the other's presence"},
	"subscribed":   {"RFC 6121 §3.1.5", "allows the other to see its presence"},
	"unsubscribe":  {"RFC 6121 §3.3", "does not want to see the other's presence any more"},
	"unsubscribed": {"RFC 6121 §3.2", "does not let the other see its presence (any more)"},
	"probe":        {"RFC 6121 §4.3", "a server asks for someone's presence"},
	"error":        {"RFC 6121 §4.7.1", "a presence could not be delivered"},
}

func explainPresence(s *decode.Seen) []session.Note {
	typ := s.Root.Attr("type")
	known, ok := presenceTypes[typ]
	if _, there := s.Root.LookupAttr("type"); !ok || typ == "" && there {
		return []session.Note{decode.Breach("Q15", s.Root.AttrSpan("type"),
			"the presence's type is %q, which is not defined; to be available is to have no type", typ)}
	}
	text := known.text
	if typ == "" && s.Event.Dir == session.C2S && s.Root.Attr("to") == "" {
		text = "the client is available: from here the server sends it messages, and tells its contacts"
	}
	notes := []session.Note{decode.Explain(known.ref, s.Root.Tag, "%s", text)}
	return append(append(notes, checkShow(s.Root)...), checkPriority(s.Root)...)
}

// checkShow is Q16. An empty <show/> is what some clients send for "available";
// it is invalid by the schema, and every server lets it pass.
func checkShow(root *session.Element) []session.Note {
	show := root.Child(root.Name.Space, "show")
	if show == nil {
		return nil
	}
	for c := range root.Elements() {
		if c != show && c.Name == show.Name {
			return []session.Note{decode.Breach("Q16", c.Span, "there is more than one show; a presence has one at most")}
		}
	}
	switch v := show.Text(); {
	case slices.Contains([]string{"away", "chat", "dnd", "xa"}, v):
		return nil
	case v == "":
		return []session.Note{decode.Finding("Q16", "RFC 6121 §4.7.2.1", session.Notice, show.Span, "show is empty; to be simply available it should be left out")}
	default:
		return []session.Note{decode.Breach("Q16", show.Span, "show is %q; away, chat, dnd and xa are defined", v)}
	}
}

// checkPriority is Q17.
func checkPriority(root *session.Element) []session.Note {
	el := root.Child(root.Name.Space, "priority")
	if el == nil {
		return nil
	}
	v := strings.TrimSpace(el.Text())
	if n, err := strconv.Atoi(v); err == nil && n >= -128 && n <= 127 {
		if n < 0 {
			return []session.Note{decode.Explain("RFC 6121 §4.7.2.3", el.Span, "a negative priority: messages to the bare JID do not come here")}
		}
		return nil
	}
	return []session.Note{decode.Breach("Q17", el.Span, "priority is %q; it must be a number from -128 to 127", v)}
}
