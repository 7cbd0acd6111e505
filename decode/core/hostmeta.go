package core

import (
	"net/url"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// hostMeta explains a host-meta: where a client finds WebSocket and BOSH, and H07.
func hostMeta(s *decode.Seen) (notes []session.Note) {
	text := strings.TrimSpace(string(s.Event.Raw))
	inJSON := strings.HasPrefix(text, "{")
	if s.Event.Dir != session.S2C || inJSON && !strings.Contains(text, `"links"`) || !inJSON && !strings.Contains(text, "<XRD") {
		return nil
	}
	links, err := decode.ReadHostMeta([]byte(text), inJSON)
	switch {
	case err != nil && inJSON: // it may be something else
		return nil
	case err != nil:
		return []session.Note{decode.Breach("H07", session.Span{}, "a host-meta that is no well-formed XML: no client finds anything in it")}
	}
	found := 0
	for _, l := range links {
		what, schemes := "", ""
		switch l.Rel {
		case decode.RelWebSocket:
			what, schemes = "websocket", "wss ws"
		case decode.RelBOSH:
			what, schemes = "bosh", "https http"
		default:
			continue
		}
		found++
		notes = append(notes, field("XEP-0156 §3", what, l.Href, session.Span{}, "where the domain says that a client finds it"+s.State.Elsewhere(true)).Classed(session.Detail))
		u, err := url.Parse(l.Href)
		switch {
		case err != nil || u.Host == "" || !strings.Contains(" "+schemes+" ", " "+u.Scheme+" "):
			notes = append(notes, decode.Breach("H07", session.Span{}, "%s is no address of %s: it has to begin with %s://", decode.Quote(l.Href), what, strings.ReplaceAll(schemes, " ", ":// or ")))
		case u.Scheme == "ws" || u.Scheme == "http":
			notes = append(notes, decode.Finding("H07", "XEP-0156 §6", session.Warning, session.Span{}, "%s has no TLS: pages of https may not go there, and clients should not", decode.Quote(l.Href)))
		}
	}
	if found == 0 {
		notes = append(notes, decode.Breach("H07", session.Span{}, "the host-meta leads nowhere: it has no link to XMPP over WebSocket or BOSH"))
	}
	return notes
}
