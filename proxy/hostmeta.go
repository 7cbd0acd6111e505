package proxy

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// A web client finds WebSocket and BOSH by the domain's host-meta (XEP-0156 §3). Where it
// asks us for that, and it is known that XMPP in HTTP is behind us, it is told our address.

// metaLinks are those for a client whose request names a host; nil where the request is
// passed on. Secure says that the client has TLS, here where it has reached us.
func (r *Resolver) metaLinks(host string, secure bool, here string) []decode.MetaLink {
	t, at := r.Upstream, foundAt(host, here)
	if t == nil && at == host {
		name, _, _ := net.SplitHostPort(at)
		d, _ := idn.Parse(name)
		if known, ok := r.Overrides[d]; ok {
			t = &known
		}
	}
	switch {
	case t == nil || r.Allow != nil:
		return nil
	case r.Keep.paths(t) != nil: // the server's own have led here before
		return linksTo(at, secure, r.Keep.paths(t))
	case !t.Web:
		return nil
	case t.BOSH:
		return linksTo(at, secure, []decode.MetaLink{{Rel: decode.RelBOSH, Href: "/http-bind"}})
	}
	return linksTo(at, secure, []decode.MetaLink{{Rel: decode.RelWebSocket, Href: "/xmpp-websocket"}})
}

// linksTo are links with an address before their paths.
func linksTo(at string, secure bool, paths []decode.MetaLink) (out []decode.MetaLink) {
	for _, l := range paths {
		scheme := "ws"
		if l.Rel == decode.RelBOSH {
			scheme = "http"
		}
		if secure {
			scheme += "s"
		}
		out = append(out, decode.MetaLink{Rel: l.Rel, Href: scheme + "://" + at + l.Href})
	}
	return out
}

// foundAt is our address as a client's request names it, if it does: here where it has reached us,
// or the name by which it has found us.
func foundAt(host, here string) string {
	name, port, err := net.SplitHostPort(host)
	_, ours, _ := net.SplitHostPort(here)
	d, failed := idn.Parse(name)
	if n, _ := strconv.Atoi(port); err != nil || failed != nil || port != ours || n <= 0 {
		return here
	}
	return net.JoinHostPort(d.ASCII, port)
}

// keptLinks is for answers of the server to that: with --keep, of one that was given.
func (r *Resolver) keptLinks(host string, secure bool, here string, inJSON bool, body []byte) *keptMeta {
	return r.Keep.meta(sender{server: r.Upstream.Address()}, foundAt(host, here), secure, inJSON, body)
}

// metaRequest reads p, the first bytes of a client, as a request for a host-meta. It says
// wait where p may become one.
func metaRequest(p []byte) (req *http.Request, wait bool) {
	for _, method := range []string{http.MethodGet, http.MethodOptions} {
		yes, later := beginsWith(p, method+" "+session.MetaPath)
		if later {
			return nil, true
		}
		if !yes {
			continue
		}
		req, end, err := requestIn(p)
		if end == 0 {
			return nil, len(p) < maxDoor
		}
		if err != nil || !session.IsMeta(req.URL.Path) {
			return nil, false
		}
		return req, false
	}
	return nil, false
}

// answerMeta answers p, the client's first bytes, if it asks for a host-meta. It says
// whether that was done, or has to wait for more.
func (r *Relay) answerMeta(p []byte) (done, wait bool) {
	if r.meta == nil || r.named != nil {
		return false, false
	}
	req, wait := metaRequest(p)
	if req == nil {
		return false, wait
	}
	links := r.meta(req.Host, r.secured)
	if links == nil {
		return false, false
	}
	r.enter()
	r.held = nil
	r.do(Keep{session.C2S, bytes.Clone(p)})
	r.look(session.C2S, p)
	var words []string
	for _, l := range links {
		words = append(words, l.Href)
	}
	r.say(&Sending{Dir: session.S2C, XML: metaAnswer(req, links), Reason: "the client asks how a web client finds the server (" + strings.TrimPrefix(req.URL.Path, "/.well-known/") + "), and is led back here: " + strings.Join(words, ", "), By: "host-meta"})
	r.close(ourselves)
	return true, false
}

// metaAnswer is the whole answer to a request. Pages of any origin may read it (XEP-0156 §3.1).
func metaAnswer(req *http.Request, links []decode.MetaLink) []byte {
	var body []byte
	kind := "application/xrd+xml"
	switch {
	case req.Method == http.MethodOptions:
	case strings.HasSuffix(req.URL.Path, ".json"):
		kind = "application/json"
		body, _ = json.Marshal(map[string][]decode.MetaLink{"links": links}) // strings alone: it cannot fail
	default:
		body, _ = xml.Marshal(struct {
			XMLName xml.Name          `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
			Links   []decode.MetaLink `xml:"Link"`
		}{Links: links})
	}
	var b bytes.Buffer
	if req.Method == http.MethodOptions {
		b.WriteString("HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Methods: GET, OPTIONS\r\nAccess-Control-Allow-Headers: *\r\n")
	} else {
		fmt.Fprintf(&b, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n", kind, len(body))
	}
	b.WriteString("Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n")
	b.Write(body)
	return b.Bytes()
}

// early takes the client's first bytes inside TLS, which may ask for a host-meta.
func (r *Relay) early(p []byte) {
	r.first = append(r.first, p...)
	done, wait := r.answerMeta(r.first)
	switch {
	case done:
		r.first, r.looksEarly = nil, false
	case !wait:
		r.passEarly()
	}
}

// passEarly passes them on: they ask for something else.
func (r *Relay) passEarly() {
	first := r.first
	if r.first, r.looksEarly = nil, false; len(first) > 0 {
		r.pass(session.C2S, first)
	}
}
