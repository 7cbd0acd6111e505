// Package verdict says in one sentence how a login went: what failed, at which
// step, and what to do next; or how long it took and what would have saved time.
//
// It is one rule that speaks last and sees what the others said. Its note stands
// on the event that decides: the end of the login, or the end of the connection
// if there was none. A later verdict of a session replaces an earlier one.
package verdict

import (
	"fmt"
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
	last     last        // what came last from either side
	asking   last        // what came last from the client
	user     string      // who tries to log in
	resource string      // what the client has asked to bind, "" if it left it to the server
	left     session.Dir // who was the first to finish sending
	trips    int         // times that the client had to wait for an answer
	asked    bool        // the client has said something since the server's last word
	attempts []attempt
	legacy   bool          // a session was asked for (RFC 3921)
	starttls bool          // TLS was begun inside the stream
	opened   bool          // the client has opened a stream since TLS is up
	replied  bool          // the server has opened one
	done     bool          // the login is complete
	over     bool          // the server has ended the stream with an error
	cause    *cause        // of the failure, as far as one is known
	ending   string        // how the server ended the stream after a refusal
	silence  string        // who was waiting for whom
	silent   time.Duration // for how long at least
	opaque   [3]string     // by direction, what is not understood
	locked   bool          // TLS in a capture cannot be decrypted
	unlock   string        // what would help
}

// last is the newest plaintext event of someone.
type last struct {
	dir   session.Dir
	seq   uint64
	at    time.Time
	step  *session.Step
	name  string // "iq"
	space string // namespace of a stanza's payload
	size  int64
	fault string // what is wrong with it
	offer bool   // it is the server's features
}

// noXML is the name of what has none.
const noXML = "bytes that are no XML"

// attempt is one try to authenticate.
type attempt struct {
	mechanism, condition, why, text string
	flag                            string        // gs2 flag of SCRAM: "n", "y" or "p=…"
	offered                         []string      // the mechanisms that the server had offered
	trips                           int           // round trips before it
	step                            *session.Step // where it was refused
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
		j.heard(s)
	}
	switch b := e.Body.(type) {
	case session.StreamOpened:
		j.opened = j.opened || e.Dir == session.C2S && !j.tlsDone.IsZero()
		j.replied = j.replied || e.Dir == session.S2C
	case session.StreamClosed, session.TCPHalfClosed:
		if j.left == session.NoDir {
			j.left = e.Dir
		}
	case session.TLSEstablished:
		j.tlsDone, j.replied, j.left = e.At, false, session.NoDir
		if e.Leg == session.ServerLeg || s.State.Captured {
			j.trips += b.RoundTrips()
		}
	case session.TLSFailed:
		j.tlsFailed(e, b)
	case session.TCPFailed:
		server := "the server"
		if b.Target != server { // which is what it is called while nobody knows its address
			server += " " + b.Target
		}
		j.fail(e, fmt.Sprintf("%s could not be reached: %s", server, b.Reason), b.Hint)
	case session.RelayTimeout:
		return j.waiting(s, b)
	case session.TLSLocked:
		j.locked, j.unlock = true, b.Hint
	case session.RelayOpaque:
		j.opaque[e.Dir] = b.Reason
	case session.TCPClosed:
		if e.Leg == session.ClientLeg {
			return j.closed(s, b)
		}
	}
	if e.Step != nil {
		return j.step(s)
	}
	return j.errand(s)
}

func (j *judge) tlsFailed(e *session.Event, b session.TLSFailed) {
	switch {
	case b.Class == session.ClassOtherLeg:
	case b.Class == session.ClassClosed && b.Guilty == session.OriginSelf && j.left == session.S2C:
		j.fail(e, "TLS failed: the server hung up after <proceed/>, before the handshake had begun", "look into the server's log: it may lack a certificate or a key for this domain")
	default:
		j.fail(e, "TLS failed: "+b.Reason, b.Hint)
	}
}

// heard counts round trips and remembers who spoke last.
func (j *judge) heard(s *decode.Seen) {
	e := s.Event
	if _, keepAlive := e.Body.(session.StreamWhitespace); keepAlive {
		return
	}
	if e.Dir == session.C2S {
		j.asked = true
		j.learn(e)
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
	name := e.Name
	if name == "" {
		name = noXML
	}
	j.last = last{dir: e.Dir, seq: e.Seq, at: e.At, step: e.Step, name: decode.Keep(name, s.Stanza(), noXML, j.last.name), space: decode.Keep(payload(s), j.last.space), size: e.Size, fault: worst(e),
		offer: e.Dir == session.S2C && e.Name == "features" && e.Space == decode.NSStreams}
	if e.Dir == session.C2S {
		j.asking = j.last
	}
}

// learn takes the user and the resource from what the client says.
func (j *judge) learn(e *session.Event) {
	for i := range e.Notes {
		switch n := &e.Notes[i]; {
		case n.Secret != "" || n.Value == "":
		case n.NamesUser():
			j.user = decode.Keep(n.Value)
		case n.Name == "resource":
			j.resource = decode.Keep(n.Value)
		}
	}
}

// payload is the namespace of what a stanza carries.
func payload(s *decode.Seen) string {
	if s.IsStanza() {
		for c := range s.Root.Elements() {
			if c.Name.Space != s.Root.Name.Space {
				return c.Name.Space
			}
		}
	}
	return ""
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

func (j *judge) step(s *decode.Seen) []session.Note {
	e := s.Event
	switch id := e.Step.ID; id {
	case "starttls":
		j.starttls = true
	case "sasl-auth", "sasl2-authenticate", "iqauth-set":
		j.attempt(s)
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		j.refused(s)
	case "sasl-success", "sasl2-success":
		j.authDone = e.At
		if id == "sasl2-success" && s.State.JID != "" || betweenServers(s.State) {
			return j.succeeded(s)
		}
	case "dialback-result", "dialback-verify":
		return j.dialback(s)
	case "session-request":
		j.legacy = true
	case "starttls-failure":
		j.fail(e, "the server refused to start TLS", "look at the server's certificate and TLS settings: it offered STARTTLS, and then could not do it")
	case "bind-error", "session-error":
		j.unbound(s)
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
