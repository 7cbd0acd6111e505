package verdict

import (
	"strings"

	"xmppscope/session"
)

func init() {
	propose("13 TLS", tlsFailure)
	propose("13 TLS that ended early", endedInHandshake)
	propose("14 compression", notCompressed)
	propose("24 TLS required", tlsRequired)
}

// tlsFailure is a handshake that failed, in the words of whoever saw it.
func tlsFailure(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.Kind != "tls" || c.tls == nil {
		return nil
	}
	b := c.tls
	cause := Cause{ID: "tls-" + b.Class, Guilty: Side(b.Guilty), Text: b.Reason, Advice: b.Hint, Weight: Shown, Evidence: []Evidence{{Seq: r.Seq}}}
	leg := c.now.Event.Leg
	atOnce := !c.upgraded && !c.spoke[session.C2S]
	translated := c.direct && c.upgraded && leg == session.ServerLeg // the client has begun with STARTTLS
	switch {
	case b.Class == session.ClassClosed && b.Guilty == session.OriginSelf && c.Left == session.S2C:
		cause.Text, cause.Advice = "the server hung up after <proceed/>, before the handshake had begun", "look into the server's log: it may lack a certificate or a key for this domain"
	case translated && !c.replied && (b.Class == session.ClassNotTLS || b.Class == session.ClassSilent || b.Class == session.ClassClosed):
		cause.ID = portForSTARTTLS
		cause.Text += ": it was spoken to in TLS from the first byte (direct TLS), and the port is one for STARTTLS, as it seems"
		cause.Advice = "name the server's port for STARTTLS (--upstream HOST:PORT without tls://), which is how the client begins"
	case b.Class == session.ClassNotTLS && b.Guilty == "server" && atOnce:
		cause.ID = portForSTARTTLS
		cause.Text += ": the client begins with TLS, and the port is one for STARTTLS"
		cause.Advice = "let the client use STARTTLS, or go to the server's port for direct TLS (often 5223)"
		if c.intercepted() && b.Hint != "" {
			cause.Advice = "let the client use STARTTLS (an --upstream goes without tls:// then), or go to the server's port for direct TLS (often 5223)"
		}
	case (b.Class == session.ClassSilent || b.Class == session.ClassClosed) && leg == session.ServerLeg && !c.replied && atOnce:
		cause.ID = portForSTARTTLS
		cause.Text += "; it was spoken to in TLS from the first byte (direct TLS), as the client does, and may be waiting for a stream header: that is a port for STARTTLS"
		cause.Advice = "let the client use STARTTLS, or go to the server's port for direct TLS (often 5223); otherwise, " + strings.TrimPrefix(b.Hint, "otherwise, ")
	}
	return []Cause{c.misled(cause)}
}

// endedInHandshake is about TLS of a capture, which cannot be decrypted, and in which no
// session came about.
func endedInHandshake(c *scene) []Cause {
	if !c.bare || !c.silentEnd() {
		return nil
	}
	e := c.ended()
	cause := Cause{ID: "ended-in-handshake", Guilty: Client, Weight: Likely, Evidence: []Evidence{{Seq: c.last.seq}},
		What:   e.did + " in the TLS handshake, or right after it: nothing was said inside TLS",
		Advice: "look at the certificate that the server shows (names, issuer, dates) and at what the client trusts or has pinned; with the secrets of TLS the alert can be read: " + c.unlock}
	if e.server {
		cause.Guilty, cause.Advice = Server, "look into the server's log; with the secrets of TLS the alert can be read: "+c.unlock
	}
	return []Cause{cause}
}

// notCompressed is about a side that goes on in the clear after compression was agreed on.
func notCompressed(c *scene) []Cause {
	if !c.zipped || c.Cause == nil || !c.In.IsZero() {
		return nil
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		raw := string(c.seldom().raw[dir])
		if !strings.Contains(c.seldom().opaque[dir], "zlib") || !strings.Contains(raw, "<") && !strings.HasPrefix(raw, "xml") && !strings.Contains(raw, "stream:") {
			continue
		}
		return []Cause{{ID: "not-compressed", Guilty: Side(dir.Sender()), Weight: Shown, Evidence: []Evidence{{Seq: c.last.seq}},
			What:   "after <compressed/> the " + dir.Sender() + " goes on in clear XML, not compressed by zlib, so nothing that it sends is understood (XEP-0138)",
			Advice: "let the " + dir.Sender() + " compress from <compressed/> on, beginning with the new stream header, or leave compression out: it is best not used with TLS"}}
	}
	return nil
}

// tlsRequired is about a login, or anything else, before the TLS that the server requires.
func tlsRequired(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.By != "server" || !c.state.InClear() || !c.In.IsZero() || r.Kind == "bind-error" {
		return nil
	}
	f := c.state.Features()
	if f == nil {
		return nil
	}
	tls := f.Child("urn:ietf:params:xml:ns:xmpp-tls", "starttls")
	required := tls != nil && tls.Child("urn:ietf:params:xml:ns:xmpp-tls", "required") != nil
	if tls == nil || !required && r.Condition != "encryption-required" || c.asking.name == "starttls" || c.asking.name == "stream" {
		return nil
	}
	cause := Cause{ID: "tls-required", Guilty: Client, Weight: Shown, Evidence: []Evidence{{Seq: c.asking.seq}},
		Text:   "the client sent " + c.asking.describe() + " in the clear, though the server requires STARTTLS first",
		Advice: "let the client do STARTTLS before it logs in, or use TLS from the first byte"}
	return []Cause{cause}
}
