package verdict

import (
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	propose("19 legacy logins", noLegacyLogin)
	propose("19 logins of RFC 6120", onlySASL2)
}

// onlySASL2 is about a client that logs in by the SASL of RFC 6120 where the server offers
// SASL2 alone (XEP-0388).
func onlySASL2(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.By != "server" || c.asking.name != "auth" || c.asking.ns != decode.NSSASL {
		return nil
	}
	sasl1, sasl2 := c.state.Mechanisms()
	if len(sasl1) > 0 || len(sasl2) == 0 {
		return nil
	}
	return []Cause{{ID: "only-sasl2", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   fmt.Sprintf("the client logs in by the SASL of RFC 6120 (<auth>), and the server offers SASL2 alone (XEP-0388; by %s)", list(sasl2)),
		Advice: "let the server offer the SASL of RFC 6120 too, or take a client that does SASL2"}}
}

// nsIQAuth is that of the login of before XMPP 1.0 (XEP-0078).
const nsIQAuth = "jabber:iq:auth"

// noLegacyLogin is about a client that logs in as before XMPP 1.0, at a server that does not
// do that.
func noLegacyLogin(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.By != "server" || c.asking.space != nsIQAuth || !c.Admitted.IsZero() {
		return nil
	}
	switch f := c.state.Features(); {
	case f != nil && f.Child(nsIQAuthFeature, "auth") != nil: // it does
		return nil
	case r.Kind == "stream-error" && r.Condition != "not-authorized" && r.Condition != "unsupported-stanza-type" && r.Condition != "policy-violation":
		return nil
	case r.Kind != "stream-error" && r.Condition != "service-unavailable" && r.Condition != "feature-not-implemented":
		return nil
	}
	cause := Cause{ID: "no-iq-auth", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		What:   fmt.Sprintf("the client logs in as before XMPP 1.0 (jabber:iq:auth, XEP-0078), and the server does not do that any more (%s)%s", orNone(r.Condition), quoted(r.Text)),
		Advice: "let the client log in by SASL"}
	if all := c.offers(); len(all) > 0 {
		cause.Advice += ", which the server offers: " + strings.Join(all, " ")
	}
	if h := c.state.Header[session.C2S]; h != nil && h.Version == "" {
		cause.Advice += "; it has to say version=\"1.0\" in its stream header for that"
	}
	return []Cause{cause}
}
