package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsRegister = "jabber:iq:register"

func init() {
	add(decode.Rule{
		ID: "core-iqauth", Title: "Login of before XMPP 1.0", Ref: "XEP-0078 §3",
		Match: func(s *decode.Seen) bool { return s.IsStanza() && s.Root.Name.Local == "iq" },
		New:   decode.Stateless(explainIQAuth),
	})
}

// explainIQAuth is about jabber:iq:auth, and about passwords that jabber:iq:register
// carries; secrets.go blanks both.
func explainIQAuth(s *decode.Seen) []session.Note {
	if q := s.Root.Child(nsRegister, "query"); q != nil {
		return clearPassword(s, q, "L02", "XEP-0077 §11", "a password for registration")
	}
	q := s.Root.Child(decode.NSIQAuth, "query")
	switch typ := s.Root.Attr("type"); {
	case q != nil && s.Event.Dir == session.C2S && typ == "get":
		return append(iqAuthUser(q), say("XEP-0078 §3.1", q.Tag, "the client asks which fields it must fill in to log in"))
	case q != nil && s.Event.Dir == session.C2S && typ == "set":
		return iqAuthSet(s, q)
	case q != nil && s.Event.Dir == session.S2C && typ == "result":
		var fields []string
		for _, c := range q.Children() {
			fields = append(fields, c.Name.Local)
		}
		return []session.Note{say("XEP-0078 §3.1", q.Tag, "the server wants %s; digest is better than password, which travels as it is", list(fields))}
	case s.Request == nil || s.Request.Step != "iqauth-set":
		return nil
	case typ == "result":
		return []session.Note{say("XEP-0078 §3.1", s.Root.Tag, "the client is logged in; in this kind of login there is no restart and no bind")}
	}
	n := say("XEP-0078 §3.2", s.Root.Tag, "the server refuses the login: 401 is a wrong name or password, 409 a resource in use, 406 a field that is missing")
	n.Severity = session.Error
	return []session.Note{n}
}

func iqAuthUser(q *session.Element) []session.Note {
	u := q.Child("", "username")
	if u == nil || u.Text() == "" {
		return nil
	}
	return []session.Note{field("XEP-0078 §3.1", "authcid", u.Text(), u.TextSpan(), "the user name")}
}

func iqAuthSet(s *decode.Seen, q *session.Element) []session.Note {
	notes := iqAuthUser(q)
	if d := q.Child("", "digest"); d != nil {
		notes = append(notes, say("XEP-0078 §3.1", d.Tag, "SHA-1 over the stream's id and the password: it is of use on this stream only, but lets whoever records it guess passwords off line"))
	}
	if r := q.Child("", "resource"); r != nil {
		notes = append(notes, field("XEP-0078 §3.1", "resource", r.Text(), r.TextSpan(), "the resource that the client wants"))
	}
	return append(notes, clearPassword(s, q, "L01", "XEP-0078 §5", "the password")...)
}

// clearPassword is L01 and L02.
func clearPassword(s *decode.Seen, q *session.Element, id, ref, what string) []session.Note {
	p := q.Child("", "password")
	if p == nil || strings.TrimSpace(p.Text()) == "" || !inClear(s.State) {
		return nil
	}
	return []session.Note{lint(id, ref, session.Error, p.Tag, "the %s sends %s on a connection without TLS: everyone on the way can read it", side(s.Event.Dir), what)}
}
