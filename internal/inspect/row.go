package inspect

import (
	"cmp"
	"fmt"
	"strings"

	"xmppscope/session"
)

// Lifeline is one of the three vertical lines of a ladder, from left to right.
type Lifeline int

// The lifelines.
const (
	Client Lifeline = iota
	Scope
	Server
)

// Stroke says what an arrow is made of.
type Stroke uint8

// The strokes.
const (
	XMLStroke Stroke = iota // stream headers and elements
	TLSStroke               // a handshake
	TCPStroke               // connections opened and closed, bytes nobody understood
)

// Tone says how a row is meant.
type Tone uint8

// The tones, rising.
const (
	Plain  Tone = iota
	Faint       // not a rung: roster, presence, keep-alives, TCP
	Notice      // the tones of the severities
	Warning
	Failure
)

// ToneOf is the tone of a severity.
func ToneOf(s session.Severity) Tone {
	switch s {
	case session.Notice:
		return Notice
	case session.Warning:
		return Warning
	case session.Error:
		return Failure
	}
	return Plain
}

// Row is an event as a ladder shows it.
type Row struct {
	Number   uint64   // the event's, in its session
	From, To Lifeline // the same: a mark on one lifeline
	Both     bool     // a handshake: heads on both ends
	Stopped  bool     // did not get through: a cross in place of the head
	Stroke   Stroke
	Tag      string // name of the element
	Title    string // what happened
	More     string // said after the title, fainter; may be ""
	Tone     Tone
}

// NewRow turns an event into its row. It is pure: the same event gives the same
// row, whatever the terminal. Secrets must have been blanked before.
func NewRow(e *session.Event) Row {
	r := Row{Number: e.Seq, Tag: e.Name, Tone: ToneOfRow(e)}
	r.place(e)
	said := e.Summary
	if said == "" {
		said = describe(e)
	}
	if e.Step == nil {
		r.Title = said
		return r
	}
	r.Title = e.Step.Title
	switch {
	case e.Step.Title == "":
		r.Title = said
	case said != e.Step.Title && said != e.Name: // the name is in the arrow, or the title says it
		r.More = said
	}
	return r
}

// ToneOfRow is the tone of an event: its worst note, or that it is a failure by
// its kind, or that it is no rung.
func ToneOfRow(e *session.Event) Tone {
	if IsFailure(e) {
		return Failure
	}
	t := ToneOf(e.Worst())
	switch e.Body.(type) {
	case session.RelayOpaque, session.RelayDropped, session.RelayTimeout, session.LogLost, session.StreamPartial:
		return max(t, Warning)
	case session.RelaySent, session.RelayEdited, session.RelayBent:
		return max(t, Notice)
	}
	if t == Plain && e.Step == nil {
		return Faint
	}
	return t
}

// IsFailure says whether the event is where a login went wrong.
func IsFailure(e *session.Event) bool {
	switch e.Body.(type) {
	case session.TLSFailed, session.TCPFailed:
		return true
	}
	if e.Step == nil {
		return false
	}
	id := e.Step.ID
	return strings.HasSuffix(id, "-failure") || strings.HasSuffix(id, "-error") || id == "sm-failed"
}

// place says where the row's arrow runs.
func (r *Row) place(e *session.Event) {
	switch b := e.Body.(type) {
	case session.TCPTried:
		r.Stroke, r.From, r.To, r.Stopped = TCPStroke, Scope, Server, true
	case session.TCPOpened, session.TCPHalfClosed, session.TCPClosed, session.TCPFailed, session.WireBytes, session.WirePacket:
		r.Stroke = TCPStroke
		r.From, r.To = legEnds(e.Leg)
		switch b := b.(type) {
		case session.TCPFailed:
			r.From, r.To, r.Stopped = Scope, Server, true
		case session.TCPClosed:
			r.Stopped = true
			// The peer of this leg, or we in whoever's place.
			if byPeer := b.By == e.Leg.String(); byPeer != (e.Leg == session.ClientLeg) {
				r.From, r.To = r.To, r.From
			}
		}
		if e.Leg == session.ServerLeg && e.Dir == session.S2C {
			r.From, r.To = Server, Scope
		}
	case session.TLSEstablished, session.TLSSecret:
		r.Stroke, r.Both = TLSStroke, true
		r.From, r.To = legEnds(e.Leg)
	case session.TLSLocked, session.TLSFailed:
		r.Stroke, r.Both, r.Stopped = TLSStroke, true, true
		r.From, r.To = legEnds(e.Leg)
	case session.RelayDoor:
		r.Stroke = TCPStroke
		r.From, r.To = legEnds(e.Leg)
	case session.RelayOpaque, session.RelayTimeout, session.RelayVerdict, session.RelayLimit, session.LogLost, session.DNSAnswered:
		r.From, r.To = Scope, Scope
	case session.RelayDropped:
		r.From, r.To = ends(e.Dir)
		r.To, r.Stopped = Scope, true
	case session.RelayEdited:
		r.From, r.To = ends(e.Dir)
		if len(e.Raw) == 0 && !b.Passed { // nothing went on
			r.To, r.Stopped = Scope, true
			return
		}
	default:
		r.From, r.To = ends(e.Dir)
		if _, raw := b.(session.StreamRaw); raw {
			r.Stroke = TCPStroke
		}
	}
	if e.Origin == session.OriginSelf && r.From != r.To {
		_, r.To = ends(e.Dir)
		r.From = Scope
	}
}

// legEnds are the ends of the part of the ladder that a leg takes; c2s is the way it is opened.
func legEnds(l session.Leg) (from, to Lifeline) {
	switch l {
	case session.ClientLeg:
		return Client, Scope
	case session.ServerLeg:
		return Scope, Server
	}
	return Scope, Scope
}

// ends is the way that bytes of a direction take.
func ends(d session.Dir) (from, to Lifeline) {
	switch d {
	case session.C2S:
		return Client, Server
	case session.S2C:
		return Server, Client
	}
	return Scope, Scope
}

// Whole is the row of a session that has one wire, with no xmppscope on it: what
// ended at the middle goes all the way.
func (r *Row) Whole() {
	switch {
	case r.From == r.To:
	case r.To == Scope:
		r.To = Server - r.From
	case r.From == Scope:
		r.From = Server - r.To
	}
}

// describe says what happened when the event itself has no summary.
func describe(e *session.Event) string {
	switch b := e.Body.(type) {
	case session.TCPOpened:
		if e.Leg == session.ClientLeg {
			return "client connected from " + b.Peer
		}
		return strings.TrimSpace("connected to " + b.Target + " " + b.Peer)
	case session.DNSAnswered:
		return b.Words()
	case session.TCPTried:
		return b.Words()
	case session.TCPFailed:
		return fmt.Sprintf("cannot reach %s: %s", b.Target, b.Reason)
	case session.TCPHalfClosed:
		return e.Leg.String() + " sent TCP FIN"
	case session.TCPClosed:
		if b.Reason != "" {
			return b.By + " closed the connection: " + b.Reason
		}
		return b.By + " closed the connection"
	case session.TLSEstablished:
		return tlsWords(e.Leg, &b.TLSFacts)
	case session.TLSFailed:
		return b.Reason
	case session.TLSLocked:
		return "cannot be decrypted: " + b.Reason
	case session.TLSSecret:
		return "secrets of the handshake, for Wireshark"
	case session.StreamOpened:
		return "opens a stream"
	case session.StreamElement:
		return "<" + e.Name + ">"
	case session.StreamClosed:
		return "closes its stream"
	case interface{ Words() string }: // of HTTP, and of how a client came
		return cmp.Or(strings.TrimSpace(b.Words()), "nothing more is known of it")
	case session.RelayOpaque:
		return "no longer understood: " + b.Reason
	case session.RelayDropped:
		return "not passed on: " + b.Reason
	case session.RelaySent:
		return "sent by xmppscope: " + b.Reason
	case session.RelayEdited:
		if b.Passed {
			return "not changed: " + b.Reason
		}
		return "changed: " + b.Reason
	case session.RelayBent:
		return cmp.Or(b.Reason, "done on purpose")
	case session.RelayVerdict:
		return session.VerdictSummary
	case session.RelayLimit:
		return "limit: " + b.Reason
	case session.RelayTimeout:
		return fmt.Sprintf("%s, for %s", b.Waiting, session.ShortTime(b.After))
	}
	return describeBytes(e)
}

// describeBytes is describe for events that are told by how much they hold.
func describeBytes(e *session.Event) string {
	switch b := e.Body.(type) {
	case session.WireBytes:
		return Amount(e.Size) + " on the wire"
	case session.WirePacket:
		return "a packet of " + Amount(e.Size)
	case session.StreamWhitespace:
		return "white space: a keep-alive"
	case session.StreamPartial:
		return "unfinished element, " + Amount(e.Size)
	case session.StreamRaw:
		return Amount(e.Size) + ", not understood"
	case session.LogLost:
		return b.Words(e.Dir)
	case session.RelayBacklog:
		return "explaining is " + b.Behind.String() + " behind"
	}
	return e.Kind()
}

// tlsWords is a handshake in a few words.
func tlsWords(leg session.Leg, f *session.TLSFacts) string {
	parts := []string{leg.String() + " leg: " + f.Version}
	for _, p := range []string{f.Suite, f.Group, f.ALPN} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

// Amount is a number of bytes for a person.
func Amount(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
