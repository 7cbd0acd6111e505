package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-bind", Title: "Resource binding", Ref: "RFC 6120 §7",
		Match: decode.NoStanza().Or(decode.Stanza("iq")),
		New:   func() decode.Explainer { return &binding{} },
	})
}

// binding remembers which resource the client asked for, and how often.
type binding struct {
	asked string
	tries int
	login attempt
}

// Explain implements decode.Explainer.
func (b *binding) Explain(s *decode.Seen) []session.Note {
	b.login.see(s)
	if !s.IsStanza() {
		return nil
	}
	el := s.Root.Child(decode.NSBind, "bind")
	switch {
	case s.Event.Dir == session.C2S && el != nil && s.Root.Attr("type") == "set":
		return b.request(s, el)
	case s.Request == nil || s.Request.Step != "bind-request":
		return nil
	case s.Root.Attr("type") == "result":
		return b.result(s, el)
	}
	n := decode.Explain("RFC 6120 §7.6.2", s.Root.Tag, "the server refuses the resource %q", b.asked)
	n.Severity = session.Error
	return []session.Note{n}
}

func (b *binding) request(s *decode.Seen, el *session.Element) []session.Note {
	b.asked = ""
	b.tries++
	notes := []session.Note{decode.Explain("RFC 6120 §7.6", el.Span, "the client leaves it to the server to name its resource")}
	if r := el.Child("", "resource"); r != nil && r.Text() != "" {
		b.asked = strings.Clone(r.Text())
		notes = []session.Note{field("RFC 6120 §7.7", "resource", b.asked, r.TextSpan(), "the client asks for this resource; the server decides").Is(session.Resource).Classed(session.Elsewhere)}
	}
	if !s.State.Authenticated && !b.login.ahead() && !s.State.Joined {
		notes = append(notes, decode.Breach("B02", el.Tag, "the client binds before it has logged in"))
	}
	if b.tries > 5 {
		notes = append(notes, decode.Breach("B05", el.Tag, "the client asks for a resource for the %dth time; servers allow 5 to 10", b.tries))
	}
	return notes
}

func (b *binding) result(s *decode.Seen, el *session.Element) []session.Note {
	var jid *session.Element
	if el != nil {
		jid = el.Child("", "jid")
	}
	if jid == nil || !strings.Contains(jid.Text(), "/") {
		return []session.Note{decode.Breach("B03", s.Root.Tag, "the server's bind result holds no full JID")}
	}
	n := field("RFC 6120 §7.6.1", "jid", jid.Text(), jid.TextSpan(), "the client's full JID from now on, whatever it asked for").Is(session.JID).Classed(session.Elsewhere)
	_, given, _ := strings.Cut(jid.Text(), "/")
	notes := []session.Note{n}
	if b.asked != "" && b.asked != given {
		c := decode.Explain("RFC 6120 §7.7.2", jid.TextSpan(), "the server changed the resource from %q to %q", b.asked, given)
		c.Severity = session.Notice
		notes = append(notes, c)
	}
	return notes
}
