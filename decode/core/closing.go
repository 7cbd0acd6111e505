package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-closing", Title: "How streams end", Ref: "RFC 6120 §4.4",
		New: func() decode.Explainer { return &closing{} },
	})
}

// closing follows the end of each direction's stream.
type closing struct {
	sight
	opened   [3]bool
	closed   [3]bool
	errored  [3]bool // a stream error was sent
	gone     [3]bool // the side has finished sending
	inTLS    bool    // a handshake is under way or has failed: there is no stream to close
	failures int     // of SASL
	last     bool    // the last thing about SASL was a failure
	reason   string  // condition of the stream error
}

// Explain implements decode.Explainer.
func (c *closing) Explain(s *decode.Seen) []session.Note {
	if !c.clear(s) {
		return nil
	}
	dir := s.Event.Dir
	switch b := s.Event.Body.(type) {
	case session.TLSEstablished: // a new document, on which nothing was said
		*c = closing{failures: c.failures}
	case session.TLSFailed:
		c.inTLS = true
	case session.StreamOpened:
		c.opened[dir], c.closed[dir], c.errored[dir] = true, false, false
	case session.StreamElement:
		return c.element(s)
	case session.StreamClosed:
		c.closed[dir] = true
		return c.firstFailure(dir)
	case session.WebSocketFrame:
		if b.Op == "close" {
			return c.hangsUp(dir)
		}
	case session.TCPHalfClosed:
		return c.hangsUp(dir)
	case session.TCPClosed:
		if b.Reason == "" && s.Event.Leg.Dir().Sender() == b.By {
			return c.hangsUp(s.Event.Leg.Dir())
		}
	}
	return nil
}

func (c *closing) element(s *decode.Seen) (notes []session.Note) {
	dir, name := s.Event.Dir, s.Root.Name
	switch {
	case c.closed[dir]:
		sev := session.Warning
		if name.Space == decode.NSSM3 && name.Local == "a" {
			sev = session.Notice // slixmpp still answers <r/> then, and it does no harm
		}
		notes = append(notes, decode.Finding("S25", "RFC 6120 §4.4", sev, s.Root.Tag, "the %s sends %q after it has closed its stream", dir.Sender(), name.Local))
	case c.errored[dir]:
		c.errored[dir] = false
		notes = append(notes, decode.Breach("S26", s.Root.Tag,
			"the %s goes on with %q after a stream error; an error ends the stream", dir.Sender(), name.Local))
	}
	// Without a header the prefix may not be declared: then there is no namespace.
	if name.Local == "error" && (name.Space == decode.NSStreams || name.Space == "" && name.Prefix == "stream") {
		c.errored[dir], c.reason = true, strings.Clone(firstCondition(s.Root))
		if !c.opened[dir] && !s.State.Joined {
			notes = append(notes, decode.Breach("S27", s.Root.Tag,
				"the %s sends a stream error without having opened its stream", dir.Sender()))
		}
	}
	c.sasl(s)
	return notes
}

func firstCondition(root *session.Element) string {
	if c := root.First(); c != nil {
		return c.Name.Local
	}
	return ""
}

func (c *closing) sasl(s *decode.Seen) {
	switch name := s.Root.Name; {
	case name.Space == decode.NSTLS && name.Local == "proceed":
		c.inTLS = true
	case !decode.IsSASL(name.Space):
	case name.Local == "failure" && s.Root.Child(decode.NSSASL, "aborted") == nil:
		c.failures++
		c.last = true
	default:
		c.last = false
	}
}

// firstFailure is the part of A10 that concerns the server.
func (c *closing) firstFailure(dir session.Dir) []session.Note {
	if dir != session.S2C || !c.last || c.failures != 1 || c.closed[session.C2S] || c.gone[session.C2S] {
		return nil
	}
	switch c.reason {
	case "", "policy-violation", "not-authorized":
		return []session.Note{decode.Breach("A10", session.Span{},
			"the server closes the stream after the first failed attempt; it should allow 2 to 5")}
	}
	return nil // it has another reason
}

// hangsUp is what S25 and S26 say of the end of a connection. Not to close the
// stream is common: programs are ended, and one that wants to resume must not.
func (c *closing) hangsUp(dir session.Dir) []session.Note {
	if c.gone[dir] || c.inTLS {
		return nil
	}
	c.gone[dir] = true
	if !c.opened[dir] || c.closed[dir] {
		return nil
	}
	if c.gone[dir.Opposite()] {
		return nil // there is nobody left to say it to
	}
	if c.errored[dir] {
		return []session.Note{decode.Breach("S26", session.Span{}, "the %s does not close its stream after its stream error", dir.Sender())}
	}
	return []session.Note{decode.Finding("S25", "RFC 6120 §4.4", session.Notice, session.Span{},
		"the %s hangs up without closing its stream: the other side cannot tell this from a broken network", dir.Sender())}
}
