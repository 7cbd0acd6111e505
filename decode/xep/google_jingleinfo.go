package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsJingleInfo = "google:jingleinfo"

func init() {
	add(decode.Rule{
		ID: "google-jingleinfo", Title: "Google Talk STUN and relay servers", Ref: refGoogle,
		Match: decode.Payload(nsJingleInfo),
		New:   decode.Stateless(each(jingleInfo, nsJingleInfo)),
	})
}

// jingleInfo: a client asks once after login, and needs the answer for calls that
// have to pass NAT.
func jingleInfo(s *decode.Seen, q *session.Element) []session.Note {
	if s.Root.Attr("type") == "get" {
		return tell(refGoogle, q.Span, "the client asks Google for servers that help calls through NAT")
	}
	var notes []session.Note
	for c := range q.Elements() {
		what := map[string]string{"stun": "STUN servers, which tell a client its outer address", "relay": "relays, for calls that find no direct way"}[c.Name.Local]
		var hosts []string
		for srv := range c.Elements() {
			switch srv.Name.Local {
			case "server":
				hosts = append(hosts, srv.Attr("host"))
			case "token":
				notes = append(notes, relayToken(srv)...)
			}
		}
		if what != "" {
			notes = append(notes, decode.Explain(refGoogle, c.Tag, "%s: %s", what, listOr(hosts, "none")))
		}
	}
	return notes
}

// relayToken lets its owner use the relay, so it is a secret.
func relayToken(el *session.Element) []session.Note {
	if el.Text() == "" {
		return nil
	}
	n := field(refGoogle, "relay-token", el.Text(), el.TextSpan(), "what the client shows to the relay")
	n.Secret = "token"
	return []session.Note{n}
}
