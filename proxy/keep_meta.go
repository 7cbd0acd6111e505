package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// A host-meta that a server answers (XEP-0156 §3) leads web clients round us, by its links to
// WebSocket and BOSH, in XML or in JSON. With --keep they are led back here, and the next
// connections to where the links lead. Links to several servers cannot be told apart in TLS
// before one is connected to: those count that lead where the first one does.

// metaKeeping is an answer that is waited for, to be changed.
type metaKeeping struct {
	asked *http.Request // nil: none is waited for
	came  []byte
}

// keptMeta is what becomes of a host-meta.
type keptMeta struct {
	body []byte
	said string // in words
}

// meta changes a host-meta of the server that was given, which is to be remembered: it is asked
// for again, when connections are led elsewhere. Nil: nothing in it can be.
func (k *Keeper) meta(by sender, here string, secure, inJSON bool, body []byte) *keptMeta {
	links, err := decode.ReadHostMeta(body, inJSON)
	if err != nil || by.server == "" || here == "" {
		return nil
	}
	var to *Target
	var paths []decode.MetaLink
	anew := map[string]string{}
	var said, apart []string
	for _, l := range links {
		if l.Rel != decode.RelWebSocket && l.Rel != decode.RelBOSH {
			continue
		}
		u, err := url.Parse(l.Href)
		if err != nil {
			continue
		}
		t, err := ParseTarget(l.Href, "host-meta")
		if err != nil || !t.Web || t.BOSH != (l.Rel == decode.RelBOSH) {
			continue
		}
		if to != nil && (to.Address() != t.Address() || to.Direct != t.Direct) {
			apart = append(apart, l.Href)
			continue
		}
		if to == nil {
			t.Given, t.Via, t.Path, t.BOSH, t.Renamed = false, "the server's host-meta", "", false, true // by a peer
			to = &t
		}
		path := decode.MetaLink{Rel: l.Rel, Href: u.RequestURI()}
		paths = append(paths, path)
		anew[l.Href] = linksTo(here, secure, paths[len(paths)-1:])[0].Href
		said = append(said, session.ShortLine(l.Href))
	}
	if to == nil {
		return nil
	}
	k.lead(by, *to)
	k.remember(by, paths)
	kept := &keptMeta{body: withLinks(body, inJSON, anew), said: fmt.Sprintf("host-meta named %s, and the client is told %s in their place (--keep): xmppscope leads its next connection there", strings.Join(said, " and "), here)}
	if len(apart) > 0 {
		kept.said += "; it is led past xmppscope by " + session.ShortLine(strings.Join(apart, " and ")) + ", which is another server"
	}
	return kept
}

// remember notes to which paths clients of a server are led.
func (k *Keeper) remember(by sender, links []decode.MetaLink) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.led[by]; known { // which is bounded
		k.links[by] = links
	}
}

// paths are they, as links without an address; nil: none.
func (k *Keeper) paths(server *Target) []decode.MetaLink {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.links[sender{server: server.Address()}]
}

// withLinks is a host-meta with other addresses in its links.
func withLinks(body []byte, inJSON bool, anew map[string]string) []byte {
	if inJSON {
		var doc struct {
			Links []map[string]json.RawMessage `json:"links"`
		}
		json.Unmarshal(body, &doc) // it was read before
		for _, l := range doc.Links {
			var href string
			if json.Unmarshal(l["href"], &href) == nil && anew[href] != "" {
				to, _ := json.Marshal(anew[href]) // a string: it cannot fail
				body = bytes.ReplaceAll(body, l["href"], to)
			}
		}
		return body
	}
	from := bytes.Index(body, []byte("<XRD")) // behind the XML declaration
	root, _ := decode.Parse(body[max(from, 0):], nil)
	if from < 0 || root == nil {
		return body
	}
	type place struct {
		span session.Span
		text string
	}
	var places []place
	for l := range root.Elements() {
		if to := anew[l.Attr("href")]; l.Name.Local == "Link" && to != "" {
			places = append(places, place{l.AttrSpan("href"), session.EscapeXML(to)})
		}
	}
	head, doc := body[:from], body[from:]
	for _, p := range slices.Backward(places) {
		doc = p.span.Replaced(doc, p.text)
	}
	return slices.Concat(head, doc)
}

// asksMeta notes that the client asks for a host-meta, whose answer is to be changed.
func (r *Relay) asksMeta(q *session.HTTPRequest) {
	r.meeting = metaKeeping{}
	if r.keepMeta != nil && r.named == nil && q.Method == http.MethodGet && q.AsksWhere() {
		r.meeting.asked = &http.Request{Method: q.Method, URL: &url.URL{Path: q.Path()}, Host: q.Host}
	}
}

// keepsMeta takes what a server answers to that, until it is whole; over says that nothing
// more comes. What is not understood goes on as it came.
func (r *Relay) keepsMeta(p []byte, over bool) {
	m := &r.meeting
	m.came = append(m.came, p...)
	answer, rest, ok := wholeAnswer(m.came, m.asked, over)
	if !ok && !over && len(m.came) < maxHeld {
		return
	}
	came, asked := m.came, m.asked
	r.meeting = metaKeeping{}
	var kept *keptMeta
	if ok && answer.StatusCode == http.StatusOK {
		kept = r.keepMeta(asked.Host, r.secured, strings.HasSuffix(asked.URL.Path, ".json"), answer.body)
	}
	if kept == nil {
		r.passPlain(session.S2C, came)
		return
	}
	whole := came[:len(came)-rest]
	r.keep(session.S2C, whole)
	r.look(session.S2C, whole)
	sent := answer.with(kept.body)
	r.do(Record{session.Seen{Leg: session.ClientLeg, Dir: session.S2C, Origin: session.OriginSelf, Body: session.RelayEdited{Reason: kept.said, By: "--keep"}, Raw: sent, Size: int64(len(sent))}})
	r.put(session.S2C, bytes.Clone(sent))
	if rest > 0 {
		r.passPlain(session.S2C, came[len(whole):])
	}
}

// metaResponse is a whole answer.
type metaResponse struct {
	*http.Response
	body []byte
}

// wholeAnswer reads the answer that p begins with. Rest is how many bytes are behind it.
func wholeAnswer(p []byte, asked *http.Request, over bool) (a *metaResponse, rest int, ok bool) {
	from := bytes.NewReader(p)
	in := bufio.NewReader(from)
	answer, err := http.ReadResponse(in, asked)
	if err != nil || answer.Close && answer.ContentLength < 0 && len(answer.TransferEncoding) == 0 && !over { // it ends with the connection
		return nil, 0, false
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, 0, false
	}
	if answer.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, 0, false
		}
		if body, err = io.ReadAll(io.LimitReader(z, maxHeld)); err != nil {
			return nil, 0, false
		}
	}
	return &metaResponse{answer, body}, from.Len() + in.Buffered(), true
}

// with is the answer with another body, in the clear and with its length.
func (a *metaResponse) with(body []byte) []byte {
	for name := range framesBody {
		a.Header.Del(name)
	}
	a.TransferEncoding, a.ContentLength, a.Body = nil, int64(len(body)), io.NopCloser(bytes.NewReader(body))
	var b bytes.Buffer
	a.Write(&b)
	return b.Bytes()
}
