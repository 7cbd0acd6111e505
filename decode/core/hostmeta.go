package core

import (
	"encoding/json"
	"encoding/xml"
	"net/url"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// Relations of links in a host-meta that lead to XMPP (XEP-0156 §3).
const (
	relWebSocket = "urn:xmpp:alt-connections:websocket"
	relBOSH      = "urn:xmpp:alt-connections:xbosh"
)

// link is one of a host-meta (RFC 6415).
type link struct {
	Rel  string `xml:"rel,attr" json:"rel"`
	Href string `xml:"href,attr" json:"href"`
}

// hostMeta explains a host-meta: where a client finds WebSocket and BOSH, and H07.
func hostMeta(s *decode.Seen) (notes []session.Note) {
	raw := s.Event.Raw
	text := strings.TrimSpace(string(raw))
	var doc struct {
		XMLName xml.Name `xml:"XRD" json:"-"`
		Links   []link   `xml:"Link" json:"links"`
	}
	switch {
	case s.Event.Dir != session.S2C:
		return nil
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"links"`):
		if json.Unmarshal([]byte(text), &doc) != nil {
			return nil
		}
	case strings.Contains(text, "<XRD"):
		if xml.Unmarshal([]byte(text), &doc) != nil {
			return []session.Note{decode.Breach("H07", session.Span{}, "a host-meta that is no well-formed XML: no client finds anything in it")}
		}
	default:
		return nil
	}
	found := 0
	for _, l := range doc.Links {
		what, schemes := "", ""
		switch l.Rel {
		case relWebSocket:
			what, schemes = "websocket", "wss ws"
		case relBOSH:
			what, schemes = "bosh", "https http"
		default:
			continue
		}
		found++
		notes = append(notes, field("XEP-0156 §3", what, l.Href, session.Span{}, "where the domain says that a client finds it").Classed(session.Detail))
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
