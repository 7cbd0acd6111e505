package peertest

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestClientCutsTLS: OpenSSL answers an end without close_notify with an alert, which is told as
// what it is: an answer.
func TestClientCutsTLS(t *testing.T) {
	s := xmpptest.StartProsody(t)
	scope := startScope(t, s.StartTLS, s.CAFile)
	a, err := connect(scope.Addr, &tls.Config{InsecureSkipVerify: true, ServerName: xmpptest.PeerDomain})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.do(secure(xmpptest.PeerDomain)); err != nil {
		t.Fatal(err)
	}
	if err := a.conn.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	a.act("hold")
	a.conn.Close()
	scope.until(t, "the end of the server's leg", 1, func(e *event) bool { return e.Kind == "tcp:closed" && e.Leg == "server" })
	for _, e := range scope.stop(t).events {
		if e.Kind == "tcp:closed" && e.Leg == "server" && (!strings.Contains(e.Detail.Reason, "it answers the end of the client, which came without close_notify, with the TLS alert decode_error (50)") || strings.Contains(e.Summary, "error decoding")) {
			t.Errorf("%+v", e)
		}
	}
}
