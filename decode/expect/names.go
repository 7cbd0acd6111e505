package expect

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// mechanisms are the names that a file may be expected to mean: those that are
// declared, and the login of before XMPP 1.0.
func mechanisms() []string {
	names := []string{"JABBER:IQ:AUTH"}
	for _, m := range decode.Mechanisms() {
		names = append(names, m.Names...)
	}
	slices.Sort(names)
	return names
}

// ownConditions are those that xmppscope gives to ends about which nobody said a
// word in XMPP.
var ownConditions = []string{
	"unreachable", "closed", session.ClassDistrust, session.ClassName, session.ClassExpired, session.ClassUnknownCA, session.ClassVersion,
	session.ClassCipher, session.ClassALPN, session.ClassClientCert, session.ClassNotTLS, session.ClassSilent, session.ClassOther, session.ClassUnrecognized,
}

// conditions are those of SASL (RFC 6120 §6.5), of streams (§4.9.3) and of stanzas
// (§8.3.3), and our own.
var conditions = slices.Concat(strings.Fields(`
	aborted account-disabled credentials-expired encryption-required incorrect-encoding invalid-authzid invalid-mechanism
	malformed-request mechanism-too-weak not-authorized temporary-auth-failure
	bad-format bad-namespace-prefix conflict connection-timeout host-gone host-unknown improper-addressing internal-server-error
	invalid-from invalid-id invalid-namespace invalid-xml not-well-formed policy-violation remote-connection-failed reset
	resource-constraint restricted-xml see-other-host system-shutdown undefined-condition unsupported-encoding
	unsupported-feature unsupported-stanza-type unsupported-version xml-not-well-formed
	bad-request feature-not-implemented forbidden gone item-not-found jid-malformed not-acceptable not-allowed payment-required
	recipient-unavailable redirect registration-required remote-server-not-found remote-server-timeout service-unavailable
	subscription-required unexpected-request unsupported-sasl-mechanism`), ownConditions)

// vocabulary gives the words that the values of an assertion are mostly taken from;
// nil if they can be anything.
func vocabulary(key string) (what string, words []string) {
	switch key {
	case "mechanism", "never_mechanism", "never_without_tls", "offered", "not_offered":
		return "mechanism", mechanisms()
	case "condition":
		return "condition", conditions
	}
	return "", nil
}

// doubts warns of values that look like slips: "never PLIAN" would hold for ever.
func doubts(key string, value any, line int) (out []Problem) {
	what, words := vocabulary(key)
	values, _ := texts(value)
	for _, v := range values {
		known := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, v) })
		if words == nil || known || strings.HasPrefix(strings.ToUpper(v), "X-") {
			continue
		}
		p := Problem{Line: line, Text: fmt.Sprintf("%s: xmppscope knows no %s %q", key, what, v), Hint: "if it is meant so, all is well"}
		if near := session.Nearest(v, words); near != "" {
			p.Hint = fmt.Sprintf("did you mean %q?", near)
		}
		out = append(out, p)
	}
	return out
}
