package decode

import (
	"slices"
	"strings"

	"xmppscope/session"
)

// RuleVerify is the id of notes that hold what a side has computed against the
// account's password, or a token that was seen.
const RuleVerify = "sasl-verify"

// Check is what came of such a comparison.
type Check struct {
	Result Result
	Fault  string // what the side did wrong to the password, if what it sent fits that: "did not normalise …"
}

// Result says whether a value fits.
type Result uint8

// The results. A value that does not fit need not be wrong: the password that the
// user has given may be.
const (
	Unchecked Result = iota // no password was given, or it cannot be computed
	Fits
	Differs
)

// Account is the password of an account in all forms that software makes of it,
// nil if the user has not given it. A user that is a whole JID, as some clients
// have it, names its domain itself.
func (s *State) Account(user string) []PasswordForm {
	if user == "" {
		return nil
	}
	return s.forms(AccountOf(user, s.Domain()))
}

// AccountOf is the user and the domain of who logs in at a domain: a user that is a whole
// JID, as some clients have it, names its domain itself.
func AccountOf(user, domain string) (string, string) {
	if at := strings.LastIndexByte(user, '@'); at > 0 {
		return user[:at], user[at+1:]
	}
	return user, domain
}

// SecretOf is Account for the secret that a domain's server computes its dialback keys
// from (XEP-0185): that of the domain without a user.
func (s *State) SecretOf(domain string) []PasswordForm { return s.forms("", domain) }

// ComponentSecret is Account for the secret that a component shares with its
// server (XEP-0114): that of the domain without a user.
func (s *State) ComponentSecret() []PasswordForm { return s.forms("", s.Domain()) }

func (s *State) forms(user, domain string) []PasswordForm {
	if s.Passwords == nil {
		return nil
	}
	password, ok := s.Passwords(user, domain)
	if !ok {
		return nil
	}
	return PasswordForms(password)
}

// CheckForms finds the form of the password with which a computation gives what
// was sent. The first form is tried first, and is nearly always the one.
func CheckForms(forms []PasswordForm, same func(password string) bool) Check {
	i := slices.IndexFunc(forms, func(f PasswordForm) bool { return same(f.Password) })
	switch {
	case i >= 0:
		return Check{Fits, forms[i].Fault}
	case len(forms) > 0:
		return Check{Result: Differs}
	}
	return Check{}
}

// Note says what came of checking what a side ("client", "component") has sent:
// its "proof", "digest" or the like. A misfit is a warning only: the given
// password may be wrong. There is no note where nothing was checked.
func (c Check) Note(side, what string, span session.Span) []session.Note {
	n := Field(what+"-check", "fits", span)
	n.Rule = RuleVerify
	switch {
	case c.Result == Unchecked:
		return nil
	case c.Result == Differs:
		n.Value, n.Severity = "does not fit", session.Warning
		n.Text = "the " + side + " used another password than the one given to xmppscope, or computed wrong"
	case c.Fault != "":
		n.Value, n.Severity = "fits a mistake", session.Error
		n.Text = "the " + side + " " + c.Fault + ": its " + what + " fits that, and not what it should be"
	default:
		n.Text = "the " + side + "'s " + what + " fits the password given to xmppscope"
	}
	return []session.Note{n}
}

// SameNote is Note for a password that was sent as it is.
func (c Check) SameNote(side string, span session.Span) []session.Note {
	n := Field("password-check", "fits", span).Is(session.Word)
	n.Rule, n.Text = RuleVerify, "the "+side+"'s password is the one given to xmppscope"
	switch c.Result {
	case Unchecked:
		return nil
	case Differs:
		n.Value, n.Severity, n.Text = "does not fit", session.Warning, "the "+side+" used another password than the one given to xmppscope"
	}
	return []session.Note{n}
}

// Cause is what a check tells of a refusal by the server; "" if nothing.
func (c Check) Cause(side string) string {
	switch {
	case c.Fault != "":
		return "the " + side + " " + c.Fault
	case c.Result == Fits:
		return "the " + side + " computed rightly from the password given to xmppscope, so the server has another password for this account, or computed wrong"
	case c.Result == Differs:
		return "the " + side + " used another password than the one given to xmppscope, or computed wrong"
	}
	return ""
}

// TookAnyway is what a success tells of a side whose answer did not fit.
func (c Check) TookAnyway(side string, span session.Span) []session.Note {
	if c.Result != Differs {
		return nil
	}
	n := Say(session.Notice, span, "the server let the %s in, so the password given to xmppscope is not that of the account", side)
	n.Rule = RuleVerify
	return []session.Note{n}
}
