package proxy

import (
	"strings"
	"testing"

	"crypto/tls"

	"xmppscope/session"
)

// TestBrokenTLSIsTheSenders: who sends what TLS cannot read is told of, and not the other side.
func TestBrokenTLSIsTheSenders(t *testing.T) {
	for said, want := range map[string]string{
		"\x17\x03\x03\x00\x20" + strings.Repeat("x", 32): "what it sent last is no TLS that can be read",
		"</stream:stream>": "what it sent last is not TLS",
	} {
		b := newBench(t, false, false)
		client, server := startTLSBoth(t, b)
		mustWrite(t, client.(*tls.Conn).NetConn(), said)
		server.Read(make([]byte, 1)) // until it has ended
		told := ""
		for _, e := range b.events() {
			if c, closed := e.Body.(session.TCPClosed); closed && e.Leg == session.ClientLeg {
				told = c.By + ": " + c.Reason
			}
		}
		if !strings.HasPrefix(told, "client: "+want) {
			t.Errorf("%q is told as %q, want %q", said, told, want)
		}
	}
}
