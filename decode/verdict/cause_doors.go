package verdict

import (
	"fmt"
	"strings"

	"xmppscope/session"
)

func init() {
	propose("10 doors", wrongDoor)
	propose("11 doors of XMPP", wrongKind)
}

// wrongDoor is about a side that does not speak XMPP at all.
func wrongDoor(c *scene) []Cause {
	if c.Cause == nil && c.seldom().opaque == [3]string{} || !c.In.IsZero() {
		return nil
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		raw := c.seldom().raw[dir]
		if len(raw) == 0 || c.spoke[dir] {
			continue
		}
		p := protocolOf(dir, raw)
		if p == nil {
			continue
		}
		cause := c.door(dir, p, raw)
		cause.Weight, cause.Evidence = Shown, []Evidence{{Seq: c.last.seq}}
		if r := c.Cause; r != nil && r.Kind == "stream-error" && r.By != dir.Sender() {
			cause.What += fmt.Sprintf("; the %s answers with %s", r.By, orNone(r.Condition))
		}
		return []Cause{cause}
	}
	return nil
}

func (c *scene) door(dir session.Dir, p *protocol, raw []byte) Cause {
	shown := ""
	if p.text {
		shown = ": its first line is " + quote(firstLine(raw))
	}
	if dir == session.S2C {
		who := "the upstream"
		if !c.intercepted() {
			who = "the other side"
		}
		if c.target != "" {
			who += " (" + c.target + ")"
		}
		cause := Cause{ID: "server-speaks-" + p.id, Guilty: Client, What: fmt.Sprintf("%s is no XMPP server: it speaks %s%s", who, p.what, shown), Advice: c.otherPort()}
		if p.id == "tls" {
			cause.ID, cause.What = portForTLS, fmt.Sprintf("%s speaks TLS from the first byte (direct TLS): it answers the stream header with %s", who, p.what)
			cause.Advice = "let the client begin with TLS (direct TLS)"
			if o := c.option("%s"); o != "" {
				cause.Advice = "tell xmppscope so: " + o + " (direct TLS)"
			}
		}
		return c.misled(cause)
	}
	cause := Cause{ID: "client-speaks-" + p.id, Guilty: Client, What: fmt.Sprintf("the client does not speak XMPP over TCP but %s%s", p.what, shown), Advice: "set the client to XMPP over TCP, or point it at the port of what it speaks"}
	switch p.id {
	case "tls":
		cause.ID = portForSTARTTLS
		cause.What = "the client begins with TLS (a ClientHello), and the port wants a stream header first: it is one for STARTTLS"
		cause.Advice = "let the client use STARTTLS, or connect to the port for direct TLS (often 5223)"
	case "http":
		cause = c.overHTTP(cause, raw)
	}
	return cause
}

func (c *scene) otherPort() string {
	where := "the host and port that the client connects to"
	if c.intercepted() {
		where = "host and port of --upstream"
	}
	return "check " + where + ": XMPP servers listen for clients on 5222 (STARTTLS) and often on 5223 (direct TLS)"
}

// overHTTP tells XMPP over HTTP or WebSocket from other requests.
func (c *scene) overHTTP(cause Cause, raw []byte) Cause {
	head := strings.ToLower(string(raw))
	switch {
	case strings.Contains(head, "websocket"):
		cause.ID = "websocket-on-tcp"
		cause.What = "the client speaks XMPP over WebSocket (RFC 7395), and has come to where TCP streams are spoken: its first line is " + quote(firstLine(raw))
		cause.Advice = "point it at the server's WebSocket address (wss://HOST:PORT/…, found by XEP-0156; often 5281, 5443 or 443), or let it use TCP"
	case strings.Contains(head, "httpbind") || strings.Contains(head, "bosh") || strings.Contains(head, "http-bind"):
		cause.ID = "bosh-on-tcp"
		cause.What = "the client speaks BOSH, XMPP over HTTP (XEP-0124, XEP-0206), which is no TCP stream: its first line is " + quote(firstLine(raw))
		cause.Advice = "point it at the server's BOSH address (often port 5280, 5443 or 443), or let it use TCP: xmppscope looks into TCP streams"
	}
	return cause
}

// wrongKind is about the three kinds of XMPP streams at ports of another kind: clients,
// servers, components.
func wrongKind(c *scene) []Cause {
	mine, theirs := c.state.Header[session.C2S], c.state.Header[session.S2C]
	if mine == nil || !c.In.IsZero() || c.Cause == nil && c.silence == "" {
		return nil
	}
	is := kindOf(mine.Content)
	port := ""
	if theirs != nil {
		port = kindOf(theirs.Content)
	}
	weight := Shown
	if port == is || port == "" {
		if port = c.portSaid(is); c.Cause != nil && c.Cause.Text != "" {
			weight = Likely
		}
	}
	if is == "" || port == "" || port == is {
		return nil
	}
	cause := Cause{ID: is + "-at-port-for-" + port + "s", Guilty: Client, Weight: weight, Evidence: []Evidence{{Seq: c.last.seq}},
		What: fmt.Sprintf("a %s has come to a port for %ss: its stream is in %q, and the one that answers is no such stream", is, port, mine.Content)}
	if theirs != nil && theirs.Content != mine.Content {
		cause.What = fmt.Sprintf("a %s has come to a port for %ss: its stream is in %q, and the answer in %q", is, port, mine.Content, theirs.Content)
	}
	if r := c.Cause; r != nil && r.Condition != "closed" && r.Condition != "" {
		cause.What += fmt.Sprintf(" (%s)", r.Condition)
	}
	cause.Advice = "let it connect to the " + portFor[is]
	return []Cause{cause}
}

var portFor = map[string]string{
	"client":    "port for clients: 5222 with STARTTLS, or 5223 with direct TLS (SRV _xmpp-client, _xmpps-client)",
	"server":    "port for servers: 5269 (SRV _xmpp-server)",
	"component": "port for components, which the server's settings name (often 5347, 5275 or 8888)",
}

func kindOf(content string) string {
	switch {
	case content == "jabber:client":
		return "client"
	case content == "jabber:server":
		return "server"
	case strings.HasPrefix(content, "jabber:component:"):
		return "component"
	}
	return ""
}

// portSaid is which kind of port it is by the error that a stream of another kind gets
// there, where the server repeats the namespace that it was sent; "" if it does not tell.
func (c *scene) portSaid(is string) string {
	r := c.Cause
	if r == nil || r.Kind != "stream-error" || r.By != "server" || c.asking.name != "stream" || c.wrongHeader() != nil {
		return ""
	}
	wrong := r.Condition == "invalid-namespace" || strings.Contains(strings.ToLower(r.Text), "namespace")
	switch {
	case wrong && is == "client":
		return "server or component"
	case wrong:
		return "client"
	}
	return ""
}

// declared says whether the client's stream is of a kind.
func (c *scene) declared(kind string) bool {
	h := c.state.Header[session.C2S]
	return h != nil && kindOf(h.Content) == kind
}
