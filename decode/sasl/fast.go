package sasl

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// fast follows the token of FAST (XEP-0484) through the attempts of one session:
// asked for, issued, used, counted, replaced, thrown away.
type fast struct {
	requested  string // mechanism that the client asked a token for in this attempt
	mechanism  string // of the token login that is going on; "" if it is none
	invalidate bool   // the client wants the token to end with this login
	refused    string // mechanism of a token login that failed in this session
	agent      string // id of the client's installation, "" if it has not said
	count      uint64 // of the newest login with a token in this session
}

// begin reads what <authenticate/> says about tokens.
func (f *fast) begin(s *decode.Seen, x *exchange) (notes []session.Note) {
	f.requested, f.mechanism, f.invalidate = "", "", false
	el, mechanism := s.Root, x.name
	login, request := el.Child(decode.NSFAST, "fast"), el.Child(decode.NSFAST, "request-token")
	hashed := decode.MechanismOf(mechanism).FAST
	offered := fastMechanisms(s.State)
	if hashed {
		f.mechanism = mechanism
	}
	switch {
	case login != nil:
		notes = append(notes, decode.Explain("XEP-0484 §3.4", login.Span, "the client logs in with a token that an earlier login gave it (FAST), not with the password"))
		notes = append(notes, f.attributes(login)...)
		notes = append(notes, f.counted(s, login, x.decoder)...)
	case hashed && slices.Contains(offered, mechanism):
		notes = append(notes, decode.Finding("A25", "XEP-0484 §3.4", session.Error, el.Tag, "the client uses the token mechanism %q without the element <fast/>: the server may not look for a token", mechanism))
	}
	if hashed && f.refused == mechanism {
		notes = append(notes, decode.Say(session.Notice, el.Tag, "the client tries a token of %q again, after the server has refused one", mechanism))
	}
	if request != nil {
		notes = append(notes, f.request(s, request, offered)...)
	}
	return notes
}

// attributes explains count and invalidate.
func (f *fast) attributes(login *session.Element) (notes []session.Note) {
	if value, ok := login.LookupAttr("count"); ok {
		n := decode.Field("count", value, login.AttrSpan("count")).Is(session.Word).Classed(session.Detail)
		n.Ref, n.Text = "XEP-0484 §3.4", "grows with every login by this token, so that a copy of the first bytes (TLS 1.3 early data) cannot be played back"
		notes = append(notes, n)
	}
	if f.invalidate = login.Attr("invalidate") == "true" || login.Attr("invalidate") == "1"; f.invalidate {
		notes = append(notes, decode.Explain("XEP-0484 §3.4", login.AttrSpan("invalidate"), "the client asks the server to throw the token away after this login"))
	}
	return notes
}

func (f *fast) request(s *decode.Seen, request *session.Element, offered []string) []session.Note {
	f.requested = strings.Clone(request.Attr("mechanism"))
	notes := []session.Note{decode.Explain("XEP-0484 §3.2", request.Span, "the client asks for a token of %q, so that its next login needs no password", f.requested)}
	if s.State.Features() != nil && decode.MechanismOf(f.requested).FAST && !slices.Contains(offered, f.requested) {
		notes = append(notes, decode.Finding("A25", "XEP-0484 §3.2", session.Error, request.Span,
			"the client asks for a token of %q, which the server does not offer (it offers %s)", f.requested, decode.Quotes(offered)))
	}
	return notes
}

// succeeded explains what a success does to tokens.
func (f *fast) succeeded(s *decode.Seen, x *exchange) (notes []session.Note) {
	if h, ok := x.decoder.(*hashedToken); ok {
		f.used(s.State.Run, h.check, true)
	}
	token := s.Root.Child(decode.NSFAST, "token")
	switch {
	case token != nil:
		f.remember(s, token, x.user)
		f.count = 0
		notes = append(notes, f.token(s, token)...)
	case f.requested != "":
		notes = append(notes, decode.Say(session.Notice, s.Root.Tag, "the client asked for a token of %q, and the server gives it none", f.requested))
	case f.mechanism != "" && !f.invalidate:
		notes = append(notes, decode.Explain("XEP-0484 §3.3", s.Root.Tag, "the server gives no new token: the client goes on using the one it has"))
	}
	if f.mechanism != "" && f.invalidate {
		notes = append(notes, decode.Explain("XEP-0484 §3.4", s.Root.Tag, "the token that the client has logged in with is invalid from now on"))
	}
	return notes
}

// token explains a new token; core marks its value as secret.
func (f *fast) token(s *decode.Seen, token *session.Element) []session.Note {
	text := "the server gives the client a token, worth as much as the password, for its next login"
	switch {
	case f.mechanism != "":
		text = "the server gives the client a new token in place of the one it has used (rotation); the old one lives until the new one is used for the first time"
	case f.requested == "":
		text = "the server gives the client a token that it did not ask for"
	case f.requested != "":
		text += ", by " + f.requested
	}
	notes := []session.Note{decode.Explain("XEP-0484 §3.3", token.Tag, "%s", text)}
	value, ok := token.LookupAttr("expiry")
	if !ok {
		n := decode.Say(session.Notice, token.Tag, "the server does not say when the token expires")
		n.Ref = "XEP-0484 §3.3"
		return append(notes, n)
	}
	n := decode.Field("expiry", value, token.AttrSpan("expiry")).Is(session.Word).Classed(session.Identifier)
	n.Ref = "XEP-0484 §3.3"
	until, err := time.Parse(time.RFC3339, value)
	if err != nil {
		n.Severity, n.Text = session.Warning, "the server's time of expiry is not a time in the form of XEP-0082"
		return append(notes, n)
	}
	words, over := expiry(until, s.Event.At)
	if n.Text = "the token " + words; over {
		n.Severity, n.Text = session.Warning, "the server's token "+words+": a clock is wrong"
	}
	return append(notes, n)
}

// failed explains what a refusal does to a token.
func (f *fast) failed(s *decode.Seen, x *exchange) []session.Note {
	if h, ok := x.decoder.(*hashedToken); ok && !x.lostBinding(s) {
		f.used(s.State.Run, h.check, false)
	}
	if f.mechanism == "" {
		return nil
	}
	f.refused = f.mechanism
	return []session.Note{decode.Explain("XEP-0484 §3.4", s.Root.Tag, "the client should throw its token away, log in with the password, and ask for a new one")}
}

// counted is the part of A25 that guards 0-RTT logins against replay: the count
// rises with every login by the same token, on whatever connection.
func (f *fast) counted(s *decode.Seen, login *session.Element, d Decoder) []session.Note {
	value, ok := login.LookupAttr("count")
	if !ok {
		return nil
	}
	fault := func(format string, args ...any) []session.Note {
		return []session.Note{decode.Finding("A25", "XEP-0484 §3.4", session.Error, login.AttrSpan("count"), format, args...)}
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return fault("the client's count is %q; it must be a number", value)
	}
	here := s.Event.Session
	before := decode.Count{N: f.count, Session: here}
	f.count = max(f.count, n)
	if h, ok := d.(*hashedToken); ok {
		if id, ok := h.tokenID(); ok {
			s.State.Run.Counts.Update(id, func(old decode.Count, _ bool) decode.Count {
				before = old
				if n > old.N {
					return decode.Count{N: n, Session: here}
				}
				return old
			})
		}
	}
	switch {
	case before.N == 0 || n > before.N:
		return nil
	case before.Session != here:
		return fault("the client's count is %d, after %d with the same token in session %d; it must rise with every login", n, before.N, before.Session)
	}
	return fault("the client's count is %d after %d; it must rise with every attempt", n, before.N)
}
