package core

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/secure/precis"
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

// domainNames checks the labels of internationalised names (RFC 7622 §3.2).
var domainNames = idna.New(idna.ValidateLabels(true), idna.BidiRule(), idna.CheckJoiners(true), idna.MapForLookup(), idna.Transitional(false))

const maxLabel = 63 // bytes of a domain name between two dots (RFC 1035 §2.3.4)

// domainProblem is about domain names; addresses of hosts are left alone.
func domainProblem(domain string) string {
	if strings.HasPrefix(domain, "[") {
		return ""
	}
	domain = strings.TrimSuffix(domain, ".") // RFC 7622 §3.2: to be taken off, which is no fault
	for label := range strings.SplitSeq(domain, ".") {
		switch {
		case label == "":
			return "its domain has an empty label"
		case len(label) > maxLabel && ascii(label):
			return "its domain has a label of more than 63 bytes"
		}
	}
	if ascii(domain) && !strings.Contains(domain, "xn--") || unassigned(domain) {
		return ""
	}
	if _, err := domainNames.ToUnicode(domain); err != nil {
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
	local, _, _ := strings.Cut(bare(jid), "@")
	if prepared, err := precis.UsernameCaseMapped.String(local); err == nil && strings.Contains(bare(jid), "@") && !ascii(local) && prepared != strings.ToLower(local) {
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
