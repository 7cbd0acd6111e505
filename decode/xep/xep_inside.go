package xep

import (
	"slices"
	"sync"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

// insideRule lets the rules for payloads speak about the stanzas inside of others:
// carbons, messages of an archive, forwarded ones; and about what moderators and
// fastened messages wrap.
func insideRule() decode.Rule {
	return decode.Rule{
		ID: "xep-inside", Title: "What is wrapped in a stanza", Ref: "XEP-0297",
		Match: decode.Payload(wrappers...),
		New:   func() decode.Explainer { return &inside{insideRules().Explainers()} },
	}
}

// wrappers are the namespaces of elements that may hold a stanza, or payloads.
var wrappers = slices.Concat([]string{nsForward, "urn:xmpp:forward:tmp", nsCarbons, "urn:xmpp:privilege:2", "urn:xmpp:privilege:1",
	"urn:xmpp:delegation:2", "urn:xmpp:delegation:1", nsRetract, "urn:xmpp:message-retract:0"}, nsMAM, nsModerate)

// maxInside bounds how deep stanzas in stanzas are looked into, and how many.
const maxInside = 4

// outside are rules that are about the stream, or the one who forwards.
var outside = []string{"xep-0114", "xep-0198", "xep-0280", "xep-0313"}

// insideRules are those that speak about what is wrapped.
var insideRules = sync.OnceValue(func() *decode.Prepared {
	return decode.Prepare(slices.DeleteFunc(decode.ByID(rules), func(r decode.Rule) bool { return slices.Contains(outside, r.ID) }))
})

// inside has explainers of its own: what is wrapped is part of another
// conversation, or of an earlier one.
type inside struct{ rules decode.Explainers }

// Explain implements decode.Explainer.
func (in *inside) Explain(s *decode.Seen) []session.Note {
	return in.look(s, maxInside)
}

func (in *inside) look(s *decode.Seen, depth int) (notes []session.Note) {
	for i, el := range wrapped(s.Root) {
		if depth == 0 || i == maxInside {
			break
		}
		e := *s.Event
		e.Notes, e.Step = nil, nil
		e.Dir = session.S2C // whoever forwards it has not written it
		inner := s.Inside(el, &e)
		notes = append(notes, in.speak(inner)...)
		notes = append(notes, in.look(inner, depth-1)...)
	}
	return notes
}

// speak lets every rule see one wrapped stanza.
func (in *inside) speak(s *decode.Seen) (notes []session.Note) {
	if body := s.Root.Child(s.Root.Name.Space, "body"); body != nil {
		notes = tell("RFC 6121 §5.2.3", body.Span, "the text inside, %s long", session.Plural(utf8.RuneCountInString(body.Text()), "character"))
	}
	return append(notes, in.rules.Explain(s)...)
}

// wrapped are the stanzas inside of one. Payloads that are wrapped without a
// stanza are given the outer one's name and addresses.
func wrapped(root *session.Element) (out []*session.Element) {
	for c := range root.Elements() {
		switch {
		case isForwarded(c):
			out = append(out, stanzaIn(c)...)
		case slices.Contains(nsModerate, c.Name.Space), c.Name.Local == "retract" && c.Child("", "moderated") != nil:
			el := *root
			el.Nodes, el.Span, el.Tag = c.Nodes, c.Span, c.Tag
			out = append(out, &el)
		case slices.Contains(wrappers, c.Name.Space):
			for f := range c.Elements() {
				if isForwarded(f) {
					out = append(out, stanzaIn(f)...)
				}
			}
		}
	}
	return out
}

func isForwarded(el *session.Element) bool {
	return el.Name.Local == "forwarded" && (el.Name.Space == nsForward || el.Name.Space == "urn:xmpp:forward:tmp")
}

func stanzaIn(forwarded *session.Element) []*session.Element {
	for c := range forwarded.Elements() {
		if session.IsStanza(c.Name.Local) && decode.IsContentNS(c.Name.Space) {
			return []*session.Element{c}
		}
	}
	return nil
}

// parties says from whom to whom a wrapped stanza goes, as far as it says so.
func parties(stanza *session.Element) (text string) {
	if stanza == nil {
		return ""
	}
	for _, name := range []string{"from", "to"} {
		if v := stanza.Attr(name); v != "" {
			text += " " + name + " " + decode.Quote(v)
		}
	}
	if text != "" {
		text = "," + text
	}
	return text
}
