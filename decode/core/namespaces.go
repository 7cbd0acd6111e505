package core

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-namespaces", Title: "Namespaces and prefixes", Ref: "RFC 6120 §4.8",
		New: func() decode.Explainer { return &namespaces{} },
	})
}

// namespaces knows the server's port, which tells what is spoken there.
type namespaces struct {
	port string
	told bool // that the content namespace is assumed
}

// Explain implements decode.Explainer.
func (n *namespaces) Explain(s *decode.Seen) []session.Note {
	switch b := s.Event.Body.(type) {
	case session.TCPOpened:
		if s.Event.Leg == session.ServerLeg {
			n.port = b.Peer[strings.LastIndexByte(b.Peer, ':')+1:]
		}
	case session.StreamOpened:
		if s.Root != nil {
			return n.header(s)
		}
	case session.StreamElement:
		if s.Root != nil {
			return slices.Concat(n.assumed(s), contentNamespace(s), prefixes(s))
		}
	}
	return nil
}

// header is S02, S04 and S07.
func (n *namespaces) header(s *decode.Seen) (notes []session.Note) {
	root, who := s.Root, s.Event.Dir.Sender()
	switch {
	case root.Name.Space != decode.NSStreams: // S01 speaks of it
	case root.Name.Prefix == "":
		notes = append(notes, decode.Finding("S02", "RFC 6120 §4.8.2", session.Info, root.Tag,
			"the %s makes the streams namespace the default one, which is allowed, and rare: every stanza must declare its own", who))
	case root.Name.Prefix != "stream":
		notes = append(notes, decode.Breach("S02", root.Tag,
			"the %s uses the prefix %q for the streams namespace; many implementations know %q alone", who, root.Name.Prefix, "stream"))
	}
	if s.State.Header[s.Event.Dir].Framing != decode.Bare {
		return notes
	}
	notes = append(notes, n.content(s)...)
	return append(notes, declarations(s)...)
}

// portRoles are the registered ports.
var portRoles = map[string]string{"5222": decode.NSClient, "5269": decode.NSServer}

func (n *namespaces) content(s *decode.Seen) []session.Note {
	root, who := s.Root, s.Event.Dir.Sender()
	space := s.State.Header[s.Event.Dir].Content
	var at session.Span
	prefixed := false
	for _, a := range root.Attrs {
		if a.Name.Prefix == "" && a.Name.Local == "xmlns" {
			at = a.Span
		}
		prefixed = prefixed || a.Name.Prefix == "xmlns" && a.Value != "" && decode.IsContentNS(a.Value)
	}
	expected := portRoles[n.port]
	switch {
	case space == "" && !prefixed:
		// A MUST, but Riot's clients and servers live without one.
		return []session.Note{decode.Finding("S04", "RFC 6120 §4.8.3", session.Notice, root.Tag, "the %s's header declares no content namespace, such as %q", who, decode.NSClient)}
	case space == "", space == decode.NSStreams:
		return nil
	case !decode.IsContentNS(space):
		return []session.Note{decode.Breach("S04", at,
			"the %s's content namespace is %q; it is %q to a server, and %q between servers", who, space, decode.NSClient, decode.NSServer)}
	case expected != "" && space != expected && (space == decode.NSClient || space == decode.NSServer):
		return []session.Note{decode.Breach("S04", at,
			"the %s's content namespace is %q, but port %s is for %q", who, space, n.port, expected)}
	}
	return nil
}

// declarations is S07. It is a notice, not a warning: jabberd2 and others declare
// what they use at the first level (xmlns:ack), and nothing breaks.
func declarations(s *decode.Seen) (notes []session.Note) {
	for _, a := range s.Root.Attrs {
		if a.Name.Prefix != "xmlns" || a.Value == "" {
			continue
		}
		switch {
		case a.Value == decode.NSDialback, strings.HasPrefix(a.Value, "http://www.w3.org/"), decode.IsContentNS(a.Value), a.Value == s.Root.Name.Space:
		default:
			notes = append(notes, decode.Breach("S07", a.Span,
				"the %s's header declares %q for what comes later; elements should declare their namespaces themselves", s.Event.Dir.Sender(), a.Value))
		}
	}
	return notes
}

// assumed says once that what a stream header would have told is not known.
func (n *namespaces) assumed(s *decode.Seen) []session.Note {
	if n.told || s.State.Assumed == "" || s.Root.Name.Space != s.State.Assumed || s.Root.Attr("xmlns") != "" {
		return nil
	}
	n.told = true
	return []session.Note{decode.Say(session.Notice, s.Root.Tag,
		"the stream header is not in the recording: what declares no namespace, such as this %s, is taken to be in %q", s.Root.Name.Local, s.State.Assumed)}
}

// contentNamespace is S05.
func contentNamespace(s *decode.Seen) []session.Note {
	head := s.State.Header[s.Event.Dir]
	if head == nil || !s.IsStanza() || head.Content == "" || !decode.IsContentNS(head.Content) || s.Root.Name.Space == head.Content {
		return nil
	}
	sev := session.Error
	if roleOf(s.State) == componentStream {
		sev = session.Notice // Cisco's routers mix jabber:client in, and components live with it
	}
	return []session.Note{decode.Finding("S05", "RFC 6120 §4.8.3", sev, s.Root.Tag,
		"the %s's %s is in the namespace %q, but its stream is for %q", s.Event.Dir.Sender(), s.Root.Name.Local, s.Root.Name.Space, head.Content)}
}

// prefixes is S06. Where the content namespace is not the default one, as with
// old servers of Google, a prefix is the only way to name it.
func prefixes(s *decode.Seen) []session.Note {
	head := s.State.Header[s.Event.Dir]
	if head == nil || !s.IsStanza() {
		return nil
	}
	if n := prefixed(s, head, s.Root); n != nil {
		return n
	}
	for c := range s.Root.Elements() {
		if n := prefixed(s, head, c); n != nil {
			return n
		}
	}
	return nil
}

func prefixed(s *decode.Seen, head *decode.Header, e *session.Element) []session.Note {
	if e.Name.Prefix == "" || e.Name.Space != s.Root.Name.Space || e.Name.Space == "" {
		return nil
	}
	sev, but := session.Error, "no prefix is allowed there"
	if head.Content != e.Name.Space {
		sev, but = session.Notice, "its stream has declared one in place of a default namespace"
	}
	return []session.Note{decode.Finding("S06", "RFC 6120 §4.8.5", sev, e.Tag, "the %s writes %s with a prefix: %s", s.Event.Dir.Sender(), decode.Quote(e.Name.Prefix+":"+e.Name.Local), but)}
}

// firstLevel are the namespaces whose elements may stand beside stanzas.
var firstLevel = []string{
	decode.NSStreams, decode.NSTLS, decode.NSSASL, decode.NSSASL2, decode.NSCompress, decode.NSSM2, decode.NSSM3,
	decode.NSDialback, "urn:xmpp:csi:0", "urn:xmpp:bidi", "urn:xmpp:features:bidi", "urn:xmpp:fast:0",
	"http://www.xmpp.org/extensions/xep-0198.html#ns", // XEP-0198, before it had a URN
	"p1:push", "p1:rebind", "p1:ack", "p1:pushed", "google:mobile:data",
}

// known says whether an element may stand at the first level.
func known(s *decode.Seen) bool {
	name := s.Root.Name
	return s.IsStanza() || slices.Contains(firstLevel, name.Space) ||
		name.Local == "handshake" && roleOf(s.State) == componentStream
}
