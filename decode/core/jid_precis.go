package core

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"xmppscope/internal/idn"
	"xmppscope/session"
)

// What is ASCII needs no tables: most addresses are.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unassigned says whether our tables are too old for a text: a character of a
// newer Unicode proves nothing.
func unassigned(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C)
	})
}

// localProblem holds a localpart against UsernameCaseMapped (RFC 7622 §3.3).
func localProblem(local string) string {
	if ascii(local) || unassigned(local) {
		return ""
	}
	if _, err := precis.UsernameCaseMapped.String(local); err != nil {
		return "its local part has a character, or an order of them, that is not allowed there (PRECIS)"
	}
	return ""
}

// domainProblem is about domain names (RFC 7622 §3.2).
func domainProblem(domain string) string {
	if unassigned(domain) {
		return ""
	}
	d, err := idn.Parse(domain)
	switch {
	case err != nil:
		return "its domain is no domain name: " + errors.Unwrap(err).Error()
	case strings.Contains("."+d.Unicode, ".xn--"):
		return "its domain is no internationalised domain name (IDNA)"
	}
	return ""
}

// jidOddity says what is not an error, but is read in two ways: RFC 6122 and
// servers that still follow it take other characters than RFC 7622 does.
func jidOddity(jid string) string {
	if ascii(jid) {
		return ""
	}
	local, _, hasLocal := strings.Cut(session.BareJID(jid), "@")
	if prepared, err := precis.UsernameCaseMapped.String(local); err == nil && hasLocal && !ascii(local) && prepared != strings.ToLower(local) {
		return "its local part is another way to write \"" + prepared + "\", and some compare them as they are"
	}
	r := resource(jid)
	if r == "" || ascii(r) || unassigned(r) {
		return ""
	}
	if _, err := precis.OpaqueString.String(r); err != nil {
		return "its resource has a character that RFC 7622 does not allow, though RFC 6122 did"
	}
	return ""
}
