package decode

import (
	"bytes"
	"slices"

	"xmppscope/session"
)

// credentials are the elements whose content may be a password, and the marks by
// which the others are known. Where such an element could not be read as a whole
// no rule can say which bytes are the secret, so all of them are.
var (
	credentialElements = []string{"auth", "response", "authenticate", "success", "handshake", "token", "hash", "password", "digest"}
	credentialMarks    = [][]byte{[]byte("jabber:iq:auth"), []byte("jabber:iq:register"), []byte("urn:xmpp:fast:0")}
)

// hideUnread marks as secret what may be a credential and no rule has read: an
// element that was cut off, truncated, not well-formed or in a namespace where
// nobody looks for one, and any sign of one in a direction that is opaque.
func (d *Session) hideUnread(s *Seen, broken bool) {
	e := s.Event
	if !session.IsPlaintext(e.Body) || len(e.Raw) == 0 {
		return
	}
	_, raw := e.Body.(session.StreamRaw)
	switch {
	case raw && d.cut[e.Dir]:
		end := bytes.Index(e.Raw, []byte("</"))
		d.cut[e.Dir] = end < 0 && !bytes.ContainsRune(e.Raw, '\n')
		if end < 0 {
			end = len(e.Raw)
		}
		d.hide(e, session.Span{Start: 0, End: end})
	case broken || raw:
		if start := credentialAt(e.Raw); start >= 0 {
			d.hide(e, session.Span{Start: start, End: len(e.Raw)})
			d.cut[e.Dir] = raw && !bytes.Contains(e.Raw[start:], []byte("</"))
		}
	case len(e.Secrets) == 0 && s.Root != nil && s.Root.Name.Space != NSSASL && s.Root.Name.Space != NSSASL2 &&
		slices.Contains(plainCredentials, s.Root.Name.Local): // where SASL's rules do not look
		d.hide(e, s.Root.TextSpan())
	}
}

// plainCredentials are hidden wherever they stand, whatever their namespace says.
var plainCredentials = []string{"auth", "response", "authenticate", "handshake"}

func (d *Session) hide(e *session.Event, span session.Span) {
	const kind = "unread credentials"
	if span.Len() > 0 {
		e.AddSecrets(session.Secret{Kind: kind, Span: span, Mark: d.state.Secrets.Mark(kind, string(e.Raw[span.Start:span.End]))})
	}
}

// credentialAt is where in raw bytes a credential may begin: behind the tag of an
// element that holds one, or behind the name of an HTTP header that does; -1 if
// there is no sign of any.
func credentialAt(raw []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(raw[at:], '<')
		if i < 0 {
			break
		}
		at += i + 1
		if !isCredential(raw[at:]) {
			continue
		}
		if end := bytes.IndexByte(raw[at:], '>'); end >= 0 {
			return at + end + 1
		}
		if end := bytes.IndexAny(raw[at:], " \t\r\n"); end >= 0 {
			return at + end + 1
		}
		return len(raw)
	}
	if i := bytes.Index(bytes.ToLower(raw), []byte("authorization:")); i >= 0 {
		return i + len("authorization:")
	}
	return -1
}

// isCredential says whether a tag, from behind its "<", is one that holds a
// credential.
func isCredential(tag []byte) bool {
	if tag, _, _ = bytes.Cut(tag, []byte(">")); len(tag) == 0 {
		return false
	}
	end := bytes.IndexAny(tag, " \t\r\n/")
	if end < 0 {
		end = len(tag)
	}
	name := tag[:end]
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return slices.Contains(credentialElements, string(name)) ||
		slices.ContainsFunc(credentialMarks, func(mark []byte) bool { return bytes.Contains(tag, mark) })
}
