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
	credentialElements = []string{"auth", "response", "authenticate", "success", "handshake", "token", "hash"}
	credentialMarks    = [][]byte{[]byte("jabber:iq:auth"), []byte("jabber:iq:register"), []byte("<password"), []byte("urn:xmpp:fast:0")}
)

// hideUnread marks everything behind the first tag of a credential that was cut
// off, truncated or not well-formed as secret.
func (d *Session) hideUnread(s *Seen) {
	e := s.Event
	if !session.IsPlaintext(e.Body) || len(e.Raw) == 0 {
		return
	}
	_, raw := e.Body.(session.StreamRaw)
	switch {
	case raw && d.cut[e.Dir]:
		d.hide(e, session.Span{Start: 0, End: len(e.Raw)})
		d.cut[e.Dir] = !bytes.Contains(e.Raw, []byte("</"))
	case isCredential(e.Raw):
		start := bytes.IndexByte(e.Raw, '>') + 1 // 0: even the tag is cut off
		if start == 0 {
			start = min(len(e.Raw), bytes.IndexAny(e.Raw, " \t\r\n")+1)
		}
		d.hide(e, session.Span{Start: start, End: len(e.Raw)})
		d.cut[e.Dir] = raw
	}
}

func (d *Session) hide(e *session.Event, span session.Span) {
	const kind = "unread credentials"
	if span.Len() > 0 {
		e.AddSecrets(session.Secret{Kind: kind, Span: span, Mark: d.state.Secrets.Mark(kind, string(e.Raw[span.Start:span.End]))})
	}
}

func isCredential(raw []byte) bool {
	if !bytes.HasPrefix(raw, []byte("<")) {
		return false
	}
	end := bytes.IndexAny(raw, " \t\r\n/>")
	if end < 0 {
		end = len(raw)
	}
	name := raw[1:end]
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return slices.Contains(credentialElements, string(name)) ||
		slices.ContainsFunc(credentialMarks, func(mark []byte) bool { return bytes.Contains(raw, mark) })
}
