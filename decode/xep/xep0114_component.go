package xep

import (
	"crypto/sha1"
	"encoding/hex"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsComponentConnect = "jabber:component:connect"

func init() {
	add(decode.Rule{
		ID: "xep-0114", Title: "Jabber Component Protocol", Ref: "XEP-0114",
		Match: decode.NoStanza().And(isComponent),
		New:   func() decode.Explainer { return &component{} },
	})
}

func isComponent(s *decode.Seen) bool {
	if s.Root == nil {
		return false
	}
	if _, header := s.Event.Body.(session.StreamOpened); header {
		ns := s.Root.Attr("xmlns")
		return ns == decode.NSComponent || ns == nsComponentConnect
	}
	return s.Root.Name.Local == "handshake" && decode.IsContentNS(s.Root.Name.Space) || isStreamError(s)
}

func isStreamError(s *decode.Seen) bool {
	return s.Root.Name.Local == "error" && s.Root.Name.Space == decode.NSStreams
}

// component remembers what came of checking the component's proof.
type component struct {
	streams decode.StreamIDs
	checked decode.Check
}

// Explain implements decode.Explainer.
func (c *component) Explain(s *decode.Seen) []session.Note {
	c2s := s.Event.Dir == session.C2S
	switch {
	case isStreamError(s):
		return c.refused(s)
	case s.Root.Name.Local != "handshake" && c2s:
		return tell("XEP-0114 §3", s.Root.Tag, "not a client: a component, a part of the server such as a gateway or a bot, that wants to be %q", s.Root.Attr("to"))
	case s.Root.Name.Local != "handshake":
		c.streams.Opened(strings.Clone(s.Root.Attr("id")))
		return tell("XEP-0114 §3", attrSpan(s.Root, "id"), "the server's stream id, which the component's proof is made with")
	case c2s || len(s.Root.Nodes) > 0:
		return c.proof(s)
	}
	return append(tell("XEP-0114 §3", s.Root.Span, "the server lets the component in; from here every stanza needs from and to"),
		c.checked.TookAnyway("component", s.Root.Tag)...)
}

// proof holds the component's proof against its secret, if the user has given it.
func (c *component) proof(s *decode.Seen) []session.Note {
	notes := tell("XEP-0114 §3", s.Root.Tag, "the component proves that it knows the secret: the SHA-1 of the stream id and the secret, in hex")
	sent, span := strings.TrimSpace(s.Root.Text()), s.Root.TextSpan()
	if raw, err := hex.DecodeString(sent); err != nil || len(raw) != sha1.Size {
		notes = append(notes, decode.Finding("xep-0114", "XEP-0114 §3", session.Error, span, "the component's proof is not the 40 hex digits of a SHA-1"))
	}
	c.checked = c.streams.Check(s.State.ComponentSecret(), sent)
	return append(notes, c.checked.Note("component", "handshake", span)...)
}

// refused explains the stream error that answers a wrong proof (XEP-0114 §3).
func (c *component) refused(s *decode.Seen) []session.Note {
	cause := c.checked.Cause("component")
	el := s.Root.Child(decode.NSStreamError, "not-authorized")
	if cause == "" || el == nil || s.Event.Dir != session.S2C {
		return nil
	}
	return []session.Note{decode.Finding("xep-0114", "XEP-0114 §3", session.Error, el.Span, "the server refuses the component: %s", cause)}
}
