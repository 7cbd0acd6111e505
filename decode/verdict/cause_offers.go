package verdict

import (
	"fmt"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { propose("40 offers", whatIsOnOffer) }

// What else than SASL may be offered to log in.
const (
	nsIQAuthFeature = "http://jabber.org/features/iq-auth"
	nsDialback      = "urn:xmpp:features:dialback"
)

// whatIsOnOffer is about a connection that ended when the client had seen what is on offer.
func whatIsOnOffer(c *scene) []Cause {
	if !c.silentEnd() || !c.atFeatures() {
		return nil
	}
	cause := c.leftAtFeatures(c.ended())
	cause.Weight, cause.Evidence = max(cause.Weight, Likely), []Evidence{{Seq: c.last.seq}}
	return []Cause{cause}
}

func (c *scene) leftAtFeatures(e ended) Cause {
	f := c.state.Features()
	sasl1, sasl2 := c.state.Mechanisms()
	all := decode.Unique(sasl1, sasl2)
	tls := f.Child(decode.NSTLS, "starttls") != nil
	secure := c.state.Secure[session.ClientLeg] || c.state.Secure[session.ServerLeg]
	patience := Cause{ID: "patience", What: fmt.Sprintf("the server hung up %s after it had sent its features, when it was the client's turn", e.after),
		Advice: "look at both logs: the client may have found nothing that it can use, or the server's patience may have run out"}
	switch {
	case c.state.Authenticated && f.Child(decode.NSBind, "bind") == nil:
		return Cause{ID: "no-bind-offered", Guilty: Server, What: e.did + " after the login had succeeded: the server does not offer to bind a resource, without which there is no session", Advice: "look into the server's log"}
	case c.state.Authenticated && e.server:
		return patience
	case c.state.Authenticated:
		return Cause{ID: "left-before-bind", Guilty: Client, What: e.did + " after the login had succeeded, before it asked for a resource", Advice: "look into the client's log: it may miss a feature in this list"}
	case c.Servers:
		return c.serverLeft(e, f, all, secure, tls)
	case !secure && tls && e.server:
		return patience
	case !secure && tls:
		return Cause{ID: "starttls-not-taken", Guilty: Client, What: e.did + " without taking up STARTTLS, which the server offers",
			Advice: "let the client use STARTTLS; if it wants TLS from the first byte, let it connect like that" + c.option(", with %s")}
	case !secure && len(all) > 0:
		return Cause{ID: "no-tls-offered", Guilty: Server, What: fmt.Sprintf("%s: the server does not offer STARTTLS on this port (only logins in the clear, by %s), and the client probably requires TLS", e.did, list(all)),
			Advice: "turn TLS on in the server (it may lack a certificate for this domain), or name its TLS port" + c.option(" with %s")}
	case len(all) == 0 && f.Child(nsIQAuthFeature, "auth") != nil:
		return Cause{ID: "only-iq-auth", What: e.did + ": the server offers nothing but the login of before XMPP 1.0 (iq-auth, XEP-0078), which the client does not know or is set not to use",
			Advice: "turn SASL on in the server; clients of today no longer do iq-auth"}
	case !secure:
		return Cause{ID: "nothing-offered", Guilty: Server, What: e.did + ": the server offers neither STARTTLS nor a way to log in",
			Advice: "look at the server's settings for this domain: it often lacks a certificate, so that it can neither offer TLS nor a login without"}
	case len(all) == 0 && f.Child(nsDialback, "dialback") != nil:
		return Cause{ID: "only-dialback", What: e.did + ": the server offers nothing but dialback (XEP-0220), by which servers prove their domain", Advice: "is this a port for servers? Clients are served on another one (5222, or 5223 with direct TLS)"}
	case len(all) == 1 && decode.MechanismOf(all[0]).Certificate:
		return Cause{ID: "only-external", What: e.did + ": the server offers " + all[0] + " alone, a login by the client's certificate", Advice: c.noCertificate()}
	case len(all) == 0:
		return Cause{ID: "nothing-offered", Guilty: Server, What: e.did + ": the server offers no way to log in", Advice: "look at the server's settings for this domain, and into its log: which mechanisms are turned on, and whether what checks passwords is loaded"}
	case len(sasl1) == 0:
		return Cause{ID: "only-sasl2", What: fmt.Sprintf("%s: the server offers logins by SASL2 only (XEP-0388; by %s), and none by the SASL of RFC 6120, which is all that the client seems to know", e.did, list(sasl2)),
			Advice: "let the server offer the SASL of RFC 6120 too, or take a client that does SASL2", Weight: Shown}
	}
	if e.server {
		return patience
	}
	cause := Cause{ID: "no-common-mechanism", What: fmt.Sprintf("%s after the server had offered %s: it knows none of them, or is set not to use them", e.did, list(all)),
		Advice: "compare with the mechanisms that the client allows, and look whether it insists on channel binding"}
	return cause
}

// serverLeft is about a server that finds no way to prove its domain.
func (c *scene) serverLeft(e ended, f *session.Element, all []string, secure, tls bool) Cause {
	switch {
	case len(all) == 0 && secure && c.keptBack():
		return Cause{ID: "certificate-kept-back", Guilty: Xmppscope, Weight: Shown, What: e.did + ": the other server offers no EXTERNAL, for it has asked for a certificate and was shown none", Advice: c.noCertificate()}
	case len(all) == 0 && f.Child(nsDialback, "dialback") != nil && (secure || !tls):
		return Cause{ID: "only-dialback", What: e.did + ": the server offers nothing but dialback (XEP-0220), no EXTERNAL: it does not trust the other server's certificate, or does not look at it",
			Advice: "let both servers agree on a way: dialback in the one that left, or a certificate that the other one trusts (a valid chain, the domain among its names, usable by TLS clients)"}
	case !secure && tls:
		return Cause{ID: "starttls-not-taken", Guilty: Client, What: e.did + " without taking up STARTTLS, which the other one offers", Advice: "look into the log of the server that left: it may lack a certificate"}
	case len(all) == 0:
		return Cause{ID: "nothing-offered", Guilty: Server, What: e.did + ": the other server offers neither EXTERNAL nor dialback", Advice: "look at the federation settings of the server that was called, and at its certificate"}
	}
	return Cause{ID: "no-common-mechanism", What: fmt.Sprintf("%s after the other server had offered %s", e.did, list(all)), Advice: "look into the log of the server that left"}
}

// noCertificate is what to do where only a certificate of the client's will do.
func (c *scene) noCertificate() string {
	other := "let the server offer a mechanism with a password"
	if c.Servers {
		other = "let both servers use dialback"
	}
	if !c.intercepted() || c.substitute() != "" {
		return "give the client a certificate that the server trusts, or " + other
	}
	return "a client's certificate cannot pass a proxy that ends TLS: start xmppscope with it and its key (--upstream-cert CERT,KEY), or with --untouched, or " + other
}

// substitute is the subject of what the server was shown in the client's place, "" if nothing.
func (c *scene) substitute() string {
	if f := c.state.TLS[session.ServerLeg]; c.intercepted() && f != nil && len(f.Client) > 0 {
		return session.ShortLine(f.Client[0].Subject)
	}
	return ""
}

// keptBack says that the server has asked for a certificate and was shown none, as TLS ends
// here.
func (c *scene) keptBack() bool {
	f := c.state.TLS[session.ServerLeg]
	return c.intercepted() && f != nil && f.Mutual && len(f.Client) == 0
}
