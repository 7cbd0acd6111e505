package proxy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"xmppscope/session"
)

// connect is an HTTP proxy's CONNECT (RFC 9110 §9.3.6).
type connect struct{}

func isCONNECT(p []byte) (yes, wait bool) { return beginsWith(p, "CONNECT ") }

func (connect) next(p []byte) (step, bool) {
	req, end, err := requestIn(p)
	if end == 0 {
		return step{}, false
	}
	if err != nil {
		return badRequest("its request cannot be read: " + session.ShortLine(err.Error()))
	}
	named, user, err := readCONNECT(req)
	if err != nil {
		return badRequest(err.Error())
	}
	return step{read: end, named: named, said: session.RelayDoor{Target: named.String(), User: user}}, true
}

func badRequest(reason string) (step, bool) {
	return refused(status(http.StatusBadRequest, reason), reason)
}

// readCONNECT reads whom a request asks for, and who it says is asking.
func readCONNECT(req *http.Request) (named *Named, user string, err error) {
	host, port, err := net.SplitHostPort(req.RequestURI)
	if err != nil {
		return nil, "", fmt.Errorf("CONNECT has to name HOST:PORT, and names %q (RFC 9110 §9.3.6)", session.ShortLine(req.RequestURI))
	}
	n, _ := strconv.Atoi(port)
	named, err = namedAt(host, n, "HTTP CONNECT")
	if scheme, value, _ := strings.Cut(req.Header.Get("Proxy-Authorization"), " "); strings.EqualFold(scheme, "basic") {
		login, _ := base64.StdEncoding.DecodeString(value)
		user, _, _ = strings.Cut(string(login), ":")
	}
	return named, user, err
}

func (connect) reached(failed error) []byte {
	var no *refusal
	switch {
	case failed == nil:
		return []byte("HTTP/1.1 200 Connection established\r\n\r\n")
	case errors.As(failed, &no):
		return status(http.StatusForbidden, failed.Error())
	}
	return status(http.StatusBadGateway, failed.Error())
}

// status is a whole answer, with its reason for a person.
func status(code int, reason string) []byte {
	text := "xmppscope: " + session.SafeLine(reason) + "\n"
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		code, http.StatusText(code), len(text), text)
}
