package session

import (
	"fmt"
	"strings"
	"time"
)

// Overview is what one line in a list of sessions says, and the ladder below it.
// It is built by applying the session's explained events in order; any reader
// may build its own. It holds on to none of their bytes.
type Overview struct {
	ID        int
	Client    string    // the client's address
	Server    string    // the server's address
	Domain    string    // the stream's "to"
	User      string    // who logs in, as far as is known
	JID       string    // the full JID once bound
	Mechanism string    // the SASL mechanism in use
	TLS       [3]string // version and suite by Leg, "" while in the clear
	Started   time.Time
	Last      time.Time
	Ended     bool
	Worst     Severity
	State     State
	Reason    string // in words: why it failed, or how far it is
	Verdict   string // the newest verdict, "" before there is one
	Advice    string // what to do next, or what would save time
	Steps     []Rung
	Events    int
	Stanzas   int
	Captured  bool // from a capture of one wire: xmppscope was not on it
	joined    bool // and that begins in the middle
}

// Rung is one step of the ladder with the events that stand on it.
type Rung struct {
	Step
	At     time.Time // of its first event
	Dir    Dir       // NoDir for the TLS handshake
	First  uint64    // Seq of its first event
	Events []uint64  // Seq of all
	Worst  Severity
	Failed bool // this rung is where it went wrong
}

// State is how far a session has come.
type State uint8

// The states of a session.
const (
	Connecting State = iota
	LoggingIn
	LoggedIn // bound, resumed or otherwise let in
	Failed
	Encrypted // inside TLS of a capture that cannot be decrypted
)

var stateNames = [...]string{Connecting: "connecting", LoggingIn: "logging in", LoggedIn: "logged in", Failed: "failed", Encrypted: "encrypted"}

// String is the state in words.
func (s State) String() string { return stateNames[s] }

// Apply brings the overview up to date with the next event of its session.
func (o *Overview) Apply(e *Event) {
	if !Numbered(e.Body) {
		return
	}
	if o.Events == 0 {
		o.ID, o.Started = e.Session, e.At
	}
	o.Events++
	o.Last = e.At
	o.Worst = max(o.Worst, e.Worst())
	o.applyStep(e)
	o.applyBody(e)
	for i := range e.Notes {
		n := &e.Notes[i]
		if n.Secret != "" {
			continue
		}
		if n.NamesUser() && n.Value != "" {
			o.User = strings.Clone(n.Value)
		}
		switch n.Name {
		case FieldMechanism:
			if e.Dir == C2S {
				o.Mechanism = strings.Clone(n.Value)
			}
		case FieldVerdict:
			o.Verdict, o.Advice = n.Value, n.Text
			if o.State == Failed {
				o.Reason = n.Value
			}
		case "jid":
			o.JID = strings.Clone(n.Value)
		case FieldDialback:
			o.applyDialback(e, n.Value)
		case "to":
			if e.Dir == C2S && e.Name == "stream" {
				o.Domain = strings.Clone(n.Value)
			}
		}
	}
}

func (o *Overview) applyStep(e *Event) {
	s := e.Step
	if s == nil {
		return
	}
	if n := len(o.Steps); n == 0 || o.Steps[n-1].N < s.N {
		o.Steps = append(o.Steps, Rung{Step: *s, At: e.At, Dir: e.Dir, First: e.Seq})
	}
	for i := len(o.Steps) - 1; i >= 0; i-- {
		if r := &o.Steps[i]; r.N == s.N {
			r.Events = append(r.Events, e.Seq)
			r.Worst = max(r.Worst, e.Worst())
			break
		}
	}
	last := &o.Steps[len(o.Steps)-1]
	switch s.ID {
	case "bind-result", "sm-resumed", "iqauth-result", "session-result":
		o.State, o.Reason = LoggedIn, ""
	case "component-handshake":
		if e.Dir == S2C {
			o.State, o.Reason = LoggedIn, ""
		}
	case "stream-error", "sasl-failure", "sasl2-failure", "bind-error", "session-error", "starttls-failure", "iqauth-error":
		last.Failed = true
		if o.State != LoggedIn || s.ID == "stream-error" {
			o.State, o.Reason = Failed, strings.Clone(e.Summary)
		}
	default:
		if o.State != LoggedIn {
			o.State = LoggingIn
			if s.ID == "sasl-auth" || s.ID == "sasl2-authenticate" || s.ID == "sasl-success" {
				o.Reason = ""
			}
		}
	}
}

// applyDialback is what the answer to a domain's claim makes of a session between
// servers. One that other claims go on in has not failed.
func (o *Overview) applyDialback(e *Event, answer string) {
	switch {
	case answer == "valid":
		o.State, o.Reason = LoggedIn, ""
	case answer == "invalid" && o.State != LoggedIn:
		o.State, o.Reason = Failed, strings.Clone(e.Summary)
	}
}

func (o *Overview) applyBody(e *Event) {
	switch b := e.Body.(type) {
	case TCPOpened:
		if e.Leg == ClientLeg {
			o.Client = b.Peer
			if o.Captured, o.joined = b.Captured, b.Joined; b.Captured {
				o.Server = b.Local
			}
		} else {
			o.Server = b.Peer
		}
	case TLSEstablished:
		o.TLS[e.Leg] = b.Version + " " + b.Suite
		if o.Domain == "" {
			o.Domain = b.Domain
		}
	case TLSLocked:
		o.State, o.Reason = Encrypted, b.Reason
	case TLSFailed:
		o.State, o.Reason = Failed, b.Reason
		if n := len(o.Steps); n > 0 && e.Step != nil {
			o.Steps[n-1].Failed = true
		}
	case TCPFailed:
		o.State, o.Reason = Failed, fmt.Sprintf("%s: %s", b.Target, b.Reason)
	case TCPClosed:
		if e.Leg == ClientLeg {
			o.Ended = true
			if (o.State == Connecting || o.State == LoggingIn) && !o.joined {
				o.State = Failed
				if o.Reason == "" {
					o.Reason = "closed by " + b.By + " before the login was done"
				}
			}
		}
	case StreamElement:
		switch e.Name {
		case "message", "presence", "iq":
			o.Stanzas++
			if e.Space == "jabber:server" && o.State == LoggingIn {
				o.State = LoggedIn // by a certificate: there is no bind between servers
			}
			if o.joined && o.State == Connecting {
				o.State = LoggedIn // nobody sends stanzas who is not
			}
		}
	}
}
