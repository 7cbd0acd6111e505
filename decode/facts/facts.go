// Package facts gathers from the explained events of a session what can be set
// beside another session, or held against what was expected: the rungs of its
// ladder with what each of them settled, the attempts to log in, the handshakes,
// the findings and the times.
//
// A Gatherer takes the events one by one and keeps no bytes, so a session of any
// length costs what its ladder costs.
package facts

import (
	"strings"
	"time"

	"xmppscope/session"
)

// Bounds on what is kept of one session; what is beyond them is counted.
const (
	maxRungs    = 500
	maxFindings = 1000
	maxOffers   = 500
)

// Login is what one session came to: its story, and what each rung settled.
type Login struct {
	session.Overview
	Rungs     []Rung
	Beyond    int           // rungs that were too many to be kept
	TLS       [3]*Handshake // the newest handshake by leg, nil if there was none
	Attempts  []Attempt     // to authenticate
	Offers    []Offer       // the server's features, each time they were sent
	Explained int           // events that hold notes; where there are none, no rule has looked
	Findings  []Finding     // what rules found wrong, those that say the same once
	Managed   uint64        // Seq of the event that turned stream management on, 0 if none did
	Target    string        // the server as it was asked for, "host:port"; "" if that is not known
	Content   string        // the default namespace of the client's stream: "jabber:client"
}

// LoggedIn says whether the session was let in and was not thrown out by a
// stream error afterwards.
func (l *Login) LoggedIn() bool { return l.State == session.LoggedIn }

// Phase is how far the connection had come when something was said.
type Phase uint8

// The phases. Those of a login with direct TLS begin with InTLS.
const (
	InClear Phase = iota
	InTLS
	LoggedIn // authenticated, that is: not yet bound
)

var phaseNames = [...]string{InClear: "in the clear", InTLS: "inside TLS", LoggedIn: "after the login"}

// String is the phase in words.
func (p Phase) String() string { return phaseNames[p] }

// Rung is one step of the ladder, and what it settled.
type Rung struct {
	N         int    // its place in the session: 1, 2, …
	ID        string // "features-2"
	Kind      string // ID without a number: "features"
	Title     string // a few words
	Phase     Phase
	Seq       uint64 // of its first event
	At        time.Time
	Since     time.Duration // since the first event of the rung before
	Dir       session.Dir   // NoDir for TLS
	Mechanism string        // of the attempt that a SASL rung belongs to
	Failed    bool          // something was refused here
	Facts     []Fact
}

// Fact is one thing that a rung settled.
type Fact struct {
	Name   string
	Values []string // one, or the items of a list in the order they were sent
	List   bool     // the order of Values says little
	Class  session.Class
	Group  string // facts that are known together, see LegGroup and Parsed; a rung may lack a group
	// Secret tells apart secrets, of which Values holds the length alone.
	Secret *Secret
	// Presence says that only the fact itself can be compared, because Values holds a
	// sentence: so it is for findings.
	Presence bool
}

// kept is the fact without the bytes that it was read from.
func (f Fact) kept() Fact {
	var values []string
	for _, v := range f.Values {
		values = append(values, strings.Clone(v))
	}
	f.Name, f.Values = strings.Clone(f.Name), values
	return f
}

// Parsed is the group of facts that are read from the bytes of the rung, which may
// be missing. Those of one SASL mechanism are a group by its name, and those of a
// leg's handshake are LegGroup.
const Parsed = "parsed"

// LegGroup is the group of facts that a leg's handshake has settled. In a capture
// of one wire they are those of the server's leg: so they can be set beside what the
// server agreed on with xmppscope.
func LegGroup(l session.Leg) string { return l.String() + " leg" }

// HelloGroup is the group of facts of a leg that its client alone has chosen.
func HelloGroup(l session.Leg) string { return l.String() + " leg, hello" }

// Handshake is the TLS handshake of one leg.
type Handshake struct {
	Facts  session.TLSFacts
	Failed *session.TLSFailed // nil if it was established
	Seq    uint64
	N      int // of its rung
	At     time.Time
}

// Attempt is one try to authenticate, with what was on offer.
type Attempt struct {
	session.Attempt
	Offered []string // the mechanisms on offer then
	Phase   Phase
}

// Accepted is the attempt that the server has accepted, nil if there is none.
func (l *Login) Accepted() *Attempt {
	for i := range l.Attempts {
		if l.Attempts[i].Accepted {
			return &l.Attempts[i]
		}
	}
	return nil
}

// ServerTLS is the newest handshake with the server: that of the server's leg, or in a
// capture of one wire that of the only one. It is nil if there was none.
func (l *Login) ServerTLS() *Handshake {
	if l.Captured {
		return l.TLS[session.ClientLeg]
	}
	return l.TLS[session.ServerLeg]
}

// Refusal is how something was refused.
type Refusal = session.Refusal

// Offer is one <stream:features/>.
type Offer struct {
	Features   []Feature
	Mechanisms []string // SASL and SASL2, each name once
	Phase      Phase
	Seq        uint64
	N          int
}

// Feature is one thing on offer, at the top or inline in SASL2.
type Feature struct {
	Local, Space string
	Mark         string // "required", "optional" or ""
	Inline       bool   // in SASL2 (XEP-0388)
}

// Finding is what a rule found wrong, or worth a look.
type Finding struct {
	Rule     string
	Severity session.Severity
	Text     string // it may hold text from the wire, but no secret
	Ref      string
	Seq      uint64
	N        int    // of the rung, 0 if it stands on none
	Kind     string // of the rung
	Times    int    // how often the same was found
}
