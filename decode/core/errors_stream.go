package core

import (
	"net/netip"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-stream-error", Title: "Stream errors", Ref: "RFC 6120 §4.9",
		Match: decode.Top(decode.NSStreams, "error"),
		New:   decode.Stateless(explainStreamError),
	})
}

// condition is what an error means and where to look.
type condition struct{ ref, meaning, cause string }

var streamConditions = map[string]condition{
	"bad-format":               {"RFC 6120 §4.9.3.1", "the XML could not be processed", "look at what was sent just before"},
	"bad-namespace-prefix":     {"RFC 6120 §4.9.3.2", "a prefix is missing, or not one that is accepted", "the stream's root has a prefix other than \"stream\", or a stanza has one"},
	"conflict":                 {"RFC 6120 §4.9.3.3", "another session of the same account stands in the way, or has taken this one's place", "the account logged in again with the same resource"},
	"connection-timeout":       {"RFC 6120 §4.9.3.4", "the other side is taken for dead", "pings or acknowledgements were not answered: a lost network, a device asleep"},
	"host-gone":                {"RFC 6120 §4.9.3.5", "the domain is not served here any more", "a DNS record is out of date, or the server has moved"},
	"host-unknown":             {"RFC 6120 §4.9.3.6", "the domain in \"to\" is not served here", "a typo in the domain, or a host name or address where the domain of the JID should be"},
	"improper-addressing":      {"RFC 6120 §4.9.3.7", "a stanza has no \"to\" or \"from\" where it needs one, or an address is no JID", "look at the addresses of the last stanza"},
	"internal-server-error":    {"RFC 6120 §4.9.3.8", "something broke inside the server", "its log will say what"},
	"invalid-from":             {"RFC 6120 §4.9.3.9", "\"from\" is not an address of whoever has logged in", "the client put in a foreign address, or the stream's \"from\" and the login differ"},
	"invalid-id":               {"RFC 3920 §4.7.3", "the stream or dialback id is not known", "a dialback answer for another stream"},
	"invalid-namespace":        {"RFC 6120 §4.9.3.10", "the stream's namespace or its default namespace is wrong", "a typo in the namespace, or jabber:server sent to the port for clients"},
	"invalid-xml":              {"RFC 6120 §4.9.3.11", "the XML is well-formed, but not valid here", "a wrong child or attribute, such as an iq type that does not exist"},
	"not-authorized":           {"RFC 6120 §4.9.3.12", "something was sent that needs a login first", "a stanza before the login was done, a wrong secret of a component, too many failed logins"},
	"not-well-formed":          {"RFC 6120 §4.9.3.13", "the XML is broken", "an unescaped & or <, a tag without an end, a control character, an undeclared prefix"},
	"xml-not-well-formed":      {"RFC 3920 §4.7.3", "the XML is broken", "an unescaped & or <, a tag without an end, a control character, an undeclared prefix"},
	"policy-violation":         {"RFC 6120 §4.9.3.14", "a local rule was broken", "a stanza too large, too many at once, TLS required, too many failed logins; text often says which"},
	"remote-connection-failed": {"RFC 6120 §4.9.3.15", "another server that is needed cannot be reached", "dialback or external authentication is down"},
	"reset":                    {"RFC 6120 §4.9.3.16", "the server wants the connection made anew", "its certificate or its required features have changed"},
	"resource-constraint":      {"RFC 6120 §4.9.3.17", "the server lacks the resources to go on", "limits on memory, connections or sessions"},
	"restricted-xml":           {"RFC 6120 §4.9.3.18", "XML was used that XMPP forbids", "a comment, a processing instruction, a DTD or an entity in the stream"},
	"see-other-host":           {"RFC 6120 §4.9.3.19", "the client should connect to another host", "load balancing, or the server has moved"},
	"system-shutdown":          {"RFC 6120 §4.9.3.20", "the server is going down", "a restart or maintenance"},
	"undefined-condition":      {"RFC 6120 §4.9.3.21", "none of the defined conditions fits", "the element beside it says more"},
	"unsupported-encoding":     {"RFC 6120 §4.9.3.22", "the stream is not in UTF-8", "another encoding in the XML declaration, or bytes that are not UTF-8"},
	"unsupported-feature":      {"RFC 6120 §4.9.3.23", "the other side lacks a feature that is required", "the server requires one that this client does not know"},
	"unsupported-stanza-type":  {"RFC 6120 §4.9.3.24", "an element at the first level is not understood", "a stanza in the wrong namespace, or an element where it does not belong yet"},
	"unsupported-version":      {"RFC 6120 §4.9.3.25", "this version of XMPP is not supported", "version is missing on the stream header, or odd"},
}

func explainStreamError(s *decode.Seen) (notes []session.Note) {
	who := s.Event.Dir.Sender()
	var defined []string
	for c := range s.Root.Elements() {
		switch {
		case c.Name.Local == "text" && c.Name.Space == decode.NSStreamError:
			notes = append(notes, field("RFC 6120 §4.9.2", "text", c.Text(), c.TextSpan(), "the "+who+"'s own words").Classed(session.Detail))
		case c.Name.Space == decode.NSStreamError:
			defined = append(defined, c.Name.Local)
			notes = append(notes, streamCondition(s.State, who, c)...)
		default:
			notes = append(notes, applicationCondition(c, "RFC 6120 §4.9.4"))
		}
	}
	if len(defined) != 1 {
		notes = append(notes, decode.Breach("S28", s.Root.Tag,
			"the %s's stream error has %s in its namespace (%s); it must have exactly one", who, session.Plural(len(defined), "condition"), decode.Quotes(defined)))
	}
	return notes
}

func streamCondition(state *decode.State, who string, c *session.Element) []session.Note {
	n := field("RFC 6120 §4.9.3", "condition", c.Name.Local, c.Span, "").Is(session.Word)
	n.Severity = session.Error
	known, ok := streamConditions[c.Name.Local]
	if !ok {
		n.Rule, n.Text = "S28", "the "+who+" ends the stream with a condition that is not defined"
		return []session.Note{n}
	}
	n.Ref, n.Text = known.ref, "the "+who+" ends the stream: "+known.meaning+" ("+known.cause+")"
	notes := []session.Note{n}
	if c.Name.Local == "see-other-host" {
		notes = append(notes, otherHost(state, who, c)...)
	}
	return notes
}

// otherHost is S29.
func otherHost(state *decode.State, who string, c *session.Element) (notes []session.Note) {
	const ref = "RFC 6120 §4.9.3.19"
	host := strings.TrimSpace(c.Text())
	if host != "" {
		notes = append(notes, field(ref, "see-other-host", host, c.TextSpan(), "where the client will connect next"+state.Elsewhere(true)).Is(session.Host))
	}
	if !validHost(host) {
		notes = append(notes, decode.Finding("S29", ref, session.Warning, c.Span, "the %s's other host is %q; it must be a host or address, with or without a port, and an IPv6 address must stand in brackets", who, host))
	}
	if state.InClear() {
		notes = append(notes, decode.Finding("S29", ref, session.Warning, c.Span, "the %s sends the client elsewhere without TLS: anyone on the way could have done so", who))
	}
	return notes
}

// validHost tests "host", "host:port", "[IPv6]" and "[IPv6]:port".
func validHost(v string) bool {
	host, port := v, ""
	switch i := strings.LastIndexByte(v, ':'); {
	case strings.HasPrefix(v, "["):
		inside, rest, closed := strings.Cut(v[1:], "]")
		ip, err := netip.ParseAddr(inside)
		if !closed || err != nil || !ip.Is6() || rest != "" && rest[0] != ':' {
			return false
		}
		if rest == "" {
			return true
		}
		host, port = "", rest[1:]
	case i >= 0:
		host, port = v[:i], v[i+1:]
		if host == "" || strings.Contains(host, ":") {
			return false
		}
	default:
		return host != "" && !strings.ContainsAny(host, " \t\r\n/@<>")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && !strings.ContainsAny(host, " \t\r\n/@<>")
}
