package core

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsRegister = "jabber:iq:register"

func init() {
	add(decode.Rule{
		ID: "core-iqauth", Title: "Login of before XMPP 1.0", Ref: "XEP-0078 §3",
		Match: decode.Stanza("iq").Or(decode.NoStanza().And(opensStream)),
		New:   func() decode.Explainer { return &iqAuth{} },
	})
}

// opensStream says whether it is a stream header of the server that could be read.
func opensStream(s *decode.Seen) bool {
	_, opened := s.Event.Body.(session.StreamOpened)
	return opened && s.Event.Dir == session.S2C && s.Root != nil
}

// iqAuth is about jabber:iq:auth, and about passwords that jabber:iq:register
// carries; secrets.go blanks both. It remembers what came of checking the client's
// newest answer.
type iqAuth struct {
	streams decode.StreamIDs
	checked decode.Check
}

// Explain implements decode.Explainer.
func (a *iqAuth) Explain(s *decode.Seen) []session.Note {
	if opensStream(s) {
		a.streams.Opened(s.State.Header[session.S2C].ID)
		return nil
	}
	if q := s.Root.Child(nsRegister, "query"); q != nil {
		return clearPassword(s, q, "L02", "XEP-0077 §11", "a password for registration")
	}
	q := s.Root.Child(decode.NSIQAuth, "query")
	switch typ := s.Root.Attr("type"); {
	case q != nil && s.Event.Dir == session.C2S && typ == "get":
		return append(iqAuthUser(q), decode.Explain("XEP-0078 §3.1", q.Tag, "the client asks which fields it must fill in to log in"))
	case q != nil && s.Event.Dir == session.C2S && typ == "set":
		return a.set(s, q)
	case q != nil && s.Event.Dir == session.S2C && typ == "result":
		return []session.Note{iqAuthFields(q)}
	case s.Request == nil || s.Request.Step != "iqauth-set":
		return nil
	case typ == "result":
		n := decode.Explain("XEP-0078 §3.1", s.Root.Tag, "the client is logged in; in this kind of login there is no restart and no bind")
		return append([]session.Note{n}, a.checked.TookAnyway("client", s.Root.Tag)...)
	}
	return []session.Note{a.refused(s)}
}

// iqAuthFields is what the server wants to know.
func iqAuthFields(q *session.Element) session.Note {
	var fields []string
	for c := range q.Elements() {
		fields = append(fields, c.Name.Local)
	}
	text := ""
	switch digest, password := slices.Contains(fields, "digest"), slices.Contains(fields, "password"); {
	case digest && password:
		text = "; digest is better than password, which travels as it is"
	case password:
		text = "; the password travels as it is"
	}
	return decode.Explain("XEP-0078 §3.1", q.Tag, "the server wants %s%s", decode.Quotes(fields), text)
}

func iqAuthUser(q *session.Element) []session.Note {
	u := q.Child("", "username")
	if u == nil || u.Text() == "" {
		return nil
	}
	return []session.Note{field("XEP-0078 §3.1", "authcid", u.Text(), u.TextSpan(), "the user name").Is(session.User)}
}

func (a *iqAuth) set(s *decode.Seen, q *session.Element) []session.Note {
	a.checked = decode.Check{}
	notes := iqAuthUser(q)
	if len(notes) == 0 {
		n := decode.Explain("XEP-0078 §3.1", q.Tag, "the client does not say who wants to log in (no username)")
		n.Severity = session.Error
		notes = append(notes, n)
	}
	if d := q.Child("", "digest"); d != nil {
		notes = append(notes, decode.Explain("XEP-0078 §3.1", d.Tag, "SHA-1 over the stream's id and the password: it is of use on this stream only, but lets whoever records it guess passwords off line"))
		if s.State.InClear() {
			notes = append(notes, decode.Finding("L01", "XEP-0078 §5", session.Warning, d.Tag, "the client sends a digest on a connection without TLS: everyone on the way can guess passwords with it"))
		}
		notes = append(notes, a.digest(s, q, strings.TrimSpace(d.Text()), d.TextSpan())...)
	}
	if r := q.Child("", "resource"); r != nil {
		notes = append(notes, field("XEP-0078 §3.1", "resource", r.Text(), r.TextSpan(), "the resource that the client wants").Is(session.Resource).Classed(session.Elsewhere))
	}
	if p := q.Child("", "password"); p != nil {
		notes = append(notes, a.password(s, q, p)...)
	}
	return append(notes, clearPassword(s, q, "L01", "XEP-0078 §5", "the password")...)
}

// digest holds a digest against the account's password.
func (a *iqAuth) digest(s *decode.Seen, q *session.Element, sent string, span session.Span) (notes []session.Note) {
	if raw, err := hex.DecodeString(sent); err != nil || len(raw) != sha1.Size {
		n := decode.Explain("XEP-0078 §3.1", span, "the client's digest is not the 40 hex digits of a SHA-1")
		n.Severity = session.Error
		notes = append(notes, n)
	}
	a.checked = a.streams.Check(s.State.Account(iqAuthName(q)), sent)
	return append(notes, a.checked.Note("client", "digest", span)...)
}

// password compares a password that was sent as it is.
func (a *iqAuth) password(s *decode.Seen, q, p *session.Element) []session.Note {
	a.checked = decode.SamePassword(s.State.Account(iqAuthName(q)), p.Text())
	return a.checked.SameNote("client", p.TextSpan())
}

func iqAuthName(q *session.Element) string {
	if u := q.Child("", "username"); u != nil {
		return u.Text()
	}
	return ""
}

// iqAuthErrors are the causes of a refusal (XEP-0078 §3.2), by condition and by
// the code of before XMPP 1.0.
var iqAuthErrors = map[string]string{
	"not-authorized": "a wrong user name or password", "401": "a wrong user name or password",
	"conflict": "the resource is in use", "409": "the resource is in use",
	"not-acceptable": "a field is missing", "406": "a field is missing",
}

func (a *iqAuth) refused(s *decode.Seen) session.Note {
	why := "401 is a wrong name or password, 409 a resource in use, 406 a field that is missing"
	if el := s.Root.Child("", "error"); el != nil {
		condition := el.Attr("code")
		for c := range el.Elements() {
			if iqAuthErrors[c.Name.Local] != "" {
				condition = c.Name.Local
			}
		}
		if known := iqAuthErrors[condition]; known != "" {
			why = known
		}
		if cause := a.checked.Cause("client"); cause != "" && (condition == "401" || condition == "not-authorized") {
			why = cause
		}
	}
	n := decode.Explain("XEP-0078 §3.2", s.Root.Tag, "the server refuses the login: %s", why)
	n.Severity = session.Error
	return n
}

// clearPassword is L01 and L02.
func clearPassword(s *decode.Seen, q *session.Element, id, ref, what string) []session.Note {
	p := q.Child("", "password")
	if p == nil || strings.TrimSpace(p.Text()) == "" || !s.State.InClear() {
		return nil
	}
	return []session.Note{decode.Finding(id, ref, session.Error, p.Tag, "the %s sends %s on a connection without TLS: everyone on the way can read it", s.Event.Dir.Sender(), what)}
}
