package verdict

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	propose("05 passwords", provenByPassword)
	propose("22 tokens", passwordAsToken)
	propose("23 certificates", noClientCertificate)
	propose("23 certificates of servers", certificateKeptBack)
	propose("28 whole addresses", addressAsUser)
	propose("34 unknown users", refusedBeforeProof)
}

// provenByPassword is what the account's password, where the user has given it, says of a
// login that was refused.
func provenByPassword(c *scene) []Cause {
	r := c.Cause
	if r == nil || len(c.tries) == 0 || r.By != "server" || !aboutMessage(r.Condition) {
		return nil
	}
	if r.Kind != "sasl-failure" && r.Kind != "sasl2-failure" && r.Kind != "iqauth-error" {
		return nil
	}
	t := &c.tries[len(c.tries)-1]
	if m := c.Attempts[len(c.Attempts)-1].Mechanism; decode.BindsChannel(m) && c.intercepted() && t.proof != "fits a mistake" && !(t.anew && t.proof == "does not fit") {
		return nil // whatever the password
	}
	cause := Cause{Weight: Proven, Evidence: []Evidence{t.proved.Evidence}, Text: t.proved.Text}
	switch t.proof {
	case "fits a mistake":
		cause.ID, cause.Guilty = "password-mangled", Client
		cause.Advice = "the client has the right password and does the wrong thing with it: mend that in the client"
	case "does not fit":
		cause.ID, cause.Guilty = "password-differs", Account
		cause.Advice = "compare the password in the client with the one given to xmppscope, spaces and capital letters too"
	case "fits":
		if faulty(t) {
			return nil
		}
		cause.ID, cause.Guilty = "password-fits", Server
		cause.Text = "the client computed rightly from the password given to xmppscope, so the server has another password for this account, or computed wrong"
		cause.Advice = "log in elsewhere with this password, or set it anew on the server"
		if m := c.Attempts[len(c.Attempts)-1].Mechanism; strings.HasPrefix(strings.ToUpper(m), "SCRAM-") {
			cause.Text += fmt.Sprintf("; it may also have stored this account's keys for another hash than that of %s", m)
			cause.Advice += ": that stores the keys for every hash that it does now"
		}
	default:
		return nil
	}
	return []Cause{cause}
}

// shortToken is a length that tokens have not, and passwords have.
const shortToken = 24

// passwordAsToken is about a client that sends a password where a token belongs.
func passwordAsToken(c *scene) []Cause {
	r := c.Cause
	if r == nil || len(c.tries) == 0 || !strings.HasPrefix(r.Kind, "sasl") || r.By != "server" {
		return nil
	}
	t := &c.tries[len(c.tries)-1]
	m := c.Attempts[len(c.Attempts)-1].Mechanism
	name := strings.ToUpper(m)
	if r.Condition == "invalid-mechanism" || t.token == 0 || t.token >= shortToken || !strings.Contains(name, "OAUTH") && !strings.Contains(name, "TOKEN") {
		return nil
	}
	cause := Cause{ID: "password-as-token", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   fmt.Sprintf("what the client sends by %s has %s only: that looks like a password, and %s takes tokens", m, session.Plural(t.token, "character"), m),
		Advice: "let the client get a token, or use a mechanism that takes a password"}
	if others := slices.DeleteFunc(slices.Clone(t.offered), func(o string) bool {
		return o != "PLAIN" && !strings.HasPrefix(o, "SCRAM-")
	}); len(others) > 0 {
		cause.Advice = fmt.Sprintf("let the client log in by %s, which the server offers and which takes a password, or get a token", list(others))
	}
	return []Cause{cause}
}

// noClientCertificate is about EXTERNAL.
func noClientCertificate(c *scene) []Cause {
	r := c.Cause
	if r == nil || !strings.HasPrefix(r.Kind, "sasl") || len(c.Attempts) == 0 || !strings.EqualFold(c.Attempts[len(c.Attempts)-1].Mechanism, "EXTERNAL") || r.By != "server" {
		return nil
	}
	if !aboutMessage(r.Condition) {
		return nil
	}
	cause := Cause{ID: "external-without-certificate", Guilty: Client, Weight: Likely,
		Text:   "the server has not seen a client certificate, or the certificate does not name this account or domain",
		Advice: "give the client a certificate that names the account (XmppAddr) and that the server trusts, or use another mechanism"}
	if c.Servers {
		cause.Text = "the server does not accept the other one's certificate: its chain, its names or its dates; or it says nothing of TLS clients (no clientAuth), as those that public CAs have issued since 2026"
		cause.Advice = "look at the certificate of the server that called: chain, names, dates and extended key usage"
	}
	shown := c.state.TLS[session.ClientLeg]
	switch {
	case c.Servers && shown != nil && len(shown.Client) > 0 && !shown.Client[0].For(session.UsageClient):
		cause.ID, cause.Weight = "external-servers-alone", Shown
		cause.Text = "the certificate of the server that called is for TLS servers alone (its extended key usage lacks clientAuth, as with public CAs since 2026), and the one that answers wants it to be for TLS clients too"
		cause.Advice = "update the server that refuses, so that it takes such certificates of servers, or get one with clientAuth from a CA that still issues them"
	case c.substitute() != "":
		cause.ID, cause.Guilty, cause.Weight = "external-substitute", Account, Shown
		cause.Text = fmt.Sprintf("the server does not accept what xmppscope has shown it in the client's place, %s (--upstream-cert), for who wants to log in: it names somebody else, or the server does not trust who issued it", c.substitute())
		cause.Advice = "name the certificate, with its chain, of who logs in, as the client itself shows it to the server"
	case c.intercepted():
		cause.Guilty, cause.Weight = Xmppscope, Shown
		cause.Advice = c.noCertificate()
	}
	return []Cause{cause}
}

// certificateKeptBack is about a server that goes by the certificate of the one that calls,
// which it was not shown.
func certificateKeptBack(c *scene) []Cause {
	r := c.Cause
	if r == nil || !c.Servers || r.Kind != "stream-error" || r.By != "server" || !c.keptBack() || !strings.Contains(strings.ToLower(r.Text), "certificate") {
		return nil
	}
	return []Cause{{ID: "certificate-kept-back", Guilty: Xmppscope, Weight: Shown,
		Text:   "the server asked for a certificate and was shown none, as TLS of the one that calls ends at xmppscope",
		Advice: c.noCertificate()}}
}

// addressAsUser is about a client that gives its whole address as the user's name.
func addressAsUser(c *scene) []Cause {
	r := c.Cause
	user, domain, whole := strings.Cut(c.User, "@")
	if r == nil || !whole || user == "" || !strings.EqualFold(domain, c.Domain) || len(c.tries) == 0 || !strings.HasPrefix(r.Kind, "sasl") || r.By != "server" {
		return nil
	}
	m, t := strings.ToUpper(c.Attempts[len(c.Attempts)-1].Mechanism), &c.tries[len(c.tries)-1]
	if r.Condition != "not-authorized" && r.Condition != "malformed-request" || m != "PLAIN" && m != "LOGIN" && !strings.HasPrefix(m, "SCRAM-") && m != "DIGEST-MD5" {
		return nil
	}
	weight := Likely
	if strings.HasPrefix(m, "SCRAM-") && t.replies < 1 { // it was refused for the name alone
		weight = Shown
	}
	return []Cause{{ID: "address-as-user", Guilty: Client, Weight: weight, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   fmt.Sprintf("the client gives its whole address, %s, as the user's name, where most servers want what stands before the \"@\" alone (RFC 6120 §6.3.7)", quote(c.User)),
		Advice: fmt.Sprintf("let the client log in as %s", quote(user))}}
}

// refusedBeforeProof is about SCRAM that ends at the client's first message, which holds
// nothing but the user's name.
func refusedBeforeProof(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.Condition != "not-authorized" || len(c.tries) == 0 || !strings.HasPrefix(r.Kind, "sasl") {
		return nil
	}
	m := c.Attempts[len(c.Attempts)-1].Mechanism
	t := &c.tries[len(c.tries)-1]
	if !strings.HasPrefix(strings.ToUpper(m), "SCRAM-") || t.replies > 0 || decode.BindsChannel(m) {
		return nil
	}
	weight := Shown
	if words := c.byKeyword(r.Text); len(words) > 0 && words[0].Guilty != Account { // it says something else
		weight = Likely
	}
	return []Cause{{ID: "refused-before-proof", Guilty: Account, Weight: weight, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   fmt.Sprintf("it did so at the user name, before any proof of the password was sent: there is no such account here, or none with keys stored for the hash of %s", m),
		Advice: "check the user name and the domain; if they are right let the client try a SCRAM of another hash, or set the password anew, so that the server stores the keys for all"}}
}
