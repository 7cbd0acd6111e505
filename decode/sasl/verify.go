package sasl

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// ruleVerify is the id of notes that hold a message against the account's
// password, which the user has given.
const ruleVerify = "sasl-verify"

// verdict is what became of holding the client's answer against the password.
type verdict struct {
	result result
	fault  string // what the client did wrong to the password, if its answer fits that
}

type result uint8

const (
	unchecked result = iota // no password was given, or it cannot be computed
	fits
	differs
)

// checker is a decoder that can say how the client's answer compares.
type checker interface{ verdict() verdict }

// account is the password of the account that an attempt is for, in all forms
// that software makes of it; nil if the user has not given it.
func account(m Message, user string) []decode.PasswordForm {
	if m.State.Passwords == nil || user == "" {
		return nil
	}
	domain := m.State.Domain()
	if at := strings.LastIndexByte(user, '@'); at > 0 { // some clients give the JID
		user, domain = user[:at], user[at+1:]
	}
	password, ok := m.State.Passwords(user, domain)
	if !ok {
		return nil
	}
	return decode.PasswordForms(password)
}

// check finds the form of the password with which a computation gives what was
// sent. The first form is tried first, and is nearly always the one.
func check(forms []decode.PasswordForm, same func(password string) bool) verdict {
	i := slices.IndexFunc(forms, func(f decode.PasswordForm) bool { return same(f.Password) })
	switch {
	case i >= 0:
		return verdict{fits, forms[i].Fault}
	case len(forms) > 0:
		return verdict{result: differs}
	}
	return verdict{}
}

// verdictNote says what came of checking what the client has sent: its "proof" or
// "response". A misfit is a warning only: the given password may be wrong.
func verdictNote(m Message, what string, v verdict) []session.Note {
	n := decode.Field(what+"-check", "fits", m.Span)
	n.Rule = ruleVerify
	switch {
	case v.result == unchecked:
		return nil
	case v.result == differs:
		n.Value, n.Severity = "does not fit", session.Warning
		n.Text = "the client used another password than the one given to xmppscope, or computed wrong"
	case v.fault != "":
		n.Value, n.Severity = "fits another form of the password", session.Error
		n.Text = "the client " + v.fault + ": its " + what + " fits that, but not the password as it should be"
	default:
		n.Text = "the client's " + what + " fits the password given to xmppscope"
	}
	return []session.Note{n}
}

// samePassword compares a password that was sent as it is. It is the server that
// normalises it (RFC 4616 §2), so any form will do.
func samePassword(m Message, user, sent string) (verdict, []session.Note) {
	v := check(account(m, user), func(own string) bool { return own == sent })
	n := decode.Field("password-check", "fits", m.Span)
	n.Rule, n.Text = ruleVerify, "the client's password is the one given to xmppscope"
	switch {
	case v.result == unchecked:
		return v, nil
	case v.result == differs:
		n.Value, n.Severity, n.Text = "does not fit", session.Warning, "the client used another password than the one given to xmppscope"
	}
	v.fault = ""
	return v, []session.Note{n}
}

// serverVerdict says what came of checking the server's answer; it is only asked
// where the client's fitted.
func serverVerdict(m Message, what string, ok bool) session.Note {
	n := decode.Field(what+"-check", "fits", m.Span)
	n.Rule, n.Text = ruleVerify, "the server's "+what+" fits: it knows the same password, and saw the same messages"
	if !ok {
		n.Value, n.Severity = "does not fit", session.Error
		n.Text = "the server's " + what + " does not fit, though the client computed rightly from the password given to xmppscope: the server has another password, or computed wrong, and the client must refuse"
	}
	return n
}

// cause is what a check tells of a refusal; "" if nothing.
func (x *exchange) cause() string {
	c, ok := x.decoder.(checker)
	if !ok {
		return ""
	}
	switch v := c.verdict(); {
	case v.fault != "":
		return "the client " + v.fault
	case v.result == fits:
		return "the client computed rightly from the password given to xmppscope, so the server has another password for this account, or computed wrong"
	case v.result == differs:
		return "the client used another password than the one given to xmppscope, or computed wrong"
	}
	return ""
}

// tookAnyway is what a success tells of a client whose answer did not fit.
func (x *exchange) tookAnyway(s *decode.Seen) []session.Note {
	if c, ok := x.decoder.(checker); !ok || c.verdict().result != differs {
		return nil
	}
	n := decode.Say(session.Notice, s.Root.Tag, "the server let the client in, so the password given to xmppscope is not that of the account")
	n.Rule = ruleVerify
	return []session.Note{n}
}
