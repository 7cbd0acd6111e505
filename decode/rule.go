package decode

import (
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// Rule is one thing that xmppscope can say about an event. Rules are values: a
// file in decode/core, decode/sasl or decode/xep adds one to its package's list.
type Rule struct {
	ID    string // "xep-0199", "sasl", "core-features": Note.Rule unless a note names its own
	Title string // "XMPP Ping"
	Ref   string // where it is specified: Note.Ref unless a note names its own, or Unspecified
	// Match is a cheap test whether Explain should see the event.
	Match Match
	// New is called once for each session, so an Explainer may keep state.
	New func() Explainer
}

// ByID are the rules in the order of their ids: that in which a package's rules speak,
// whatever file each stands in.
func ByID(rules []Rule) []Rule {
	return slices.SortedStableFunc(slices.Values(rules), func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
}

// Explainer says what there is to say about one event.
type Explainer interface {
	Explain(*Seen) []session.Note
}

// Func is an Explainer that keeps no state.
type Func func(*Seen) []session.Note

// Explain calls f.
func (f Func) Explain(s *Seen) []session.Note { return f(s) }

// Stateless is a Rule.New for a function without state.
func Stateless(f Func) func() Explainer { return func() Explainer { return f } }

// Seen is an event as a rule sees it: named, placed on the ladder and parsed.
// Rules must not change anything they reach through it, and may keep strings alone:
// the tree and the event are gone when the event has been explained.
type Seen struct {
	Event *session.Event
	Root  *session.Element // nil if the event has no element, or it could not be parsed
	State *State           // the session so far, this event included
	// Request is what this event answers, nil if it is no answer or nothing fits.
	Request *Request
	// Misnamed is a request that this would answer, but for the spelling of its id; nil
	// if there is none, or a Request.
	Misnamed *Request

	stanza string // see Stanza
	keys   uint64 // see Match
	holds  uint64 // see Match.Holding
}

// Request is a get or set iq that waits for its answer.
type Request struct {
	Seq     uint64
	At      time.Time
	Dir     session.Dir
	ID      string
	Payload session.Name // its first child, without the prefix
	Step    string       // id of the rung it stood on, "" if none
	To      string
}

// Raw is the event's bytes as a string. It is no copy, so to keep a part of it is to
// keep all.
func (s *Seen) Raw() string { return text(s.Event) }

// Inside is a stanza that is wrapped in another, as a rule sees it that knows
// nothing of the wrapping: e is the event, as far as it is true of what is inside.
func (s *Seen) Inside(stanza *session.Element, e *session.Event) *Seen {
	inner := &Seen{Event: e, Root: stanza, State: s.State, holds: s.holds}
	inner.classify()
	return inner
}

// State is what is known of a session: what the events so far have told.
type State struct {
	Secrets *session.Book
	// Run is what the other sessions of the run have shown; never nil in a Session.
	Run *Run
	// Secure says, by leg, whether TLS is on; TLS holds the facts.
	Secure [3]bool
	// Authenticated says that SASL, iq-auth or the like has succeeded.
	Authenticated bool
	// Joined says that the recording begins in the middle of the session: what came
	// before is not known, so nothing can be said to be missing.
	Joined bool
	// Captured says that the session comes from a capture of one wire, on which
	// there was no xmppscope: the client leg reaches to the server.
	Captured bool
	// Rebinds says that xmppscope binds logins anew where it can; Rebound that it has
	// changed what the client said in this attempt, so that not both sides signed the same.
	Rebinds, Rebound bool

	TLS [3]*session.TLSFacts
	// Header is the newest stream header of each direction, nil before the first.
	Header   [3]*Header
	features *offer
	pairs    pairs
	bosh     *exchanges // nil without BOSH
	// Mechanism is the SASL mechanism that the client has chosen last.
	Mechanism string
	// JID is the full JID that the server has bound, "" before.
	JID string
	// Failures is how many SASL attempts have failed.
	Failures int32
	// Follows says that the client comes through xmppscope wherever it goes next: it was taken on
	// its way, or has xmppscope for its proxy. (It shares a word, as there are many sessions.)
	Follows bool
	// Passwords gives the password of an account, if the user has said it, so that
	// rules can check who computed wrong. It is nil if none was given. A rule never
	// keeps a password, and never shows one.
	Passwords func(user, domain string) (password string, ok bool)
	// Acks are the counts of stream management, nil without it. The rule of XEP-0198 keeps
	// them; others read.
	Acks *Acks
	// Assumed is the content namespace that elements were given whose stream header is
	// not in the recording, "" if there are none.
	Assumed string
}

// InClear says whether it is known that the stream runs without TLS. Of a capture of
// one wire it is known even if it begins in the middle: TLS would show.
func (s *State) InClear() bool {
	return !s.Secure[session.ClientLeg] && !s.Secure[session.ServerLeg] && (!s.Joined || s.Captured)
}

// Domain is the JID domain that the client asked for: the "to" of its newest
// stream header.
func (s *State) Domain() string {
	if h := s.Header[session.C2S]; h != nil {
		return h.To
	}
	return ""
}

// Header is a stream header (RFC 6120 §4.7).
type Header struct {
	To, From, ID, Version, Lang string
	Content                     string // the default namespace: "jabber:client", …
	Framing                     Framing
	Count                       int // 1 for the first of its direction
}

// Framing is how the session's elements are told from each other.
func (s *State) Framing() Framing {
	if h := s.Header[session.C2S]; h != nil {
		return h.Framing
	}
	return Bare
}

// Framing is how a stream's elements are told from each other.
type Framing uint8

// The framings.
const (
	Bare      Framing = iota // one XML document (RFC 6120)
	WebSocket                // an element is a message (RFC 7395)
	BOSH                     // elements are in bodies of HTTP (XEP-0124, XEP-0206)
)

// Mechanisms returns the SASL mechanisms of the newest features: those of RFC
// 6120, then those of SASL2 (XEP-0388).
func (s *State) Mechanisms() (sasl1, sasl2 []string) {
	offer := s.Features()
	if offer == nil {
		return nil, nil
	}
	list := func(parent *session.Element) (out []string) {
		if parent == nil {
			return nil
		}
		for m := range parent.Elements() {
			if m.Name.Local == "mechanism" {
				out = append(out, m.Text())
			}
		}
		return out
	}
	return list(offer.Child(NSSASL, "mechanisms")), list(offer.Child(NSSASL2, "authentication"))
}

// Unique joins lists, and leaves out what was in one before.
func Unique(lists ...[]string) (out []string) {
	for _, list := range lists {
		for _, s := range list {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// Unspecified is the Ref of a note on what no specification speaks of.
const Unspecified = "-"
