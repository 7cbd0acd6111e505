package verdict

import (
	"fmt"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { propose("90 ends", endsWithoutWords) }

// ended is how a connection ended about which nobody said why.
type ended struct {
	by     string // "the client", "the server" or "xmppscope": who was the first to finish
	client bool   // it was the client
	server bool   // it was the server
	did    string // "the client left"
	after  string // how long after the last word
	waited time.Duration
}

func (c *scene) ended() ended {
	e := ended{by: "the client", client: true, did: "the client has said nothing for " + session.ShortTime(c.silent)}
	if b, ok := c.now.Event.Body.(session.TCPClosed); ok {
		by := b.By
		if c.Left != session.NoDir { // the one that b names closed last
			by = c.Left.Sender()
		}
		e = ended{by: "the " + by, client: by == "client", server: by == "server"}
		if by == session.OriginSelf {
			e.by = by
		}
		e.did = e.by + " left"
	}
	if c.last.seq > 0 {
		e.waited = c.last.ago(c.now.Event)
	}
	e.after = session.ShortTime(e.waited)
	if c.silence != "" && e.did == e.by+" left" {
		e.did = fmt.Sprintf("%s left after %s of silence", e.by, session.ShortTime(max(e.waited, c.silent)))
	}
	return e
}

// wake is what to do about a silence.
func (c *scene) wake() string {
	if !c.Secured.IsZero() && !c.opened && c.In.IsZero() {
		return "look at the client: it may be asking its user about the certificate, or have pinned the server's key; let it trust the CA (xmppscope ca says how)"
	}
	if c.last.dir == session.NoDir && c.silence != "" && c.asking.name == "" {
		return "the port may be one for STARTTLS, which waits for a stream header: let the client use STARTTLS, or go to the port for direct TLS; otherwise look into the server's log"
	}
	if c.last.name == "stream" && c.last.dir == session.C2S && !c.replied {
		return c.noXMPP()
	}
	if c.last.dir == session.C2S {
		return "look into the server's log: it has got the client's message, and does not answer"
	}
	return "look into the client's log: it may be waiting for its user, or not know what to do with what the server said"
}

// noXMPP is what to do about a port that says nothing at all to a stream header.
func (c *scene) noXMPP() string {
	kind := "one for direct TLS (" + strings.TrimPrefix(c.option("%s")+", ", ", ") + "often 5223), or "
	if !c.Secured.IsZero() {
		kind = ""
	}
	return "a port that has no answer to a stream header may be " + kind + "one of another protocol (HTTP waits for the end of a request): check host and port; otherwise look into the server's log"
}

// option names the option for a server that begins with TLS, where there is a proxy
// to give it to.
func (c *scene) option(format string) string {
	if !c.intercepted() {
		return ""
	}
	return fmt.Sprintf(format, "--upstream tls://HOST:PORT")
}

// silentEnd says whether the story ends, or hangs, without an error.
func (c *scene) silentEnd() bool {
	return c.Cause == nil && c.In.IsZero() || c.Cause != nil && c.Cause.Condition == "closed"
}

// endsWithoutWords says why a connection ended without a login when nobody said so.
func endsWithoutWords(c *scene) []Cause {
	if !c.silentEnd() {
		return nil
	}
	if _, closed := c.now.Event.Body.(session.TCPClosed); !closed {
		return []Cause{{ID: "kept-waiting", Advice: c.wake(), Weight: Possible}}
	}
	e := c.ended()
	cause := c.end(e)
	cause.Weight = max(cause.Weight, Possible)
	cause.Evidence = []Evidence{{Seq: c.last.seq}}
	return []Cause{cause}
}

func (c *scene) end(e ended) Cause {
	inTLS := !c.Secured.IsZero()
	asked := c.last.dir == session.C2S
	switch {
	case e.by == session.OriginSelf && c.silence != "":
		return Cause{ID: "stopped-while-waiting", What: fmt.Sprintf("%s, for %s; then xmppscope was stopped", c.silence, session.ShortTime(max(e.waited, c.silent))), Advice: c.wake()}
	case c.seldom().opaque[session.C2S] != "" || c.seldom().opaque[session.S2C] != "":
		return c.strange()
	case c.last.dir == session.NoDir && c.heardWeb() != nil && c.heardWeb().answer != nil:
		return c.heardWeb().answer.left(e.by)
	case c.last.dir == session.NoDir:
		return Cause{ID: "said-nothing", What: e.by + " closed the connection before anything was said", Advice: "does the client speak TLS first, or something else altogether?"}
	case !c.opened && !c.replied && c.last.name == noXML:
		return Cause{ID: "no-xmpp", What: fmt.Sprintf("the client sent %s, and %s left %s later", c.last.describe(), e.by, e.after), Advice: "is this an XMPP client?"}
	case inTLS && !c.opened && e.client:
		return c.distrust()
	case inTLS && !c.opened:
		return Cause{ID: "hung-up-after-tls", Guilty: Server, What: e.by + " hung up right after TLS was up, before the client had opened a stream in it", Advice: "look into the server's log"}
	case !c.replied && asked && !inTLS && e.server && c.record != "":
		return Cause{ID: "hung-up-at-header", What: fmt.Sprintf("the server hung up at the client's stream header, without a word: the SRV record %s names %s for STARTTLS, and perhaps that port wants TLS from the first byte (direct TLS)", session.ShortLine(c.record), session.ShortLine(c.target)),
			Advice: "compare the domain's SRV records with the server's ports; or let the client use direct TLS"}
	case !c.replied && asked && !inTLS && e.server:
		return Cause{ID: "hung-up-at-header", What: "the server hung up at the client's stream header, without a word", Advice: "perhaps it wants TLS from the first byte (direct TLS)" + c.option(": try %s")}
	case !c.replied && asked && e.server:
		return Cause{ID: "hung-up-at-header", What: "the server hung up at the client's stream header inside TLS, without a word", Advice: "look into its log; is it an XMPP server for clients, and is this the right port?"}
	case c.silence != "":
		return Cause{ID: "silence", What: fmt.Sprintf("%s, for %s; then %s left", c.silence, session.ShortTime(max(e.waited, c.silent)), e.by), Advice: c.wake()}
	case asked && e.server && c.asking.name == handshake:
		return Cause{ID: "component-cut", Guilty: Account, What: fmt.Sprintf("the server hung up %s after the component's handshake, without an answer: its secret is probably another one than the server's, which some servers (Tigase) say in their log alone", e.after),
			Advice: "compare the component's secret, and its domain, with those in the server's settings"}
	case asked && e.server:
		return Cause{ID: "hung-up", Guilty: Server, What: fmt.Sprintf("the server hung up %s after the client had sent %s, without an answer%s", e.after, c.last.describe(), c.wrongIn(&c.last)),
			Advice: "look into the server's log: it takes something in there amiss, or has crashed over it"}
	case asked:
		return Cause{ID: "left-without-answer", What: fmt.Sprintf("%s left %s after the client had sent %s, and no answer had come", e.by, e.after, c.last.describe()), Advice: c.wake()}
	case c.last.name == "stream" && c.last.dir == session.S2C && c.withoutVersion() != nil:
		return *c.withoutVersion()
	case c.last.name == "stream" && e.server:
		return Cause{ID: "no-features", Guilty: Server, What: fmt.Sprintf("the server hung up %s after its stream header, before it had sent its features", e.after), Advice: "look into the server's log"}
	case c.last.refusal != "":
		return Cause{ID: "request-refused", What: fmt.Sprintf("the server refused the client's %s (%s), and %s left%s", c.asking.describe(), c.last.refusal, e.by, c.wrongIn(&c.asking)),
			Advice: "look at that request, and into the server's log"}
	case c.last.name == "success" && c.last.ns == decode.NSSASL:
		return Cause{ID: "not-restarted", Guilty: Client, What: fmt.Sprintf("%s left %s after <success/>: the client has to open a new stream then (a restart, RFC 6120 §6.4.6), and did not", e.by, e.after),
			Advice: "let the client send a new stream header after <success/>, on the same connection" + c.doubt()}
	case e.client && c.last.name == "proceed" && c.last.ns == decode.NSTLS:
		return Cause{ID: "left-before-tls", Guilty: Client, What: fmt.Sprintf("the client left %s after <proceed/>, and had sent no ClientHello", e.after),
			Advice: "look into the client's log: it was to begin its TLS handshake, and did not"}
	case e.client:
		return Cause{ID: "client-left", Guilty: Client, What: fmt.Sprintf("the client left %s after the server had sent %s, and the login was not complete%s", e.after, c.last.describe(), c.wrongIn(&c.last)),
			Advice: "look into the client's log: it did not like what the server said, or was told to stop"}
	}
	return Cause{ID: "hung-up-on-client", What: fmt.Sprintf("%s hung up %s after the server had sent %s, when it was the client's turn", e.by, e.after, c.last.describe()),
		Advice: "look at both logs: the client may have given up, or the server's patience may have run out"}
}

// doubt is what else a client may have left for after its login by SCRAM.
func (c *scene) doubt() string {
	if !strings.HasPrefix(strings.ToUpper(c.Mechanism), "SCRAM-") {
		return ""
	}
	return "; or it has found the server's signature (v=) wrong, as a server that does not know the password has it: its log says so, and xmppscope too with --password-file JID=FILE"
}

// withoutVersion is about features that did not come, because a side is one of before XMPP
// 1.0, or says so.
func (c *scene) withoutVersion() *Cause {
	mine, theirs := c.state.Header[session.C2S], c.state.Header[session.S2C]
	switch {
	case mine != nil && mine.Version == "":
		return &Cause{ID: "client-without-version", Guilty: Client, Weight: Shown, What: "no features came: the client's stream header has no version=\"1.0\", so the server takes it for one of before XMPP 1.0, which knows neither features nor SASL",
			Advice: "let the client say version=\"1.0\" in each stream header (RFC 6120 §4.7.5)"}
	case theirs != nil && theirs.Version == "":
		return &Cause{ID: "server-without-version", Guilty: Server, Weight: Shown, What: "no features came: the server's stream header has no version=\"1.0\": it is one of before XMPP 1.0, which knows neither features nor SASL, or is no full server",
			Advice: "look at which server this is; clients of today cannot log in there"}
	}
	return nil
}

func (c *scene) wrongIn(l *last) string {
	if why := l.worst(); why != "" {
		return "; in there, " + why
	}
	return ""
}

func (c *scene) distrust() Cause {
	if !c.intercepted() {
		return Cause{ID: "certificate-refused", Guilty: Client, What: "the client left right after TLS was up, without opening a stream: it probably does not accept the server's certificate",
			Advice: "look at the certificate's names, its issuer and its dates"}
	}
	return Cause{ID: "ca-not-trusted", Guilty: Xmppscope, What: "the client left right after TLS was up, without opening a stream: it probably does not accept our certificate",
		Advice: "let it trust the CA (xmppscope ca says how); some clients also look for the name or address that they connect to, and some have pinned the server's key"}
}

// strange is about bytes that are not understood.
func (c *scene) strange() Cause {
	dir := session.C2S
	if c.seldom().opaque[dir] == "" {
		dir = session.S2C
	}
	out := Cause{ID: "not-understood", What: fmt.Sprintf("what the %s sends is not understood: %s", dir.Sender(), c.seldom().opaque[dir]), Advice: "is this an XMPP client, and is the upstream an XMPP server?"}
	if c.spoke[dir] {
		out.Advice = fmt.Sprintf("look at the last thing that the %s sent: its XML is broken there", dir.Sender())
	}
	return out
}

// atFeatures says whether the server's features were the last word.
func (c *scene) atFeatures() bool { return c.last.offer && c.state.Features() != nil }

func list(names []string) string { return strings.Join(names, " ") }
