package core

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-relay", Title: "What the relay saw and did", Ref: "RFC 6120 §3",
		Match: decode.NoElement(),
		New:   decode.Stateless(explainRelay),
	})
}

// explainRelay puts events that hold no XML into words.
func explainRelay(s *decode.Seen) []session.Note {
	who := s.Event.Dir.Sender()
	switch b := s.Event.Body.(type) {
	case session.TCPOpened:
		if b.Captured {
			return captured(b)
		}
		return tcpOpened(s.Event.Leg, b)
	case session.DNSAnswered:
		return answered(b)
	case session.TCPTried:
		when := "after " + session.ShortTime(b.Took)
		if b.Target != b.Address {
			when = "an address of " + decode.Quote(b.Target) + ", " + when
		}
		n := alarm(session.Notice, "RFC 6120 §3.2", "%s (%s)", b.Words(), when)
		if b.Lost {
			n.Severity, n.Ref = session.Info, "RFC 8305 §5"
		}
		return []session.Note{n}
	case session.TCPFailed:
		notes := []session.Note{alarm(session.Error, "RFC 6120 §3.2", "xmppscope could not reach %s: %s", serverAt(b.Target), b.Reason)}
		if b.Hint != "" {
			notes = append(notes, field("", "hint", b.Hint, session.Span{}, "").Classed(session.Elsewhere))
		}
		return notes
	case session.TCPHalfClosed:
		return []session.Note{alarm(session.Info, "", "the %s has sent all that it had to send, and still listens", who)}
	case session.TCPClosed:
		return tcpClosed(s, b)
	case session.StreamWhitespace:
		return []session.Note{alarm(session.Info, "RFC 6120 §4.6.1", "white space between elements: it keeps the connection alive, and means nothing")}
	case session.StreamClosed:
		return []session.Note{alarm(session.Info, "RFC 6120 §4.4", "the %s closes its half of the stream; the other side should do the same", who)}
	case session.StreamPartial:
		if s.State.Captured {
			return []session.Note{alarm(session.Warning, "", "this ends in the middle: the rest of what the %s was sending is not in the capture", who)}
		}
		return []session.Note{alarm(session.Warning, "", "the connection ended in the middle of what the %s was sending", who)}
	}
	return relayWords(s, who)
}

func relayWords(s *decode.Seen, who string) []session.Note {
	switch b := s.Event.Body.(type) {
	case session.RelayDoor:
		return door(b)
	case session.RelayOpaque:
		n := alarm(session.Error, "RFC 6120 §11.3", "from byte %d on, what the %s sends cannot be read: %s", b.At, who, b.Reason)
		if !s.State.Captured {
			n.Text += "; xmppscope passes it on as it is"
		}
		return []session.Note{n}
	case session.RelayDropped:
		return []session.Note{dropped(s.Event, b, who)}
	case session.RelaySent:
		return []session.Note{alarm(session.Notice, "", "xmppscope sent this in the %s's place: %s%s", who, b.Reason, by(b.By))}
	case session.RelayEdited:
		if b.Passed {
			return []session.Note{alarm(session.Warning, "", "%s", b.Reason)}
		}
		if len(s.Event.Raw) == 0 {
			return []session.Note{alarm(session.Notice, "", "#%d came, and nothing went on in its place: %s%s", b.Of, b.Reason, by(b.By))}
		}
		return []session.Note{alarm(session.Notice, "", "#%d came, and this went on in its place: %s%s", b.Of, b.Reason, by(b.By))}
	case session.RelayBent:
		if b.Of > 0 {
			return []session.Note{alarm(session.Notice, "", "#%d: %s%s", b.Of, b.Reason, by(b.By))}
		}
		return []session.Note{alarm(session.Notice, "", "%s%s", b.Reason, by(b.By))}
	case session.RelayTimeout:
		return []session.Note{alarm(session.Warning, "", "%s: nothing came for %s", b.Waiting, session.ShortTime(b.After))}
	case session.RelayLimit:
		return limit(b)
	case session.TLSLocked:
		return locked(b)
	case session.LogLost:
		return []session.Note{alarm(session.Warning, "", "%s; checks of what should have come before end here", b.Words(s.Event.Dir))}
	}
	return nil
}

// by names who has asked for something.
func by(name string) string {
	switch name {
	case "":
		return ""
	case session.ByHand:
		return ", by hand"
	}
	return " (" + name + ")"
}

func tcpOpened(leg session.Leg, b session.TCPOpened) []session.Note {
	if leg == session.ClientLeg {
		return []session.Note{alarm(session.Info, "", "a client connected from %s", b.Peer)}
	}
	n := alarm(session.Info, "RFC 6120 §3.2", "xmppscope connected to the server at %s", b.Peer)
	if b.Target != "" && b.Target != b.Peer {
		n.Text += " for " + b.Target
	}
	if b.Via != "" {
		n.Text += ", which was named by " + b.Via
	}
	if b.Through != "" {
		n.Text += ", through the proxy " + b.Through
	}
	if b.Took > 0 {
		n.Text += "; it took " + session.ShortTime(b.Took)
	}
	if len(b.Order) > 0 {
		n.Text += "; by priority and weight, the records of both kinds have servers tried in this order: " + strings.Join(b.Order, ", ")
	}
	if b.Direct {
		n.Text += "; TLS starts at once (direct TLS)"
		n.Ref = "XEP-0368 §3"
	}
	return []session.Note{n}
}

// answered is what DNS has to say. That there is no record is an answer.
func answered(b session.DNSAnswered) []session.Note {
	ref, sev := "RFC 1035 §3.4.1", session.Info
	if strings.HasPrefix(b.Question, "SRV ") {
		ref = "RFC 6120 §3.2.1"
	}
	if b.Problem != "" {
		sev = session.Warning
	}
	notes := []session.Note{alarm(sev, ref, "%s; %s was asked, and it took %s", b.Words(), b.Server, session.ShortTime(b.Took))}
	if strings.HasPrefix(b.Question, "SRV ") && len(b.Answers) == 1 && strings.HasSuffix(b.Answers[0], " .") {
		notes = append(notes, alarm(session.Notice, "RFC 2782", "the target \".\" says that the domain does not offer this service"))
	}
	return notes
}

// captured is a connection in a capture that others have made.
func captured(b session.TCPOpened) []session.Note {
	n := alarm(session.Info, "", "a client connected from %s to %s, as a packet capture tells", b.Peer, b.Local)
	if b.Joined {
		n.Severity = session.Notice
		n.Text = "the capture begins in the middle of this connection: what was said before is not known"
	}
	return []session.Note{n}
}

func tcpClosed(s *decode.Seen, b session.TCPClosed) []session.Note {
	n := alarm(session.Info, "", "%s closed the connection", guilty(b.By))
	if b.Reason != "" {
		n.Severity = session.Notice
		n.Text += ": " + b.Reason
	}
	if side := s.Event.Leg.String(); !s.State.Captured && b.By != side && b.By != session.OriginSelf {
		n.Text += fmt.Sprintf("; xmppscope passed that on to the %s", side)
	}
	return []session.Note{n}
}

// locked says why TLS in a capture stays closed, and what would open it.
func locked(b session.TLSLocked) []session.Note {
	notes := []session.Note{alarm(session.Notice, "RFC 8446 §7", "what follows is encrypted, and cannot be decrypted here: %s", b.Reason)}
	if b.Hint != "" {
		notes = append(notes, field("", "hint", b.Hint, session.Span{}, "").Classed(session.Elsewhere))
	}
	return notes
}

// doorRefs are where the ways in are specified.
var doorRefs = map[string]string{"SOCKS5": "RFC 1928 §4", "HTTP CONNECT": "RFC 9110 §9.3.6", "PROXY": "PROXY protocol §2"}

// door says how the client came.
func door(b session.RelayDoor) []session.Note {
	n := alarm(session.Info, doorRefs[b.Door], "%s", b.Words())
	switch {
	case b.Failed:
		n.Severity = session.Error
		n.Text += "; xmppscope ends the connection"
	case b.Reason != "":
		n.Severity = session.Notice
	}
	return []session.Note{n}
}

// limit says what the run has no more of, or that it has again.
func limit(b session.RelayLimit) []session.Note {
	severity := session.Warning
	if b.Over {
		severity = session.Info
	}
	notes := []session.Note{alarm(severity, "", "%s", b.Reason)}
	if b.Hint != "" {
		notes = append(notes, field("", "hint", b.Hint, session.Span{}, "").Classed(session.Elsewhere))
	}
	return notes
}

func alarm(sev session.Severity, ref, format string, args ...any) session.Note {
	n := decode.Say(sev, session.Span{}, format, args...)
	n.Ref = cmp.Or(ref, decode.Unspecified)
	return n
}

// dropped is T05 or X11 by what it was that stood where TLS has to begin.
func dropped(e *session.Event, b session.RelayDropped, who string) session.Note {
	n := alarm(session.Error, "RFC 6120 §5.4.3.1", "xmppscope did not pass on %s from the %s: %s", session.Plural(int(e.Size), "byte"), who, b.Reason)
	n.Span = session.Span{End: len(e.Raw)}
	switch text := bytes.TrimSpace(e.Raw); {
	case len(text) == 0 && len(e.Raw) > 0:
		n.Rule, n.Ref, n.Severity = "X11", "RFC 6120 §5.3.3", session.Notice // see whitespace.go
	case bytes.HasPrefix(text, []byte("</")): // it gives up: no one slips anything in
		n.Severity = session.Warning
	default:
		n.Rule = "T05"
	}
	return n
}

// serverAt names a server by its address, which may not be known.
func serverAt(target string) string {
	if target == "the server" {
		return target
	}
	return "the server at " + decode.Quote(target)
}
