package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-stage", Title: "What may be said when", Ref: "RFC 6120 §4.3.5",
		New: func() decode.Explainer { return &stage{} },
	})
}

// stage knows how far a client has come, and which elements belong there.
type stage struct {
	sight
	login attempt
	open  bool // a resource is bound, or has been asked for: clients need not wait for the answer (XEP-0305)
	said  [3]bool
}

// Explain implements decode.Explainer.
func (g *stage) Explain(s *decode.Seen) (notes []session.Note) {
	if !g.clear(s) {
		return nil
	}
	if isElement(s) {
		notes = foreign(s)
		if roleOf(s.State) == clientStream && !s.State.Joined {
			notes = append(notes, g.element(s)...)
		}
	}
	g.login.see(s)
	return notes
}

func (g *stage) element(s *decode.Seen) []session.Note {
	if g.opens(s) {
		g.open = true
		return nil
	}
	if !s.IsStanza() || s.State.Header[s.Event.Dir] == nil || g.said[s.Event.Dir] {
		return nil
	}
	in := s.State.Authenticated || g.login.ahead()
	var note session.Note
	switch {
	case !in && !beforeLogin(s):
		note = decode.Breach("B06", s.Root.Tag, "the %s sends %s before the client has logged in", s.Event.Dir.Sender(), a(s.Root.Name.Local))
	case in && s.Event.Dir == session.C2S && !g.open && toOthers(s):
		note = decode.Breach("B02", s.Root.Tag, "the client sends %s to %q before it has bound a resource", a(s.Root.Name.Local), s.Root.Attr("to"))
	default:
		return nil
	}
	g.said[s.Event.Dir] = true // more of them say nothing new
	return []session.Note{note}
}

// opens says whether stanzas may flow after this element.
func (g *stage) opens(s *decode.Seen) bool {
	root := s.Root
	if s.Event.Dir == session.S2C {
		return s.Event.Step != nil && s.Event.Step.ID == "iqauth-result"
	}
	switch root.Name.Space {
	case decode.NSSM2, decode.NSSM3:
		return root.Name.Local == "resume"
	case decode.NSSASL2:
		return root.Child(decode.NSBind2, "bind") != nil || root.Child(decode.NSSM3, "resume") != nil
	}
	return root.Child(decode.NSBind, "bind") != nil // bind.go checks when it comes
}

// beforeLogin are the stanzas that have a place before the login: those of iq-auth
// (XEP-0078) and of registration (XEP-0077, XEP-0445), and the answers to them.
func beforeLogin(s *decode.Seen) bool {
	if s.Root.Name.Local != "iq" {
		return false
	}
	if typ := s.Root.Attr("type"); typ == "result" || typ == "error" || s.Event.Dir == session.S2C {
		return true
	}
	for _, space := range []string{decode.NSIQAuth, nsRegister, "urn:xmpp:pars:0", "urn:xmpp:ibr-token:0"} {
		if hasChildIn(s.Root, space) {
			return true
		}
	}
	return false
}

func hasChildIn(root *session.Element, space string) bool {
	for c := range root.Elements() {
		if c.Name.Space == space {
			return true
		}
	}
	return false
}

// toOthers says whether a stanza is for anyone but the server or the own account.
func toOthers(s *decode.Seen) bool {
	to := s.Root.Attr("to")
	head := s.State.Header[session.C2S]
	return to != "" && head != nil && !strings.EqualFold(to, head.To) && !strings.EqualFold(session.BareJID(to), session.BareJID(head.From))
}

// oneSided are the elements that only one side may send: true for the client.
var oneSided = map[string]bool{
	decode.NSTLS + " starttls": true, decode.NSTLS + " proceed": false,
	decode.NSSASL + " auth": true, decode.NSSASL + " response": true, decode.NSSASL + " abort": true,
	decode.NSSASL + " challenge": false, decode.NSSASL + " success": false, decode.NSSASL + " failure": false,
	decode.NSSASL2 + " authenticate": true, decode.NSSASL2 + " response": true, decode.NSSASL2 + " next": true,
	decode.NSSASL2 + " challenge": false, decode.NSSASL2 + " success": false, decode.NSSASL2 + " failure": false, decode.NSSASL2 + " continue": false,
	decode.NSStreams + " features":  false,
	decode.NSCompress + " compress": true, decode.NSCompress + " compressed": false,
	decode.NSSM3 + " enable": true, decode.NSSM3 + " enabled": false, decode.NSSM3 + " resume": true, decode.NSSM3 + " resumed": false,
}

// foreign is Q21: elements that nobody expects, or not from this side.
func foreign(s *decode.Seen) []session.Note {
	name, who := s.Root.Name, s.Event.Dir.Sender()
	switch {
	case s.IsStanza():
		return nil
	case s.State.Header[s.Event.Dir] == nil:
		return nil // it is not even known which namespace is the default one
	}
	if fromClient, ok := oneSided[name.Space+" "+name.Local]; ok && fromClient != (s.Event.Dir == session.C2S) {
		return []session.Note{decode.Breach("Q21", s.Root.Tag, "the %s sends %q, which is for the other side to send", who, name.Local)}
	}
	if known(s) {
		return nil
	}
	return []session.Note{decode.Breach("Q21", s.Root.Tag,
		"the %s sends %q in %q at the first level; the other side may end the stream over it (unsupported-stanza-type)", who, name.Local, name.Space)}
}
