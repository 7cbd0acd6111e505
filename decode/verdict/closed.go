package verdict

import (
	"fmt"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// waiting notes that one side keeps the other waiting. It is a verdict of its
// own: a connection may hang like that for hours.
func (j *judge) waiting(s *decode.Seen, b session.RelayTimeout) []session.Note {
	if j.done {
		return nil
	}
	j.silence, j.silent = b.Waiting, b.After
	c := &cause{step: j.last.step, what: fmt.Sprintf("%s, for %s and more", b.Waiting, decode.Since(b.After)), next: j.wake()}
	if j.atFeatures(s) {
		e := ended{client: true, did: fmt.Sprintf("the client has said nothing for %s", decode.Since(b.After))}
		e.sasl, e.more = s.State.Mechanisms()
		j.leftAtFeatures(c, s, e)
	}
	return []session.Note{note(session.Warning, *c)}
}

// wake is what to do about a silence.
func (j *judge) wake() string {
	if j.last.dir == session.C2S {
		return "look into the server's log: it has got the client's message, and does not answer"
	}
	return "look into the client's log: it may be waiting for its user, or not know what to do with what the server said"
}

// closed is the last word: on a login that never was, or on nothing new.
func (j *judge) closed(s *decode.Seen, b session.TCPClosed) []session.Note {
	switch {
	case j.done:
		return nil
	case j.locked:
		return []session.Note{note(session.Notice, cause{what: "the login runs inside TLS, which could not be decrypted here", next: j.unlock})}
	case s.State.Joined && len(j.attempts) == 0 && j.cause == nil:
		return nil // who knows what came before
	}
	if j.cause == nil {
		j.cause = j.guess(s, b)
	}
	return []session.Note{note(session.Error, *j.cause)}
}

func note(severity session.Severity, c cause) session.Note {
	what := c.what
	if c.step != nil {
		what = fmt.Sprintf("at step %d (%s) %s", c.step.N, c.step.ID, what)
	}
	return session.Note{Severity: severity, Name: session.FieldVerdict, Value: what, Text: c.next}
}

// ended is how a connection ended about which nobody said why.
type ended struct {
	by         string // "the client", "the server" or "xmppscope": who was the first to finish
	client     bool   // it was the client
	server     bool   // it was the server
	did        string // "the client left"
	after      string // how long after the last word
	waited     time.Duration
	sasl, more []string // what was on offer
}

func (j *judge) howEnded(s *decode.Seen, b session.TCPClosed) ended {
	by := b.By
	if j.left != session.NoDir { // the one that b names closed last
		by = j.left.Sender()
	}
	e := ended{by: "the " + by, client: by == "client", server: by == "server"}
	if by == session.OriginSelf {
		e.by = by
	}
	if !j.last.at.IsZero() {
		e.waited = s.Event.At.Sub(j.last.at)
	}
	e.after, e.did = decode.Since(e.waited), e.by+" left"
	if j.silence != "" {
		e.did = fmt.Sprintf("%s left after %s of silence", e.by, decode.Since(max(e.waited, j.silent)))
	}
	e.sasl, e.more = s.State.Mechanisms()
	return e
}

// guess says why a connection ended without a login when nobody said so.
func (j *judge) guess(s *decode.Seen, b session.TCPClosed) *cause {
	if n := len(j.attempts); n > 0 && j.attempts[n-1].condition != "" {
		return j.refusals(s)
	}
	e := j.howEnded(s, b)
	c := &cause{step: j.last.step}
	inTLS := !j.tlsDone.IsZero()
	switch {
	case j.opaque[session.C2S] != "" || j.opaque[session.S2C] != "":
		j.strange(c)
	case j.last.dir == session.NoDir:
		c.what, c.next = e.by+" closed the connection before anything was said", "does the client speak TLS first, or something else altogether?"
	case !j.opened && !j.replied && j.last.name == noXML:
		c.what = fmt.Sprintf("the client sent %s, and %s left %s later", j.last.describe(), e.by, e.after)
		c.next = "is this an XMPP client?"
	case inTLS && !j.opened && e.client:
		c.what = "the client left right after TLS was up, without opening a stream: it probably does not accept our certificate"
		c.next = "let it trust the CA (xmppscope ca says how); some clients also look for the name or address that they connect to"
		if s.State.Captured {
			c.what = "the client left right after TLS was up, without opening a stream: it probably does not accept the server's certificate"
			c.next = "look at the certificate's names, its issuer and its dates"
		}
	case inTLS && !j.opened:
		c.what = e.by + " hung up right after TLS was up, before the client had opened a stream in it"
		c.next = "look into the server's log"
	case !j.replied && j.last.dir == session.C2S && !inTLS && e.server:
		c.what = "the server hung up at the client's stream header, without a word"
		c.next = "perhaps it wants TLS from the first byte" + option(s, ": try %s")
	case !j.replied && j.last.dir == session.C2S && e.server:
		c.what = "the server hung up at the client's stream header inside TLS, without a word"
		c.next = "look into its log; is it an XMPP server for clients, and is this the right port?"
	case j.atFeatures(s):
		j.leftAtFeatures(c, s, e)
	case j.silence != "":
		c.what, c.next = fmt.Sprintf("%s, for %s; then %s left", j.silence, decode.Since(max(e.waited, j.silent)), e.by), j.wake()
	case j.last.dir == session.C2S && e.server:
		c.what = fmt.Sprintf("the server hung up %s after the client had sent %s, without an answer", e.after, j.last.describe())
		c.next = "look into the server's log: it takes something in there amiss, or has crashed over it"
	case j.last.dir == session.C2S:
		c.what = fmt.Sprintf("%s left %s after the client had sent %s, and no answer had come", e.by, e.after, j.last.describe())
		c.next = j.wake()
	case j.last.name == "stream" && e.server:
		c.what = fmt.Sprintf("the server hung up %s after its stream header, before it had sent its features", e.after)
		c.next = "look into the server's log"
	case e.client:
		c.what = fmt.Sprintf("the client left %s after the server had sent %s, and the login was not complete", e.after, j.last.describe())
		if j.last.fault != "" {
			c.what += "; in there, " + j.last.fault
		}
		c.next = "look into the client's log: it did not like what the server said, or was told to stop"
	default:
		c.what = fmt.Sprintf("%s hung up %s after the server had sent %s, when it was the client's turn", e.by, e.after, j.last.describe())
		c.next = "look at both logs: the client may have given up, or the server's patience may have run out"
	}
	return c
}

// option names the option for a server that begins with TLS, where there is a proxy
// to give it to.
func option(s *decode.Seen, format string) string {
	if s.State.Captured {
		return ""
	}
	return fmt.Sprintf(format, "--upstream tls://HOST:PORT")
}

// strange is about bytes that are not understood.
func (j *judge) strange(c *cause) {
	dir := session.C2S
	if j.opaque[dir] == "" {
		dir = session.S2C
	}
	c.what = fmt.Sprintf("what the %s sends is not understood: %s", dir.Sender(), j.opaque[dir])
	c.next = "is this an XMPP client, and is the upstream an XMPP server?"
	if j.opened || j.replied {
		c.next = fmt.Sprintf("look at the last thing that the %s sent: its XML is broken there", dir.Sender())
	}
}

// atFeatures says whether the server's features were the last word.
func (j *judge) atFeatures(s *decode.Seen) bool { return j.last.offer && s.State.Features() != nil }

// leftAtFeatures is about a connection that ended when the client had seen what
// is on offer.
func (j *judge) leftAtFeatures(c *cause, s *decode.Seen, e ended) {
	offer := strings.Join(decode.Unique(e.sasl, e.more), " ")
	tls := s.State.Features().Child(decode.NSTLS, "starttls") != nil
	secure := s.State.Secure[session.ClientLeg]
	switch {
	case e.server:
		c.what = fmt.Sprintf("the server hung up %s after it had sent its features, when it was the client's turn", e.after)
		c.next = "look at both logs: the client may have found nothing that it can use, or the server's patience may have run out"
	case s.State.Authenticated && s.State.Features().Child(decode.NSBind, "bind") == nil:
		c.what = e.did + " after the login had succeeded: the server does not offer to bind a resource, without which there is no session"
		c.next = "look into the server's log"
	case s.State.Authenticated:
		c.what = e.did + " after the login had succeeded, before it asked for a resource"
		c.next = "look into the client's log: it may miss a feature in this list"
	case !secure && tls:
		c.what = e.did + " without taking up STARTTLS, which the server offers"
		c.next = "let the client use STARTTLS; if it wants TLS from the first byte, let it connect like that" + option(s, ", with %s")
	case !secure && offer != "":
		c.what = fmt.Sprintf("%s: the server does not offer STARTTLS on this port (only logins in the clear, by %s), and the client probably requires TLS", e.did, offer)
		c.next = "turn TLS on in the server, name its TLS port" + option(s, " with %s") + ", or allow the client to go without"
	case !secure:
		c.what = e.did + ": the server offers neither STARTTLS nor a way to log in"
		c.next = "look at the server's settings for this domain"
	case decode.MechanismOf(offer).Certificate:
		c.what = e.did + ": the server offers " + offer + " alone, a login by the client's certificate"
		c.next = "a client certificate cannot pass any proxy that ends TLS: let the server offer a password mechanism, too"
	case offer == "":
		c.what = e.did + ": the server offers no way to log in"
		c.next = "look at the server's settings for this domain, and into its log"
	default:
		c.what = fmt.Sprintf("%s after the server had offered %s: it knows none of them, or is set not to use them", e.did, offer)
		c.next = "compare with the mechanisms that the client allows, and look whether it insists on channel binding"
		if h := s.State.Header[session.C2S]; secure && len(e.more) == 0 && h != nil && h.From == "" {
			c.next += "; if it wants SASL2: its stream header has no \"from\", without which some servers do not offer it"
		}
	}
}
