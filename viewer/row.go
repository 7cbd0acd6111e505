package viewer

import (
	"fmt"
	"strings"

	"xmppscope/session"
)

// lifeline is one of the three vertical lines of the ladder, from left to right.
type lifeline int

const (
	client lifeline = iota
	scope
	server
)

// stroke says what an arrow is made of.
type stroke uint8

const (
	xmlStroke stroke = iota // stream headers and elements
	tlsStroke               // a handshake
	tcpStroke               // connections opened and closed, bytes nobody understood
)

// row is an event as the ladder shows it.
type row struct {
	number   int      // of its rung, 0 if it stands on none
	from, to lifeline // the same: a mark on one lifeline
	both     bool     // a handshake: heads on both ends
	stopped  bool     // did not get through: a cross in place of the head
	stroke   stroke
	tag      clean // name of the element, drawn into the arrow where there is room
	title    clean // what happened
	more     clean // said after the title, fainter; may be ""
	tone     tone
}

// newRow turns an event into its row. It is pure: the same event gives the same
// row, whatever the terminal. Secrets must have been blanked before.
func newRow(e *session.Event) row {
	r := row{tag: wire(e.Name), tone: rowTone(e)}
	r.place(e)
	said := e.Summary
	if said == "" {
		said = describe(e)
	}
	if e.Step == nil {
		r.title = wire(said)
		return r
	}
	r.number, r.title = e.Step.N, wire(e.Step.Title)
	switch {
	case e.Step.Title == "":
		r.title = wire(said)
	case said != e.Step.Title && said != e.Name: // the name is in the arrow, or the title says it
		r.more = wire(said)
	}
	return r
}

// rowTone is the tone of an event: its worst note, or that it is a failure by
// its kind, or that it is no rung.
func rowTone(e *session.Event) tone {
	if isFailure(e) {
		return failure
	}
	t := toneOf(e.Worst())
	switch e.Body.(type) {
	case session.RelayOpaque, session.RelayDropped, session.RelayTimeout, session.LogLost, session.StreamPartial:
		return max(t, warning)
	case session.RelaySent, session.RelayEdited:
		return max(t, notice)
	}
	if t == plain && e.Step == nil {
		return faint
	}
	return t
}

// isFailure says whether the event is where a login went wrong.
func isFailure(e *session.Event) bool {
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
func (r *row) place(e *session.Event) {
	switch b := e.Body.(type) {
	case session.TCPOpened, session.TCPHalfClosed, session.TCPClosed, session.TCPFailed, session.WireBytes, session.WirePacket:
		r.stroke = tcpStroke
		r.from, r.to = legEnds(e.Leg)
		switch b := b.(type) {
		case session.TCPFailed:
			r.from, r.to, r.stopped = scope, server, true
		case session.TCPClosed:
			r.stopped = true
			// The peer of this leg, or we in whoever's place.
			if byPeer := b.By == e.Leg.String(); byPeer != (e.Leg == session.ClientLeg) {
				r.from, r.to = r.to, r.from
			}
		}
		if e.Leg == session.ServerLeg && e.Dir == session.S2C {
			r.from, r.to = server, scope
		}
	case session.TLSEstablished, session.TLSSecret:
		r.stroke, r.both = tlsStroke, true
		r.from, r.to = legEnds(e.Leg)
	case session.TLSLocked:
		r.stroke, r.both, r.stopped = tlsStroke, true, true
		r.from, r.to = legEnds(e.Leg)
	case session.TLSFailed:
		r.stroke, r.both, r.stopped = tlsStroke, true, true
		r.from, r.to = legEnds(e.Leg)
	case session.RelayOpaque, session.RelayTimeout, session.RelayVerdict, session.RelayLimit, session.LogLost:
		r.from, r.to = scope, scope
	case session.RelayDropped:
		r.from, r.to = ends(e.Dir)
		r.to, r.stopped = scope, true
	default:
		r.from, r.to = ends(e.Dir)
		if _, raw := b.(session.StreamRaw); raw {
			r.stroke = tcpStroke
		}
	}
	if e.Origin == session.OriginSelf && r.from != r.to {
		_, r.to = ends(e.Dir)
		r.from = scope
	}
}

// legEnds are the ends of the part of the ladder that a leg takes; c2s is the way it is opened.
func legEnds(l session.Leg) (from, to lifeline) {
	switch l {
	case session.ClientLeg:
		return client, scope
	case session.ServerLeg:
		return scope, server
	}
	return scope, scope
}

// ends is the way that bytes of a direction take.
func ends(d session.Dir) (from, to lifeline) {
	switch d {
	case session.C2S:
		return client, server
	case session.S2C:
		return server, client
	}
	return scope, scope
}

// whole draws the row of a session that has one wire, with no xmppscope on it: what
// ended at the middle goes all the way.
func (r *row) whole() {
	switch {
	case r.from == r.to:
	case r.to == scope:
		r.to = server - r.from
	case r.from == scope:
		r.from = server - r.to
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
	case session.TCPFailed:
		return fmt.Sprintf("cannot reach %s: %s", b.Target, b.Reason)
	case session.TCPHalfClosed:
		return e.Leg.String() + " has finished sending"
	case session.TCPClosed:
		if b.Reason != "" {
			return "closed by " + b.By + ": " + b.Reason
		}
		return "closed by " + b.By
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
		return amount(e.Size) + " on the wire"
	case session.WirePacket:
		return "a packet of " + amount(e.Size)
	case session.StreamWhitespace:
		return "white space: a keep-alive"
	case session.StreamPartial:
		return "unfinished element, " + amount(e.Size)
	case session.StreamRaw:
		return amount(e.Size) + ", not understood"
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

// amount is a number of bytes for a person.
func amount(n int64) string {
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
