// Package verdict says in one sentence how a login went: what failed, at which
// step, and what to do next; or how long it took and what would have saved time.
//
// It is one rule that speaks last and sees what the others said. Its note stands
// on the event that decides: the end of the login, or the end of the connection
// if there was none. A later verdict of a session replaces an earlier one.
package verdict

import (
	"fmt"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Rules is the one rule of this package; it has to come after all others.
func Rules() []decode.Rule {
	return []decode.Rule{{
		ID: session.RuleVerdict, Title: "Verdict", Ref: "RFC 6120 §1.4",
		New: func() decode.Explainer { return new(judge) },
	}}
}

// judge watches one session.
type judge struct {
	began    time.Time
	tlsDone  time.Time
	authDone time.Time
	last     last // what came last from either side
	trips    int  // times that the client had to wait for an answer
	asked    bool // the client has said something since the server's last word
	attempts []attempt
	legacy   bool   // a session was asked for (RFC 3921)
	starttls bool   // TLS was begun inside the stream
	opened   bool   // the client has opened a stream since TLS is up
	replied  bool   // the server has opened one
	done     bool   // the login is complete
	cause    *cause // of the failure, as far as one is known
	silence  string // who was waiting for whom
	locked   bool   // TLS in a capture cannot be decrypted
	unlock   string // what would help
	opaque   string // what is not understood, "" if all is
}

// last is the newest plaintext event.
type last struct {
	dir  session.Dir
	at   time.Time
	step *session.Step
	name string
}

// attempt is one try to authenticate.
type attempt struct {
	mechanism, condition, why string
	step                      *session.Step // where it was refused
}

// cause is why a login failed.
type cause struct {
	what, next string
	step       *session.Step
}

// Explain watches every event, and speaks on the one that decides.
func (j *judge) Explain(s *decode.Seen) []session.Note {
	e := s.Event
	if j.began.IsZero() {
		j.began = e.At
	}
	if session.IsPlaintext(e.Body) && e.Dir != session.NoDir {
		j.heard(e)
	}
	switch b := e.Body.(type) {
	case session.StreamOpened:
		j.opened = j.opened || e.Dir == session.C2S && !j.tlsDone.IsZero()
		j.replied = j.replied || e.Dir == session.S2C
	case session.TLSEstablished:
		j.tlsDone = e.At
		if e.Leg == session.ServerLeg || s.State.Captured {
			j.trips++
		}
	case session.TLSFailed:
		if b.Class != session.ClassOtherLeg {
			j.fail(e, "TLS failed: "+b.Reason, b.Hint)
		}
	case session.TCPFailed:
		j.fail(e, fmt.Sprintf("the server %s could not be reached: %s", b.Target, b.Reason), b.Hint)
	case session.RelayTimeout:
		j.silence = fmt.Sprintf("%s, for %s and more", b.Waiting, decode.Since(b.After))
	case session.TLSLocked:
		j.locked, j.unlock = true, b.Hint
	case session.RelayOpaque:
		j.opaque = fmt.Sprintf("what the %s sends is not understood: %s", side(e.Dir), b.Reason)
	case session.TCPClosed:
		if e.Leg == session.ClientLeg {
			return j.closed(s, b)
		}
	}
	if e.Step != nil {
		return j.step(s)
	}
	return nil
}

func side(d session.Dir) string {
	if d == session.C2S {
		return "client"
	}
	return "server"
}

// heard counts round trips and remembers who spoke last.
func (j *judge) heard(e *session.Event) {
	if _, keepAlive := e.Body.(session.StreamWhitespace); keepAlive {
		return
	}
	if e.Dir == session.C2S {
		j.asked = true
	} else if j.asked {
		j.asked = false
		if !j.done || e.Step != nil {
			j.trips++
		}
	}
	j.silence = ""
	if _, goodbye := e.Body.(session.StreamClosed); goodbye {
		return // what was said before it is what matters
	}
	j.last = last{e.Dir, e.At, e.Step, "<" + e.Name + ">"}
	if e.Name == "" {
		j.last.name = "bytes that are no XML"
	}
}

func (j *judge) fail(e *session.Event, what, next string) {
	j.cause = &cause{what, next, e.Step}
}

// worst is what the other rules hold to be the matter with an event.
func worst(e *session.Event) string {
	best, text := session.Notice, ""
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Severity > best && n.Text != "" {
			best, text = n.Severity, n.Text
		}
	}
	return text
}

// likely is the cause in an explanation of the form "what it means: the likely
// cause".
func likely(why string) string {
	if _, cause, ok := strings.Cut(why, ": "); ok {
		return cause
	}
	return why
}

func (j *judge) step(s *decode.Seen) []session.Note {
	e := s.Event
	switch id := e.Step.ID; id {
	case "starttls":
		j.starttls = true
	case "sasl-auth", "sasl2-authenticate", "iqauth-set":
		j.attempts = append(j.attempts, attempt{mechanism: s.State.Mechanism})
		j.cause = nil
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		j.refused(s)
	case "sasl-success", "sasl2-success":
		j.authDone = e.At
		if id == "sasl2-success" && s.State.JID != "" {
			return j.succeeded(s)
		}
	case "session-request":
		j.legacy = true
	case "starttls-failure":
		j.fail(e, "the server refused to start TLS", "look at the server's certificate and TLS settings: it offered STARTTLS, and then could not do it")
	case "bind-error", "session-error":
		j.fail(e, fmt.Sprintf("the %s: %s", e.Step.Title, condition(s.Root)), "let the client ask for another resource, or for none")
	case "stream-error":
		return j.streamError(s)
	case "bind-result", "sm-resumed", "iqauth-result", "session-result":
		return j.succeeded(s)
	case "component-handshake":
		if e.Dir == session.S2C {
			return j.succeeded(s)
		}
	}
	return nil
}

// refused notes that an attempt to authenticate has failed.
func (j *judge) refused(s *decode.Seen) {
	e := s.Event
	if len(j.attempts) == 0 {
		j.attempts = append(j.attempts, attempt{})
	}
	a := &j.attempts[len(j.attempts)-1]
	a.condition, _ = e.Field("condition")
	a.step, a.why = e.Step, likely(worst(e))
	j.cause = nil
}

func (j *judge) streamError(s *decode.Seen) []session.Note {
	e := s.Event
	name := condition(s.Root)
	next := advice[name]
	if host := s.Root.Child(decode.NSStreamError, "see-other-host"); host != nil {
		next = fmt.Sprintf("the client will now go to %q", host.Text())
		if !s.State.Captured {
			next += fmt.Sprintf(", round xmppscope: start xmppscope with --upstream %s", host.Text())
		}
	}
	if len(j.attempts) > 0 && j.attempts[len(j.attempts)-1].condition != "" && !j.done {
		return nil // the refusals before it are the reason; it is only their end
	}
	j.fail(e, fmt.Sprintf("the %s ended the stream with %s: %s", side(e.Dir), name, likely(worst(e))), next)
	if j.done {
		return []session.Note{note(session.Error, *j.cause)}
	}
	return nil
}

// condition is the defined condition of a stream or stanza error.
func condition(root *session.Element) string {
	if err := root.Child("", "error"); err != nil {
		root = err
	}
	for _, c := range root.Children() {
		if c.Name.Space == decode.NSStreamError || c.Name.Space == decode.NSStanzaError {
			return c.Name.Local
		}
	}
	return "an error without a condition"
}

// advice is what to do next about a stream error, where there is something.
var advice = map[string]string{
	"host-unknown":        "compare the stream's \"to\" with the domains that the server is set up for",
	"host-gone":           "ask whoever runs the server where the domain is served now",
	"conflict":            "look for a second program with the same account and resource, or let the server choose the resource",
	"policy-violation":    "read the text of the error and the server's log: a limit or a rule of the server was hit, such as TLS being required",
	"not-well-formed":     "look at the last thing the client sent before the error",
	"not-authorized":      "the client sent something before it was logged in: look at what came right before",
	"connection-timeout":  "see who fell silent, and for how long, in the events before",
	"system-shutdown":     "wait until the server is back",
	"resource-constraint": "the server is short of something: wait, or read its log",
	"unsupported-version": "compare the version in the two stream headers",
	"reset":               "the server wants the stream to be opened anew, often because its certificate or the account has changed",
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

// guess says why a connection ended without a login when nobody said so.
func (j *judge) guess(s *decode.Seen, b session.TCPClosed) *cause {
	if n := len(j.attempts); n > 0 && j.attempts[n-1].condition != "" {
		return j.refusals(s)
	}
	waited := s.Event.At.Sub(j.last.at)
	by := "the " + b.By
	if b.By == session.OriginSelf {
		by = b.By
	}
	c := &cause{step: j.last.step}
	sasl1, sasl2 := s.State.Mechanisms()
	switch {
	case j.opaque != "":
		c.what, c.next = j.opaque, "is this an XMPP client, and is the upstream an XMPP server?"
	case j.last.dir == session.NoDir:
		c.what, c.next = by+" closed the connection before anything was said", "does the client speak TLS first, or something else altogether?"
	case !j.tlsDone.IsZero() && !j.opened && b.By == "client":
		c.what = "the client left right after TLS was up, without opening a stream: it probably does not accept our certificate"
		c.next = "let it trust the CA (xmppscope ca says how); some clients also look for the name or address that they connect to"
		if s.State.Captured {
			c.what = "the client left right after TLS was up, without opening a stream: it probably does not accept the server's certificate"
			c.next = "look at the certificate's names, its issuer and its dates"
		}
	case !j.replied && j.last.dir == session.C2S && j.tlsDone.IsZero() && b.By == "server":
		c.what = "the server hung up at the client's stream header, without a word"
		c.next = "perhaps it wants TLS from the first byte: try --upstream tls://HOST:PORT"
		if s.State.Captured {
			c.next = "perhaps it wants TLS from the first byte (direct TLS)"
		}
	case j.silence != "":
		c.what, c.next = j.silence, "look at the side that is silent"
	case j.last.name == "<features>" && len(sasl1)+len(sasl2) > 0:
		c.what = fmt.Sprintf("%s left after the server had offered %s: it knows none of them, or is set not to use them", by, strings.Join(append(sasl1, sasl2...), " "))
		c.next = "compare with the mechanisms that the client allows, and look whether it insists on channel binding"
	case j.last.name == "<features>":
		c.what = by + " left after seeing the server's features"
		c.next = "does it require TLS, or a mechanism, that is not offered?"
	case j.last.dir == session.C2S:
		c.what = fmt.Sprintf("%s closed the connection %s after the client had sent %s, which was never answered", by, decode.Since(waited), j.last.name)
	default:
		c.what = fmt.Sprintf("%s closed the connection %s after the server had sent %s, and the login was not complete", by, decode.Since(waited), j.last.name)
	}
	return c
}

// refusals sums up attempts of which the last was refused.
func (j *judge) refusals(s *decode.Seen) *cause {
	a := j.attempts[len(j.attempts)-1]
	var tried []string
	bound := 0
	for _, t := range j.attempts {
		tried = append(tried, t.mechanism)
		if decode.BindsChannel(t.mechanism) {
			bound++
		}
	}
	c := &cause{step: a.step, what: fmt.Sprintf("the server refused the login with %s (%s): %s", a.mechanism, a.condition, a.why)}
	if len(tried) > 1 {
		c.what = fmt.Sprintf("the server refused all %d attempts (%s); the last one, %s: %s", len(tried), strings.Join(tried, ", "), a.condition, a.why)
	}
	switch {
	case bound == len(tried) && !s.State.Captured:
		c.next = "channel binding cannot pass a man in the middle: let the client use a mechanism without -PLUS, or debug against a server that offers none"
	case a.condition == "not-authorized":
		c.next = "check user and password"
	case a.condition == "invalid-mechanism":
		c.next = "the client has to choose among the mechanisms that the server lists"
	}
	return c
}
