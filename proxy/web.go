package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// XMPP may come in HTTP: by WebSocket (RFC 7395) or BOSH (XEP-0124). What the two sides say
// is passed on as it came; only the host has to be known, and that there is no stream header
// to wait for.

// portHTTP and portHTTPS are those that a URL has when it names none.
const (
	portHTTP  = 80
	portHTTPS = 443
)

// requestIn is the request of HTTP that p begins with, and how long its head is: 0 where that is
// not whole yet.
func requestIn(p []byte) (req *http.Request, size int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, 0, nil
	}
	size = end + len("\r\n\r\n")
	req, err = http.ReadRequest(bufio.NewReader(bytes.NewReader(p[:size])))
	return req, size, err
}

// webConnect connects to the host of a request.
func webConnect(head session.HTTPRequest) Connect {
	c := Connect{Web: true}
	host, port, err := net.SplitHostPort(head.Host)
	if err != nil {
		host, port = head.Host, strconv.Itoa(portHTTP)
	}
	n, _ := strconv.Atoi(port)
	if named, err := namedAt(host, n, "the request's Host"); err == nil {
		c.Domain, c.Named = named.Host, named
	}
	return c
}

// excuseWeb answers a request in the server's place.
func (r *Relay) excuseWeb() {
	r.say(&Sending{Dir: session.S2C, XML: status(http.StatusBadGateway, "the server cannot be reached"), Reason: fmt.Sprintf("the server could not be reached, so the client is told %d", http.StatusBadGateway)})
	r.close(ourselves)
}

// webHost is the host of a server that was given as a URL, "" if it was not. TLS there is
// that of the host, whatever the account's domain (RFC 7395 §3.9).
func (r *Resolver) webHost() string {
	if r.Upstream != nil && r.Upstream.Web {
		return r.Upstream.Host
	}
	return ""
}

// webHost is the host of a target that a peer has given as a URL.
func (t Target) webHost() string {
	if t.Web && !t.Given {
		return t.Host
	}
	return ""
}

// directRequest is what a client asks for that begins with TLS: XMPP of a domain, or, where
// its ALPN says so, the web server of a host.
func directRequest(sni string, early []byte) Request {
	q := Request{Domain: sni, Direct: true}
	hello, _ := tlsintercept.ReadHello(early)
	if hello == nil || !slices.ContainsFunc(hello.SupportedProtos, isALPNWeb) || slices.ContainsFunc(hello.SupportedProtos, isALPN) {
		return q
	}
	q.Web = true
	if named, err := namedAt(sni, portHTTPS, "the client's SNI"); err == nil {
		q.Named = named
	}
	return q
}

// isALPN says whether a protocol of ALPN is XMPP (XEP-0368 §2), and isALPNWeb whether it is
// HTTP.
func isALPN(p string) bool    { return strings.HasPrefix(p, "xmpp-") }
func isALPNWeb(p string) bool { return strings.HasPrefix(p, "http/") || p == "h2" }
