package xep

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// maxNamed bounds how many namespaces of one event are named.
const maxNamed = 48

// namespaceRule names the specification of every namespace in an event that no
// other rule has spoken about. It comes last of all rules and looks at the notes
// that are there already: a namespace is claimed if one of them refers to its
// specification. So a rule claims by speaking, and one that knows a namespace but
// not the element it met does not hide it.
func namespaceRule() decode.Rule {
	return decode.Rule{
		ID: "xep-namespace", Title: "Which extension is this?", Ref: "XMPP registrar",
		Match: decode.AnyElement(),
		New:   func() decode.Explainer { return &naming{} },
	}
}

// naming keeps its buffer between events.
type naming struct {
	event *session.Event
	seen  []string
	notes []session.Note
}

// Explain implements decode.Explainer.
func (n *naming) Explain(s *decode.Seen) []session.Note {
	n.event = s.Event
	n.walk(s.Root, "")
	notes := n.notes
	clear(n.seen)
	n.event, n.seen, n.notes = nil, n.seen[:0], nil
	return notes
}

// usualPrefixes are those that examples use without declaring them.
var usualPrefixes = map[string]string{"db": decode.NSDialback, "stream": decode.NSStreams}

func (n *naming) walk(el *session.Element, parent string) {
	space := el.Name.Space
	if space == "" && el.Name.Prefix != "" {
		space = usualPrefixes[el.Name.Prefix]
	}
	if space != parent {
		n.name(space, el.Tag)
	}
	for i := range el.Attrs {
		a := &el.Attrs[i]
		if p := a.Name.Prefix; p != "" && p != "xml" && p != "xmlns" {
			n.name(a.Name.Space, a.Span)
		}
	}
	for i := range el.Nodes {
		c := el.Nodes[i].Element
		if c == nil || el.Name.Local == "error" && isCondition(c.Name.Space) {
			continue
		}
		n.walk(c, space)
	}
}

// isCondition is about the conditions of stanza and stream errors: package core
// explains each.
func isCondition(space string) bool {
	return space == decode.NSStanzaError || space == decode.NSStreamError
}

func (n *naming) name(space string, at session.Span) {
	if decode.IsContentNS(space) || len(n.seen) >= maxNamed || slices.Contains(n.seen, space) {
		return
	}
	n.seen = append(n.seen, space)
	spec, ok := Named(space)
	if !ok {
		n.notes = append(n.notes, decode.Say(session.Info, at, "unknown namespace %q", space))
		return
	}
	if n.claimed(&spec) {
		return
	}
	note := session.Note{Text: spec.String(), Span: at}
	if strings.HasPrefix(spec.ID, "XEP-") || strings.HasPrefix(spec.ID, "RFC ") {
		note.Ref = spec.ID
	}
	n.notes = append(n.notes, note)
}

// claimed says whether the event's notes, or its rung of the ladder, speak of the
// specification already.
func (n *naming) claimed(spec *Spec) bool {
	if n.event.Step != nil && strings.HasPrefix(spec.ID, "RFC ") {
		return true
	}
	for i := range n.event.Notes {
		ref := n.event.Notes[i].Ref
		if rest, ok := strings.CutPrefix(ref, spec.ID); ok && (rest == "" || rest[0] == ' ') {
			return true
		}
		if spec.ID == "foreign" && strings.HasPrefix(ref, "XEP-") && strings.Contains(spec.Title, ref) {
			return true // its title names the extension that uses it
		}
	}
	return false
}
