package xep

import (
	"strconv"

	"xmppscope/decode"
	"xmppscope/session"
)

const refSM = "XEP-0198 §3"

func init() {
	add(decode.Rule{
		ID: "xep-0198", Title: "Stream Management", Ref: "XEP-0198",
		Match: func(s *decode.Seen) bool {
			_, element := s.Event.Body.(session.StreamElement)
			return element
		},
		New: func() decode.Explainer { return &management{} },
	})
}

// management counts the stanzas of each direction, as both ends do: from enable
// (the client's) and enabled (the server's) on, modulo 2^32.
type management struct {
	counting [3]bool
	sent     [3]uint32 // by the direction's sender, since counting began
	acked    [3]uint32 // highest h that the receiver has told
	unknown  bool      // what was sent is not known here: a session resumed, an element that could not be read
	enabled  bool
}

// Explain implements decode.Explainer.
func (m *management) Explain(s *decode.Seen) []session.Note {
	root, dir := s.Root, s.Event.Dir
	if root == nil {
		m.unknown = true // it may have been a stanza
		return nil
	}
	if root.Name.Space != decode.NSSM2 && root.Name.Space != decode.NSSM3 {
		if s.IsStanza() && m.counting[dir] {
			m.sent[dir]++
		}
		return m.inline(s)
	}
	switch root.Name.Local {
	case "enable":
		return m.enable(s)
	case "enabled":
		m.counting[session.S2C] = true
		return enabledNotes(root)
	case "resume":
		return m.resume(s)
	case "resumed":
		m.resumed()
		return append([]session.Note{say("XEP-0198 §5", root.Tag, "the server takes up the earlier session; no bind is needed, and both send again what was lost")}, handled(root, dir)...)
	case "failed":
		return m.failed(root)
	case "r":
		return m.request(root, dir)
	case "a":
		return m.answer(root, dir)
	}
	return nil
}

func (m *management) request(root *session.Element, dir session.Dir) []session.Note {
	n := say("XEP-0198 §4", root.Span, "the %s asks how many stanzas have arrived", side(dir))
	if m.counting[dir] && !m.unknown {
		n.Text += "; it has sent " + strconv.FormatUint(uint64(m.sent[dir]), 10)
	}
	return []session.Note{n}
}

// inline follows what SASL2 does in the same step (XEP-0388 §2.6.1).
func (m *management) inline(s *decode.Seen) []session.Note {
	if s.Root.Name.Space != decode.NSSASL2 || s.Root.Name.Local != "success" {
		return nil
	}
	if s.Root.Child("", "resumed") != nil {
		m.resumed()
	}
	if bound := s.Root.Child(decode.NSBind2, "bound"); bound != nil && bound.Child(decode.NSSM3, "enabled") != nil {
		m.counting = [3]bool{false, true, true}
		return enabledNotes(bound.Child(decode.NSSM3, "enabled"))
	}
	return nil
}

func (m *management) enable(s *decode.Seen) []session.Note {
	m.counting[session.C2S] = true
	text := "the client turns on acknowledgements: from here both count the stanzas that arrive"
	if v := s.Root.Attr("resume"); v == "true" || v == "1" {
		text += ", and the session can be resumed after the connection breaks"
	}
	notes := []session.Note{say(refSM, s.Root.Span, "%s", text)}
	switch {
	case !s.State.Authenticated || s.State.JID == "":
		notes = append(notes, lint("M01", refSM, session.Error, s.Root.Span, "the client enables stream management before it has bound a resource"))
	case m.enabled:
		notes = append(notes, lint("M01", refSM, session.Error, s.Root.Span, "the client enables stream management a second time"))
	}
	m.enabled = true
	return notes
}

func enabledNotes(el *session.Element) []session.Note {
	notes := []session.Note{say(refSM, el.Tag, "the server has turned on acknowledgements; the session cannot be resumed")}
	if id := el.Attr("id"); id != "" {
		n := decode.Field("sm-id", id, el.AttrSpan("id"))
		n.Text, n.Ref = "the name by which the client can resume this session", refSM
		notes[0].Text = "the server has turned on acknowledgements, and will keep the session for a while if the connection breaks"
		notes = append(notes, n)
	}
	if v := el.Attr("max"); v != "" {
		notes = append(notes, say(refSM, el.AttrSpan("max"), "for %s seconds at most", v))
	}
	if where := el.Attr("location"); where != "" {
		notes = append(notes, lint("xep-0198", refSM, session.Notice, el.AttrSpan("location"),
			"the server wants the session resumed at %q: that leads the client past xmppscope", where))
	}
	return notes
}

func (m *management) resume(s *decode.Seen) []session.Note {
	root := s.Root
	if root.Attr("previd") == "" || root.Attr("h") == "" {
		return []session.Note{lint("M04", "XEP-0198 §5", session.Error, root.Span, "the client's resume lacks previd or h: the server cannot know what to take up")}
	}
	n := decode.Field("sm-id", root.Attr("previd"), root.AttrSpan("previd"))
	n.Text, n.Ref = "the client asks to take up this earlier session in place of binding", "XEP-0198 §5"
	return append([]session.Note{n}, handled(root, s.Event.Dir)...)
}

// resumed starts counting on both sides, from numbers that are not known here.
func (m *management) resumed() {
	m.counting, m.unknown, m.enabled = [3]bool{false, true, true}, true, true
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
			what = "with " + quoted(c.Name.Local)
		}
	}
	*m = management{}
	n := say("XEP-0198 §5", root.Span, "the server refuses: %s", what)
	n.Severity = session.Warning
	return []session.Note{n}
}

// handled explains the h of resume and resumed.
func handled(root *session.Element, dir session.Dir) []session.Note {
	h := root.Attr("h")
	if h == "" {
		return nil
	}
	n := decode.Field("h", h, root.AttrSpan("h"))
	n.Text, n.Ref = "so many stanzas have arrived at the "+side(dir), "XEP-0198 §5"
	return []session.Note{n}
}

// answer is check M02: h is compared with what the other side has sent.
func (m *management) answer(root *session.Element, dir session.Dir) []session.Note {
	value, ok := root.LookupAttr("h")
	h64, err := strconv.ParseUint(value, 10, 32)
	if !ok || err != nil {
		return []session.Note{lint("M02", "XEP-0198 §4", session.Error, root.Span, "the %s's acknowledgement has no number (h is %q)", side(dir), value)}
	}
	h, from := uint32(h64), dir.Opposite()
	n := decode.Field("h", value, root.AttrSpan("h"))
	n.Ref = "XEP-0198 §4"
	switch before := m.acked[from]; {
	case m.unknown || !m.counting[from]:
		n.Text = "so many stanzas have arrived at the " + side(dir)
	case int32(h-before) < 0: // differences modulo 2^32: h wraps
		n.Rule, n.Severity = "M02", session.Error
		n.Text = "the " + side(dir) + " has acknowledged fewer stanzas than before, when it was " + strconv.FormatUint(uint64(before), 10)
	case int32(m.sent[from]-h) < 0:
		n.Rule, n.Severity = "M02", session.Error
		n.Text = "the " + side(dir) + " has acknowledged more stanzas than the " + side(from) + " sent, which is " + strconv.FormatUint(uint64(m.sent[from]), 10)
	case h == m.sent[from]:
		n.Text = "every stanza of the " + side(from) + " has arrived: " + value
	default:
		n.Text = value + " of the " + side(from) + "'s " + plural(int(m.sent[from]), "stanza") + " have arrived"
	}
	if n.Severity != session.Error {
		m.acked[from] = h
	}
	return []session.Note{n}
}
