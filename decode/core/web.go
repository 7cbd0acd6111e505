package core

import (
	"bytes"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-web", Title: "XMPP over WebSocket and BOSH", Ref: "RFC 7395 §3",
		Match: decode.NoStanza(),
		New:   func() decode.Explainer { return new(overHTTP) },
	})
}

// overHTTP follows a session that is carried by HTTP.
type overHTTP struct {
	asked  *session.HTTPRequest // the newest request for WebSocket
	secure bool                 // it was inside TLS
	agreed bool
	first  bool  // the client's first message has come
	bosh   *bosh // nil before the first body
}

// Explain implements decode.Explainer.
func (o *overHTTP) Explain(s *decode.Seen) []session.Note {
	switch b := s.Event.Body.(type) {
	case session.HTTPRequest:
		return o.request(s, &b)
	case session.HTTPResponse:
		return o.response(s, &b)
	case session.WebSocketFrame:
		return frame(s, &b)
	case session.HTTPBody:
		return httpBody(s, &b)
	case session.BOSHBody, session.StreamOpened, session.StreamElement, session.StreamClosed:
		if s.Root == nil {
			return nil
		}
		if s.Root.Name.Space == decode.NSBOSH && s.Root.Name.Local == "body" {
			if o.bosh == nil {
				o.bosh = new(bosh)
			}
			return o.bosh.body(s)
		}
		if s.Root.Name.Space == decode.NSBOSH && s.Root.Name.Local == "uri" { // of the condition see-other-uri
			return []session.Note{field("XEP-0124 §17.2", "see-other-uri", strings.TrimSpace(s.Root.Text()), s.Root.TextSpan(), "where the client will find the session"+s.State.Elsewhere(false)).Classed(session.Detail)}
		}
		if o.agreed {
			return o.message(s)
		}
		return nil
	}
	return nil
}

// secretHeaders are the fields whose values let others act for the client.
var secretHeaders = []string{"authorization", "proxy-authorization", "cookie", "set-cookie"}

// headSecrets marks what in a head of HTTP is a secret: fields, and the query of the target,
// which often is a token.
func headSecrets(raw []byte) (notes []session.Note) {
	at := 0
	for line := range bytes.Lines(raw) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		from := at + len(name) + 1
		switch text := strings.TrimSpace(string(value)); {
		case at == 0:
			if i := bytes.IndexByte(line, '?'); i >= 0 && !bytes.HasPrefix(line, []byte("HTTP/")) {
				if query, _, _ := bytes.Cut(line[i+1:], []byte(" ")); len(query) > 0 {
					notes = append(notes, secretField("query", string(query), session.Span{Start: i + 1, End: i + 1 + len(query)}))
				}
			}
		case ok && text != "" && slices.Contains(secretHeaders, strings.ToLower(string(name))):
			from += bytes.Index(value, []byte(text))
			notes = append(notes, secretField(strings.ToLower(string(name)), text, session.Span{Start: from, End: from + len(text)}))
		}
		at += len(line)
	}
	return notes
}

func secretField(name, value string, span session.Span) session.Note {
	n := field("RFC 9110 §11.6", name, value, span, "lets whoever has it act for the client").Classed(session.Elsewhere)
	n.Secret = "HTTP credentials"
	return n
}

func (o *overHTTP) request(s *decode.Seen, b *session.HTTPRequest) []session.Note {
	notes := headSecrets(s.Event.Raw)
	if b.Host != "" {
		notes = append(notes, field("RFC 9110 §7.2", "host", b.Host, session.Span{}, "the host that the client means").Is(session.JID).Classed(session.Detail))
	}
	if b.Origin != "" {
		notes = append(notes, field("RFC 6454 §7", "origin", b.Origin, session.Span{}, "the page in a browser that asks; servers may allow some alone").Classed(session.Detail))
	}
	if !b.WebSocket {
		return notes
	}
	o.asked, o.agreed, o.first = b, false, false
	o.secure = encrypted(s.State)
	notes = append(notes, decode.Explain("RFC 7395 §3.1", session.Span{}, "the client asks to go on in WebSocket, in which each message is one element of XMPP"))
	if !slices.Contains(b.Protocols, "xmpp") {
		notes = append(notes, decode.Breach("W02", session.Span{}, "the client does not ask for the WebSocket protocol %q, but for %s: a server cannot know that it speaks XMPP", "xmpp", decode.Quotes(b.Protocols)))
	}
	return notes
}

func (o *overHTTP) response(s *decode.Seen, b *session.HTTPResponse) []session.Note {
	notes := headSecrets(s.Event.Raw)
	switch {
	case b.Unasked:
		notes = append(notes, decode.Finding("", "RFC 9112 §9.2", session.Warning, session.Span{}, "the server answers where nothing was asked"))
	case b.WebSocket:
		o.agreed = true
		notes = append(notes, decode.Explain("RFC 7395 §3.1", session.Span{}, "the server agrees: the next byte in either direction belongs to WebSocket"))
		if o.asked != nil && slices.Contains(o.asked.Protocols, "xmpp") && !slices.Contains(b.Protocols, "xmpp") {
			notes = append(notes, decode.Breach("W02", session.Span{}, "the server agrees to WebSocket but not to the protocol %q (it has chosen %s): a client has to close the connection; something else than XMPP may answer at this address", "xmpp", decode.Quotes(b.Protocols)))
		}
		if b.Extensions != "" {
			notes = append(notes, field("RFC 6455 §9.1", "extensions", b.Extensions, session.Span{}, "what was agreed on besides").Classed(session.Detail))
		}
	case b.Asked:
		notes = append(notes, decode.Breach("W07", session.Span{}, "%s", o.refusedWords(b)))
	case b.Status >= 400:
		notes = append(notes, decode.Breach("H06", session.Span{}, "%s", statusWords(b)))
	case b.Status >= 300:
		notes = append(notes, decode.Finding("H06", "RFC 9110 §15.4", session.Notice, session.Span{}, "the server sends the client elsewhere (%d, to %s): what is asked there does not come through here unless it is this host and port", b.Status, decode.Quote(b.Location)))
	}
	return notes
}

// refusedWords say why a server may not have agreed to WebSocket.
func (o *overHTTP) refusedWords(b *session.HTTPResponse) string {
	words := "the server does not agree to WebSocket: it answers " + strconv.Itoa(b.Status) + " " + b.Text
	origin := o.asked != nil && o.asked.Origin != ""
	switch {
	case b.Status == 403 && origin:
		words += "; the request comes from the page of " + decode.Quote(o.asked.Origin) + ", and servers allow some origins alone (Prosody: consider_websocket_secure and cross_domain_websocket, ejabberd: websocket_origin)"
	case b.Status == 404 && o.asked != nil:
		words += "; nothing is at " + decode.Quote(o.asked.Target) + " of " + decode.Quote(o.asked.Host) + ": check the path, and that the module is loaded for this host (mod_websocket, ejabberd_http_ws)"
	case b.Status/100 == 3:
		words += ", to " + decode.Quote(b.Location) + "; clients of WebSocket do not follow that"
	case b.Status == 200:
		words += ", as a web server does that knows nothing of it: a proxy in front may not pass the Upgrade on"
	case b.Status == 400 || b.Status == 426 || b.Status == 501:
		words += "; a proxy in front may have taken Upgrade or Sec-WebSocket-Protocol out"
	case b.Status >= 500:
		words += "; what stands behind that web server is not there"
	}
	return words
}

// statusWords put an error of HTTP into words (XEP-0124 §17.1 for those of BOSH).
func statusWords(b *session.HTTPResponse) string {
	words := "the server answers " + strconv.Itoa(b.Status) + " " + b.Text
	switch b.Status {
	case 400:
		words += ": to BOSH it means that the request cannot be read or has unexpected values (bad-request)"
	case 403:
		words += ": to BOSH it means that the client breaks the rules of its session, such as by too many requests (policy-violation)"
	case 404:
		words += ": to BOSH it means that there is no such session, or that it has ended (item-not-found); else that nothing is at this path"
	case 502, 503, 504:
		words += ": what stands behind that web server is not there"
	}
	return words
}

func httpBody(s *decode.Seen, b *session.HTTPBody) []session.Note {
	if b.Problem != "" {
		return []session.Note{decode.Finding("", "RFC 9110 §8.4", session.Warning, session.Span{}, "a body that cannot be read: %s", b.Problem)}
	}
	return hostMeta(s)
}

// frame explains a control frame, or says what is the matter with others.
func frame(s *decode.Seen, b *session.WebSocketFrame) []session.Note {
	who := s.Event.Dir.Sender()
	switch {
	case b.Breach != "":
		return []session.Note{decode.Breach(b.Breach, session.Span{}, "%s", b.Problem)}
	case b.Problem != "":
		return []session.Note{decode.Finding("", "RFC 6455 §5.4", session.Notice, session.Span{}, "%s", b.Problem)}
	case b.Op == "close":
		n := decode.Explain("RFC 6455 §7.4", session.Span{}, "the %s closes the WebSocket%s", who, closeWords(b))
		if b.Code > 1001 {
			n.Severity = session.Warning
		}
		return []session.Note{n}
	case b.Op == "ping":
		return []session.Note{decode.Explain("RFC 7395 §3.8", session.Span{}, "the %s asks whether the other side is there; it keeps the connection alive too", who)}
	}
	return []session.Note{decode.Explain("RFC 6455 §5.5.3", session.Span{}, "the %s is there", who)}
}

// closeCodes are those of RFC 6455 §7.4.1.
var closeCodes = map[int]string{
	1000: "it is done", 1001: "it goes away", 1002: "the other broke the protocol", 1003: "it cannot take such data", 1007: "a message was not what it said to be, such as UTF-8",
	1008: "the other broke a rule of its own", 1009: "a message was too large", 1010: "an extension is missing", 1011: "something unexpected has happened to it",
}

func closeWords(b *session.WebSocketFrame) string {
	words := ""
	if b.Code > 0 {
		words += " with code " + strconv.Itoa(b.Code)
		if known := closeCodes[b.Code]; known != "" {
			words += ": " + known
		}
	}
	if b.Reason != "" {
		words += " (" + decode.Quote(b.Reason) + ")"
	}
	return words
}

// message is W03, W04 and W06, of what comes in messages of WebSocket.
func (o *overHTTP) message(s *decode.Seen) (notes []session.Note) {
	root, who := s.Root, s.Event.Dir.Sender()
	framing := root.Name.Space == decode.NSFraming
	if s.Event.Dir == session.C2S && !o.first {
		o.first = true
		if !framing || root.Name.Local != "open" {
			notes = append(notes, decode.Breach("W06", root.Tag, "the client begins with %q; it has to open the stream with <open xmlns='%s'/>", root.Name.Local, decode.NSFraming))
		}
	}
	switch {
	case root.Name.Space == decode.NSTLS:
		notes = append(notes, decode.Breach("W04", root.Tag, "the %s speaks of STARTTLS (%q) inside WebSocket, whose TLS is that of wss", who, root.Name.Local))
	case root.Name.Space == decode.NSStreams && root.Name.Local == "stream":
		notes = append(notes, decode.Breach("W04", root.Tag, "the %s opens the stream with <stream:stream>, as a draft before RFC 7395 had it; now it is <open/>", who))
	case root.Name.Local == "open" && !framing:
		notes = append(notes, decode.Breach("W06", root.Tag, "the %s's <open/> is in the namespace %q; it has to be in %q", who, root.Name.Space, decode.NSFraming))
	case framing && root.Name.Local == "close":
		notes = append(notes, o.closes(s)...)
	case framing && root.Name.Local == "open":
		notes = append(notes, decode.Explain("RFC 7395 §3.3.2", root.Tag, "<open/> stands for the stream header: in WebSocket each message is a document of its own"))
	}
	if bytes.HasPrefix(bytes.TrimLeft(s.Event.Raw, " \t\r\n"), []byte("<?xml")) {
		notes = append(notes, decode.Breach("W04", root.Tag, "the %s's message begins with an XML declaration, which has no place in WebSocket", who))
	}
	return notes
}

// closes explains the end of the stream, and is W03.
func (o *overHTTP) closes(s *decode.Seen) []session.Note {
	to := s.Root.Attr("see-other-uri")
	if to == "" {
		return nil
	}
	span := s.Root.AttrSpan("see-other-uri")
	notes := []session.Note{decode.Finding("", "RFC 7395 §3.6.1", session.Warning, span, "the server sends the client elsewhere, to %s%s", decode.Quote(to), s.State.Elsewhere(true)).Classed(session.Decides)}
	u, err := url.Parse(to)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "":
		notes = append(notes, decode.Breach("W03", span, "%s is no URI that a client could go to", decode.Quote(to)))
	case o.secure && u.Scheme != "wss" && u.Scheme != "https":
		notes = append(notes, decode.Breach("W03", span, "the connection has TLS, and %s has none: a client may not go there", decode.Quote(to)))
	}
	return notes
}

func attrOf(root *session.Element, space, local string) string {
	for i := range root.Attrs {
		if a := &root.Attrs[i]; a.Name.Local == local && a.Name.Space == space {
			return a.Value
		}
	}
	return ""
}
