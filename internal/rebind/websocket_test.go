package rebind

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/xdg-go/scram"
)

const framedHeader = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.net' version='1.0'/>"

// tlsState is that of a connection below HTTP.
type tlsState tls.ConnectionState

func (s tlsState) ConnectionState() tls.ConnectionState { return tls.ConnectionState(s) }

// framedEnd is one end of a WebSocket.
func framedEnd(t *testing.T, c *websocket.Conn) *end {
	conn := websocket.NetConn(t.Context(), c, websocket.MessageText)
	return &end{conn, xml.NewDecoder(conn), framedHeader}
}

// talk says some messages, and wants each to be said by the other side too.
func (e *end) talk() error {
	for i := range 5 {
		text := fmt.Sprintf("again and again and again, %d", i)
		if err := e.send("<message xmlns='jabber:client'>%s</message>", text); err != nil {
			return err
		}
		if got, err := e.next("message"); err != nil || got != text {
			return fmt.Errorf("message %d came as %q, %v", i, got, err)
		}
	}
	return nil
}

// TestWebSocket: a login over WebSocket is bound anew, with and without compression that refers
// to earlier messages, and what is said behind it arrives on both sides.
func TestWebSocket(t *testing.T) {
	for name, mode := range map[string]websocket.CompressionMode{
		"plain": websocket.CompressionDisabled, "deflate": websocket.CompressionContextTakeover, "deflate without context": websocket.CompressionNoContextTakeover,
	} {
		t.Run(name, func(t *testing.T) { throughWebSocket(t, mode) })
	}
}

func throughWebSocket(t *testing.T, mode websocket.CompressionMode) {
	authority, chain := newServer(t)
	served := make(chan error, 1)
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		served <- serveWebSocket(t, w, req, mode)
	}))
	upstream.TLS = &tls.Config{Certificates: []tls.Certificate{chain}}
	upstream.StartTLS()
	defer upstream.Close()
	front, roots := inFrontOf(t, upstream.Listener.Addr().String(), authority)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.net"},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", front)
		},
	}
	defer transport.CloseIdleConnections()
	c, resp, err := websocket.Dial(ctx, "wss://example.net/xmpp-websocket", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"xmpp"}, CompressionMode: mode, CompressionThreshold: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if deflates := resp.Header.Get("Sec-WebSocket-Extensions") != ""; deflates != (mode != websocket.CompressionDisabled) {
		t.Fatalf("agreed on %q", resp.Header.Get("Sec-WebSocket-Extensions"))
	}
	cb, err := exporterOf(tlsState(*resp.TLS))
	if err != nil {
		t.Fatal(err)
	}
	client, err := scram.SHA256.NewClient("carol", password, "")
	if err != nil {
		t.Fatal(err)
	}
	e := framedEnd(t, c)
	if err := e.login(client.NewConversationWithChannelBinding(cb)); err != nil {
		t.Errorf("the client: %v", err)
	} else if err := e.talk(); err != nil {
		t.Errorf("the client, logged in: %v", err)
	}
	c.CloseNow()
	if err := <-served; err != nil {
		t.Errorf("the server: %v", err)
	}
}

// serveWebSocket plays the server of one login, and says what it is told then.
func serveWebSocket(t *testing.T, w http.ResponseWriter, req *http.Request, mode websocket.CompressionMode) error {
	cb, err := exporterOf(tlsState(*req.TLS))
	if err != nil {
		return err
	}
	c, err := websocket.Accept(w, req, &websocket.AcceptOptions{Subprotocols: []string{"xmpp"}, CompressionMode: mode, CompressionThreshold: 1})
	if err != nil {
		return err
	}
	defer c.CloseNow()
	e := framedEnd(t, c)
	if err := e.serve(serverConversation(t, cb)); err != nil {
		return err
	}
	for {
		text, err := e.next("message")
		if err != nil {
			return nil // the client is done
		}
		if err := e.send("<message xmlns='jabber:client'>%s</message>", text); err != nil {
			return err
		}
	}
}
