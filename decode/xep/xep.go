// Package xep explains extensions of XMPP, one file for each XEP.
//
// # How to add one
//
//  1. Make a file xepNNNN_name.go; xep0199_ping.go is the smallest example. It
//     calls add from init with a decode.Rule:
//     ID "xep-NNNN", Title as the XEP has it, Ref "XEP-NNNN" (a note names the
//     section itself: "XEP-0199 §4.2").
//  2. Match is a cheap test. decode.Payload(ns) takes stanzas with a child in the
//     namespace, decode.Top(ns, "") first-level elements.
//  3. New makes an Explainer. decode.Stateless wraps a function; where one stanza
//     speaks of an earlier one, keep that in a struct (xep0184_receipts.go). Keep
//     it bounded: a session may last for weeks.
//  4. Explain returns notes: decode.Say for a sentence, decode.Field for a decoded
//     value. A sentence is lower case, has no full stop, says who did what and
//     quotes what came from the wire with %q. A note points at the bytes that it
//     is about (Element.Span, Element.Tag, Element.AttrSpan).
//  5. Severity is Info for explanations. Error is for what breaks a MUST, Warning
//     for what breaks a SHOULD or is risky, Notice for what is worth a look.
//  6. A value that could let someone in gets Note.Secret, and never stands in a
//     sentence.
//  7. Put a dialogue into testdata/NNNN/name.txtar and run the tests with -update;
//     then read what came out.
//
// A rule that looks at children of stanzas and remembers nothing is shortest as
// about(number, title, explain, namespaces…); see xep0224_attention.go.
//
// Nothing else needs a change: the file adds itself. A namespace that no rule has
// spoken about is named from a table (named.go, xep_namespace.go).
package xep

import (
	"slices"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

var rules []decode.Rule

func add(r decode.Rule) { rules = append(rules, r) }

// Rules returns the rules of this package, for the explainer of a session, in the order
// of their ids; the rule that names what no other has explained is last, so these should
// come last of all rules.
func Rules() []decode.Rule { return append(decode.ByID(rules), insideRule(), namespaceRule()) }

// explain says what there is to say about one element of a stanza.
type explain func(s *decode.Seen, el *session.Element) []session.Note

// about adds a rule without memory, for children of stanzas in these namespaces.
func about(number, title string, f explain, spaces ...string) {
	add(decode.Rule{
		ID: "xep-" + number, Title: title, Ref: "XEP-" + number,
		Match: decode.Payload(spaces...),
		New:   decode.Stateless(each(f, spaces...)),
	})
}

// each calls f for every child of the stanza in one of the namespaces. An error
// only gives the request back, and says nothing.
func each(f explain, spaces ...string) decode.Func {
	return func(s *decode.Seen) (notes []session.Note) {
		if s.Root.Attr("type") == "error" {
			return nil
		}
		for i := range s.Root.Nodes {
			if c := s.Root.Nodes[i].Element; c != nil && slices.Contains(spaces, c.Name.Space) {
				if more := f(s, c); notes == nil {
					notes = more
				} else {
					notes = append(notes, more...)
				}
			}
		}
		return notes
	}
}

// tell is say, as the only note.
func tell(ref string, span session.Span, format string, args ...any) []session.Note {
	return []session.Note{decode.Explain(ref, span, format, args...)}
}

// field is a decoded field with a sentence and its section.
func field(ref, name, value string, span session.Span, text string) session.Note {
	n := decode.Field(name, value, span)
	n.Ref, n.Text = ref, text
	return n
}

// list quotes names for a sentence, the first twelve of them.
func list(names []string) string {
	const most = 12
	more := ""
	if len(names) > most {
		more = " and " + strconv.Itoa(len(names)-most) + " more"
		names = names[:most]
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = decode.Quote(n)
	}
	return strings.Join(out, ", ") + more
}

// sender names who speaks in a stanza: the client, or the address that the server
// has put into from.
func sender(s *decode.Seen) string {
	if s.Event.Dir == session.C2S {
		return "the client"
	}
	if from := s.Root.Attr("from"); from != "" {
		return decode.Quote(from)
	}
	return "the server"
}

// isRequest says whether the stanza asks: an iq of type get or set.
func isRequest(s *decode.Seen) bool {
	typ := s.Root.Attr("type")
	return s.Root.Name.Local == "iq" && (typ == "get" || typ == "set")
}

// isAnswer says whether the stanza is an iq result.
func isAnswer(s *decode.Seen) bool {
	return s.Root.Name.Local == "iq" && s.Root.Attr("type") == "result"
}

// textOf is the text of the first child with this local name, "" if there is none.
func textOf(el *session.Element, local string) string {
	if c := el.Child("", local); c != nil {
		return strings.TrimSpace(c.Text())
	}
	return ""
}

// attrSpan is the span of an attribute's value, or the start tag if there is none.
func attrSpan(el *session.Element, local string) session.Span {
	if _, ok := el.LookupAttr(local); ok {
		return el.AttrSpan(local)
	}
	return el.Tag
}

// clip shortens text from the wire for a sentence.
func clip(s string) string { return session.Clip(s, 80) }

// because adds the reason that someone gave.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ", saying " + decode.Quote(clip(reason))
}

// withName adds the specification of a node, form or feature, where it is known.
func withName(name string) string {
	if spec, ok := Named(name); ok {
		return decode.Quote(name) + " (" + spec.String() + ")"
	}
	return decode.Quote(name)
}
