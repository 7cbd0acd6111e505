package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refSM = "XEP-0198 §3"

func init() {
	add(decode.Rule{
		ID: "xep-0198", Title: "Stream Management", Ref: "XEP-0198",
		Match: decode.When(func(s *decode.Seen) bool {
			switch s.Event.Body.(type) {
			case session.StreamElement, session.StreamClosed, session.TCPClosed, session.RelaySent, session.RelayEdited:
				return true
			}
			return false
		}),
		New: func() decode.Explainer { return &management{} },
	})
}

// management follows the counters of both ends (xep0198_count.go), and what can be
// resumed (xep0198_resume.go).
type management struct {
	decode.Acks
	enabled bool
	ended   bool   // the stream is closed, or the connection gone
	id      string // by which the session can be resumed; "" if it cannot
	max     string // for how many seconds, as the server wrote it
	asked   resumption
	kept    *decode.Resumable // what other sessions of this run may know of this one
}

func isSM(n session.Name) bool { return n.Space == decode.NSSM2 || n.Space == decode.NSSM3 }

// Explain implements decode.Explainer.
func (m *management) Explain(s *decode.Seen) []session.Note {
	switch b := s.Event.Body.(type) {
	case session.StreamClosed:
		return m.closed()
	case session.TCPClosed:
		return m.gone()
	case session.RelaySent, session.RelayEdited: // not both sides count the same any more
		if edited, ok := b.(session.RelayEdited); ok && edited.Passed {
			return nil
		}
		m.Unknown = m.Unknown || m.Counting[session.C2S] || m.Counting[session.S2C]
		return nil
	}
	root, dir := s.Root, s.Event.Dir
	switch {
	case root == nil:
		m.Unknown = true // it may have been a stanza
		m.keep()
		return nil
	case isSM(root.Name):
		s.State.Acks = &m.Acks
		return m.command(s)
	case s.IsStanza():
		if m.Counting[dir] {
			m.Sent[dir]++
			m.keep()
		}
		return nil
	case root.Name.Space == decode.NSSASL2:
		s.State.Acks = &m.Acks
		return m.inline(s)
	}
	return nil
}

// command is an element of stream management.
func (m *management) command(s *decode.Seen) []session.Note {
	root, dir := s.Root, s.Event.Dir
	switch root.Name.Local {
	case "enable":
		return m.enable(s)
	case "enabled":
		m.Counting[session.S2C] = true
		return m.enabledNotes(s, root)
	case "resume":
		return m.resume(s, root)
	case "resumed":
		return m.resumed(s, root)
	case "failed":
		return m.failed(root)
	case "r":
		return m.request(root, dir)
	case "a":
		return m.answer(root, dir)
	}
	return nil
}

// inline follows what SASL2 does in the same step (XEP-0388 §2.6.1).
func (m *management) inline(s *decode.Seen) []session.Note {
	switch s.Root.Name.Local {
	case "authenticate":
		if r := s.Root.Child(decode.NSSM3, "resume"); r != nil {
			return m.resume(s, r)
		}
	case "success":
		if r := s.Root.Child(decode.NSSM3, "resumed"); r != nil {
			return m.resumed(s, r)
		}
		if bound := s.Root.Child(decode.NSBind2, "bound"); bound != nil && bound.Child(decode.NSSM3, "enabled") != nil {
			m.Acks = decode.Acks{Counting: [3]bool{false, true, true}}
			return m.enabledNotes(s, bound.Child(decode.NSSM3, "enabled"))
		}
	}
	return nil
}

func (m *management) enable(s *decode.Seen) []session.Note {
	m.Counting[session.C2S] = true
	text := "the client turns on acknowledgements: from here both count the stanzas that arrive"
	if isTrue(s.Root.Attr("resume")) {
		text += ", and the session can be resumed after the connection breaks"
	}
	notes := []session.Note{decode.Explain(refSM, s.Root.Span, "%s", text)}
	switch {
	case !s.State.Joined && !servers(s) && (!s.State.Authenticated || s.State.JID == ""):
		notes = append(notes, decode.Finding("M01", refSM, session.Error, s.Root.Span, "the client enables stream management before it has bound a resource"))
	case m.enabled:
		notes = append(notes, decode.Finding("M01", refSM, session.Error, s.Root.Span, "the client enables stream management a second time"))
	}
	m.enabled = true
	return notes
}

// servers says whether one server talks to another: those bind nothing, and may have proved
// themselves by dialback.
func servers(s *decode.Seen) bool {
	h := s.State.Header[session.C2S]
	return h != nil && h.Content == decode.NSServer
}

func (m *management) enabledNotes(s *decode.Seen, el *session.Element) []session.Note {
	notes := []session.Note{decode.Explain(refSM, el.Tag, "the server has turned on acknowledgements; the session cannot be resumed")}
	m.max = strings.Clone(el.Attr("max"))
	if id := el.Attr("id"); id != "" {
		m.keepAs(s.State.Run, id)
		notes[0].Text = "the server has turned on acknowledgements, and will keep the session for a while if the connection breaks"
		notes = append(notes, sessionID(refSM, id, el.AttrSpan("id"), "the name by which the client can resume this session"))
	}
	if m.max != "" {
		notes = append(notes, decode.Explain(refSM, el.AttrSpan("max"), "for %s seconds at most", m.max))
	}
	if where := el.Attr("location"); where != "" {
		severity := session.Notice
		if s.State.Captured || s.State.Follows {
			severity = session.Info
		}
		notes = append(notes, decode.Finding("xep-0198", refSM, severity, el.AttrSpan("location"),
			"the server wants the session resumed at %q%s", where, s.State.Elsewhere(true)))
	}
	return notes
}

func (m *management) failed(root *session.Element) []session.Note {
	what := "without saying why"
	if c := root.First(); c != nil {
		what = map[string]string{
			"item-not-found":          "the session to resume is not known: it has timed out, or the server was restarted; the client binds anew",
			"unexpected-request":      "it came at the wrong time: before the login or the bind was done, or a second time",
			"feature-not-implemented": "the server cannot do this",
		}[c.Name.Local]
		if what == "" {
			what = "with " + decode.Quote(c.Name.Local)
		}
	}
	*m = management{}
	n := decode.Explain("XEP-0198 §5", root.Span, "the server refuses: %s", what)
	n.Severity = session.Warning
	notes := []session.Note{n}
	if h, ok := root.LookupAttr("h"); ok {
		notes = append(notes, field("XEP-0198 §5", "h", h, root.AttrSpan("h"), "so many of the client's stanzas had arrived: what it sent after them is lost").Is(session.Word))
	}
	return notes
}

// sessionID is the field of a resumption id: with the login, whoever has it can
// take the session over.
func sessionID(ref, id string, span session.Span, text string) session.Note {
	n := field(ref, "sm-id", id, span, text).Is(session.ID)
	n.Secret = "session id"
	return n
}
