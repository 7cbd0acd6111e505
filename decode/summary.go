package decode

import (
	"fmt"
	"strings"

	"xmppscope/session"
)

// summarise says an event in one line for a person. It may hold text from the
// wire, never a secret.
func summarise(s *Seen) string {
	e := s.Event
	switch b := e.Body.(type) {
	case session.TCPOpened:
		if e.Leg == session.ClientLeg {
			return "client connected from " + b.Peer + captured(b)
		}
		if b.Target == b.Peer {
			return "connected to the server " + b.Peer
		}
		return "connected to the server " + join(b.Target, paren(b.Peer))
	case session.DNSAnswered:
		return session.Clip(b.Words(), 160)
	case session.TCPTried:
		return b.Words()
	case session.TCPFailed:
		return fmt.Sprintf("cannot reach %s: %s", b.Target, b.Reason)
	case session.TCPHalfClosed:
		return who(e.Dir) + " sent TCP FIN"
	case session.TCPClosed:
		side := strings.TrimSuffix(leg(s, "side"), " ")
		if side != "" && b.Reason != "" {
			side += ":"
		}
		return join(b.By+" closed the connection", paren(join(side, b.Reason)))
	case session.TLSEstablished:
		return join(leg(s, "leg: ")+b.Version, b.Suite, verdict(b.Verdict))
	case session.TLSLocked:
		return "TLS that cannot be decrypted: " + b.Reason
	case session.TLSFailed:
		return b.Reason
	case interface{ Words() string }: // of HTTP, and of how a client came
		return session.ShortLine(b.Words())
	case session.RelayOpaque:
		return fmt.Sprintf("%s is no longer understood: %s", from(e.Dir), b.Reason)
	case session.RelayDropped:
		return "dropped: " + b.Reason
	case session.RelaySent:
		return "sent by xmppscope: " + b.Reason
	case session.RelayEdited:
		return join(b.Reason, paren(b.By))
	case session.RelayBent:
		return join(b.Reason, paren(b.By))
	case session.RelayTimeout:
		return fmt.Sprintf("%s for %s", b.Waiting, session.ShortTime(b.After))
	case session.RelayVerdict:
		return session.VerdictSummary
	case session.RelayLimit:
		return b.Reason
	case session.LogLost:
		return b.Words(e.Dir)
	case session.RelayBacklog:
		return fmt.Sprintf("explaining was %s behind", session.ShortTime(b.Behind))
	case session.StreamOpened:
		return header(s.Root)
	case session.StreamClosed:
		return who(e.Dir) + " closes its stream"
	case session.StreamWhitespace:
		return "white space"
	case session.StreamPartial:
		return fmt.Sprintf("cut off after %d bytes", e.Size)
	case session.StreamRaw:
		return fmt.Sprintf("%d bytes that are no element", e.Size)
	}
	if s.Root == nil {
		return ""
	}
	return session.Clip(element(s), 160)
}

// captured says what a capture of one wire has of the connection.
func captured(b session.TCPOpened) string {
	switch {
	case b.Joined:
		return " to " + b.Local + " (the capture begins in the middle)"
	case b.Captured:
		return " to " + b.Local
	}
	return ""
}

// leg names the leg of an event, where there are two.
func leg(s *Seen, behind string) string {
	if s.State.Captured {
		return ""
	}
	return s.Event.Leg.String() + " " + behind
}

func who(d session.Dir) string { return "the " + d.Sender() }

func from(d session.Dir) string { return "what " + who(d) + " sends" }

func paren(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

// join joins what is not empty with spaces.
func join(parts ...string) string {
	var room [200]byte
	b := room[:0]
	for _, p := range parts {
		b = appendWord(b, p)
	}
	return string(b)
}

// appendWord adds what is not empty, behind a space.
func appendWord(b []byte, s string) []byte {
	if len(b) > 0 && s != "" {
		b = append(b, ' ')
	}
	return append(b, s...)
}

func verdict(v *session.Verification) string {
	switch {
	case v == nil || v.Severity() < session.Warning:
		return ""
	case v.Ignored:
		return "(certificate NOT valid, ignored: " + v.Problem + ")"
	}
	return "(certificate not valid: " + v.Problem + ")"
}

func header(root *session.Element) string {
	if root == nil {
		return "a stream header that cannot be read"
	}
	var parts []string
	for _, name := range []string{"to", "from", "id"} {
		if v := root.Attr(name); v != "" {
			parts = append(parts, name+" "+session.Clip(v, 60))
		}
	}
	return strings.Join(parts, ", ")
}

func element(s *Seen) string {
	root := s.Root
	if s.IsStanza() {
		return stanza(s)
	}
	switch root.Name.Space {
	case NSStreams:
		if root.Name.Local == "features" {
			return features(root)
		}
		return condition(root)
	case NSSASL, NSSASL2:
		return sasl(s)
	case NSDialback:
		return join(root.Name.Local, session.Clip(root.Attr("type"), 20), "from", session.Clip(root.Attr("from"), 60), "to", session.Clip(root.Attr("to"), 60))
	case NSSM2, NSSM3:
		return join(managed(root.Name.Local), attrs(root, "h", "resume", "max"))
	}
	return root.Name.Local
}

// managed says in words what the elements of stream management are whose names are
// one letter (XEP-0198 §4).
func managed(name string) string {
	switch name {
	case "r":
		return "asks for an acknowledgement"
	case "a":
		return "acknowledges"
	}
	return name
}

func sasl(s *Seen) string {
	root := s.Root
	switch root.Name.Local {
	case "auth", "authenticate":
		user := s.Event.User()
		if user != "" {
			user = "as " + session.Clip(user, 60)
		}
		return join(session.Clip(root.Attr("mechanism"), 40), user)
	case "failure":
		return condition(root)
	case "success":
		return session.Clip(s.State.Mechanism, 40)
	}
	return join(root.Name.Local, session.Clip(s.State.Mechanism, 40))
}

// condition is the defined condition of an error with its text.
func condition(root *session.Element) string {
	var name, text string
	for c := range root.Elements() {
		if c.Name.Local == "text" {
			text = session.Clip(c.Text(), 80)
		} else if name == "" {
			name = c.Name.Local
		}
	}
	if name == "" {
		name = "no condition"
	}
	if text != "" {
		text = fmt.Sprintf("(%q)", text)
	}
	return join(name, text)
}

func features(root *session.Element) string {
	var out []string
	for c := range root.Elements() {
		name := c.Name.Local
		switch {
		case IsSASL(c.Name.Space):
			var list []string
			for m := range c.Elements() {
				if m.Name.Local == "mechanism" {
					list = append(list, session.Clip(m.Text(), 40))
				}
			}
			name = strings.Join(list, " ")
			if c.Name.Space == NSSASL2 {
				name = "SASL2 " + name
			}
		case c.Child("", "required") != nil:
			name += " (required)"
		}
		out = append(out, name)
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func attrs(root *session.Element, names ...string) string {
	var out []string
	for _, n := range names {
		if v := root.Attr(n); v != "" {
			out = append(out, n+"="+session.Clip(v, 40))
		}
	}
	return strings.Join(out, " ")
}

func stanza(s *Seen) string {
	root := s.Root
	side, peer := "from", root.Attr("from")
	if s.Event.Dir == session.C2S {
		side, peer = "to", root.Attr("to")
	}
	if peer == "" {
		side = ""
	}
	var answer, what, space string
	var body *session.Element
	switch {
	case root.Attr("type") == "error":
		if err := root.Child("", "error"); err != nil {
			what = condition(err)
		}
	case root.Name.Local == "message":
		body = root.Child("", "body")
		if c := root.First(); c != nil && body == nil {
			what = c.Name.Local
		}
	case root.Name.Local == "presence":
		if show := root.Child("", "show"); show != nil {
			what = session.Clip(show.Text(), 20)
		}
	default:
		if jid, ok := s.Event.Field("jid"); ok && s.Event.Step != nil {
			return session.Clip(jid, 80)
		}
		if c := root.First(); c != nil {
			what, space = c.Name.Local, c.Name.Space
		} else if s.Request != nil {
			answer, what, space = "for", s.Request.Payload.Local, s.Request.Payload.Space
		}
	}
	var room [200]byte
	b := appendWord(room[:0], root.Name.Local)
	for _, word := range [...]string{root.Attr("type"), answer, what} {
		b = appendWord(b, word)
	}
	if body != nil {
		b, _ = appendVerb(append(b, ' '), 'q', session.Clip(body.Text(), 60))
	}
	if s := short(space); s != "" {
		b = append(append(append(b, " ("...), s...), ')')
	}
	return string(appendWord(appendWord(b, side), session.Clip(peer, 60)))
}

// short is the telling part of a namespace.
func short(space string) string {
	for _, prefix := range []string{"urn:ietf:params:xml:ns:", "http://jabber.org/protocol/", "urn:xmpp:"} {
		if rest, ok := strings.CutPrefix(space, prefix); ok {
			return session.Clip(rest, 40)
		}
	}
	return session.Clip(space, 40)
}
