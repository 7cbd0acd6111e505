package sasl

import (
	"xmppscope/decode"
	"xmppscope/session"
)

// checker is a decoder that can hold the client's answer against what it was
// computed from.
type checker interface {
	// cause is what that tells of a refusal; "" if nothing.
	cause() string
	// tookAnyway is what it tells of a success.
	tookAnyway(span session.Span) []session.Note
}

// checked makes a checker of a decoder that knows the account's password.
type checked struct{ decode.Check }

func (c checked) cause() string { return c.Cause("client") }

func (c checked) tookAnyway(span session.Span) []session.Note { return c.TookAnyway("client", span) }

// samePassword compares a password that was sent as it is.
func samePassword(m Message, user, sent string) (decode.Check, []session.Note) {
	v := decode.SamePassword(m.State.Account(user), sent)
	return v, v.SameNote("client", m.Span)
}

// serverVerdict says what came of checking the server's answer; it is only asked
// where the client's fitted.
func serverVerdict(m Message, what string, ok bool) session.Note {
	n := decode.Field(what+"-check", "fits", m.Span).Is(session.Word)
	n.Rule, n.Text = decode.RuleVerify, "the server's "+what+" fits: it knows the same password, and saw the same messages"
	if !ok {
		n.Value, n.Severity = "does not fit", session.Error
		n.Text = "the server's " + what + " does not fit, though the client computed rightly from the password given to xmppscope: the server has another password, or computed wrong, and the client must refuse"
	}
	return n
}

// cause is what a check tells of a refusal; "" if nothing.
func (x *exchange) cause() string {
	if c, ok := x.decoder.(checker); ok {
		return c.cause()
	}
	return ""
}

// tookAnyway is what a success tells of a client whose answer did not fit.
func (x *exchange) tookAnyway(s *decode.Seen) []session.Note {
	if c, ok := x.decoder.(checker); ok {
		return c.tookAnyway(s.Root.Tag)
	}
	return nil
}
