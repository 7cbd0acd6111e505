package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/coder/websocket"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

// Web is a way in over HTTP that the domain's host-meta names (XEP-0156).
type Web struct {
	Kind   string   `json:"kind"` // "WebSocket", "BOSH"
	URL    string   `json:"url"`
	Named  []string `json:"named"` // by which documents: "host-meta", "host-meta.json"
	Failed string   `json:"failed,omitempty"`
	Offers *Offers  `json:"offers,omitempty"`
}

const (
	maxDocument = 256 << 10
	refMeta     = "XEP-0156 §3"
)

// web looks for ways in over HTTP, and at each of them.
func (d *doctor) web(ctx context.Context) {
	if d.Domain.IsIP() {
		return
	}
	documents := []string{"host-meta", "host-meta.json"}
	named := make([][]decode.MetaLink, len(documents)) // nil where there is none
	each(documents, func(i int, name string) { named[i] = d.document(ctx, name) })
	var found []Web
	for i, doc := range documents {
		for _, l := range named[i] {
			kind := map[string]string{decode.RelWebSocket: "WebSocket", decode.RelBOSH: "BOSH"}[l.Rel]
			if kind == "" {
				continue
			}
			same := false
			for i := range found {
				if found[i].Kind == kind && found[i].URL == l.Href {
					found[i].Named, same = append(found[i].Named, doc), true
				}
			}
			if !same && len(found) < mostAddresses {
				found = append(found, Web{Kind: kind, URL: l.Href, Named: []string{doc}})
			}
		}
	}
	if named[0] != nil && named[1] != nil {
		for _, w := range found {
			if len(w.Named) == 1 {
				d.report.wrong(session.Notice, w.URL, refMeta, "let both documents name the same", "only %s names this way in: clients read the one or the other", w.Named[0])
			}
		}
	}
	each(found, func(i int, w Web) { found[i] = d.entrance(ctx, w) })
	d.report.Web = found
}

// document fetches one that may name ways in; nil if there is none.
func (d *doctor) document(ctx context.Context, name string) []decode.MetaLink {
	ctx, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	where := "https://" + d.Domain.ASCII + "/.well-known/" + name
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err != nil {
		return nil
	}
	answer, err := d.client().Do(req)
	if err != nil {
		if trouble := certificateTrouble(err); trouble != "" {
			d.report.wrong(session.Warning, where, refMeta, "give the web server a certificate for the domain", "clients that look for ways in over HTTP cannot read this: %s", trouble)
		}
		return nil // nobody has to have one
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument))
	if err != nil {
		return nil
	}
	links, err := decode.ReadHostMeta(body, strings.HasSuffix(name, ".json"))
	if err != nil {
		d.report.wrong(session.Warning, where, refMeta, "look at the document", "it cannot be read: %s", session.ShortLine(err.Error()))
		return nil
	}
	for _, l := range links {
		if l.Rel != decode.RelWebSocket && l.Rel != decode.RelBOSH {
			continue
		}
		if answer.Header.Get("Access-Control-Allow-Origin") != "*" {
			d.report.wrong(session.Warning, where, refMeta, "send the header Access-Control-Allow-Origin: * with it", "clients in browsers of other sites may not read this (no Access-Control-Allow-Origin)")
			break
		}
	}
	return append([]decode.MetaLink{}, links...)
}

// client speaks HTTP as clients do, to hosts as the resolver finds them.
func (d *doctor) client() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:       d.dial,
			TLSClientConfig:   &tls.Config{RootCAs: d.TLS.Roots},
			DisableKeepAlives: true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= 5 {
				return errors.New("it leads on and on")
			}
			if req.URL.Scheme != "https" {
				return errors.New("it leads to http, without TLS")
			}
			return nil
		},
	}
}

// dial connects to a host of the web.
func (d *doctor) dial(ctx context.Context, _, address string) (net.Conn, error) {
	target, ok := d.Resolver.Ports[address]
	if !ok {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		target = proxy.Target{Host: host, Port: n}
	}
	conn, _, err := d.to(target).Dial(ctx, proxy.Request{}, func(session.Seen) {})
	return conn, err
}

// entrance looks at one way in.
func (d *doctor) entrance(ctx context.Context, w Web) Web {
	ctx, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "":
		w.Failed = "it is no address"
	case w.Kind == "WebSocket" && u.Scheme != "wss" && u.Scheme != "ws", w.Kind == "BOSH" && u.Scheme != "https" && u.Scheme != "http":
		w.Failed = fmt.Sprintf("the scheme %q is none of a %s", u.Scheme, w.Kind)
	default:
		if u.Scheme == "ws" || u.Scheme == "http" {
			d.report.wrong(session.Error, w.URL, "RFC 7395 §4", "name the address with TLS: "+u.Scheme+"s://", "this way in is without TLS: all that is said can be read on the way, and pages that came over https may not use it")
		}
		look := d.bosh
		if w.Kind == "WebSocket" {
			look = d.webSocket
		}
		w.Offers, err = look(ctx, w.URL)
	}
	if err != nil && w.Failed == "" {
		w.Failed = webTrouble(err)
	}
	if w.Failed != "" {
		w.Failed = session.SafeLine(w.Failed)
		d.report.wrong(session.Error, w.URL, refMeta, "let the address lead to the server, or take it out of "+strings.Join(w.Named, " and "), "the %s that the domain names cannot be used: %s", w.Kind, w.Failed)
	}
	return w
}

// webSocket opens a stream as RFC 7395 has it.
func (d *doctor) webSocket(ctx context.Context, at string) (*Offers, error) {
	c, answer, err := websocket.Dial(ctx, at, &websocket.DialOptions{HTTPClient: d.client(), Subprotocols: []string{"xmpp"}})
	if err != nil {
		if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
			return nil, fmt.Errorf("the server answers %s where it should switch to WebSocket", answer.Status)
		}
		return nil, err
	}
	defer c.CloseNow()
	c.SetReadLimit(maxSaid)
	if c.Subprotocol() != "xmpp" {
		d.report.wrong(session.Error, at, "RFC 7395 §3.1", "let the server agree to the subprotocol", "the server does not agree to the subprotocol \"xmpp\": clients hang up")
	}
	open := fmt.Sprintf("<open xmlns='%s' to='%s' version='1.0'/>", decode.NSFraming, session.EscapeXML(d.Domain.Unicode))
	if err := c.Write(ctx, websocket.MessageText, []byte(open)); err != nil {
		return nil, err
	}
	for range 10 {
		_, message, err := c.Read(ctx)
		if err != nil {
			return nil, err
		}
		if o, err := webOffers(message); o != nil || err != nil {
			return o, err
		}
	}
	return nil, errors.New("it makes no offers")
}

// bosh asks for a session as XEP-0124 has it.
func (d *doctor) bosh(ctx context.Context, at string) (*Offers, error) {
	body := fmt.Sprintf("<body xmlns='%s' xmlns:xmpp='%s' rid='%d' to='%s' ver='1.6' xmpp:version='1.0' wait='1' hold='1' xml:lang='en'/>", decode.NSBOSH, decode.NSXBOSH, 1_000_000+d.now().UnixNano()%1_000_000, session.EscapeXML(d.Domain.Unicode))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	answer, err := d.client().Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s", answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument))
	if err != nil {
		return nil, err
	}
	o, err := webOffers(text)
	if o == nil && err == nil {
		err = errors.New("it makes no offers")
	}
	return o, err
}

// webOffers finds the features in what a server has sent, or why there are none; both are
// nil where they may come later.
func webOffers(text []byte) (*Offers, error) {
	root, _ := decode.Parse(text, nil)
	if root == nil {
		return nil, errors.New("what it answers is no XMPP")
	}
	for _, e := range append(root.Children(), root) {
		if e.Name.Space != decode.NSStreams {
			continue
		}
		switch e.Name.Local {
		case "features":
			return offersOf(e), nil
		case "error":
			why := "a stream error"
			if c := e.First(); c != nil {
				why += " (" + c.Name.Local + ")"
			}
			return nil, errors.New("it answers with " + why)
		}
	}
	switch root.Name.Local {
	case "open":
		return nil, nil
	case "body":
		if why, is := root.LookupAttr("condition"); is {
			return nil, fmt.Errorf("it ends the session at once (%s)", why)
		}
		return nil, nil
	}
	return nil, fmt.Errorf("it answers with <%s/>, which is no XMPP", root.Name.Local)
}

// certificateTrouble says what is wrong with a web server's certificate; "" if that is not it.
func certificateTrouble(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return "its certificate was issued by a CA that is not known here"
	case errors.As(err, &name):
		return fmt.Sprintf("its certificate is not valid for %q", name.Host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate is not valid now: " + invalid.Detail
	}
	return ""
}

// webTrouble says why HTTP did not work.
func webTrouble(err error) string {
	if text := certificateTrouble(err); text != "" {
		return text
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return "it did not answer in time"
	}
	return session.ShortLine(err.Error())
}
