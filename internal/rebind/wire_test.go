package rebind

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/xdg-go/scram"

	"xmppscope/certs"
	"xmppscope/internal/demo"
	"xmppscope/proxy"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

const streamHeader = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.net' version='1.0'>"

// end is one end of a stream, as far as a login needs it.
type end struct {
	io.Writer
	in     *xml.Decoder
	header string
}

func newEnd(c *tls.Conn) *end { return &end{c, xml.NewDecoder(c), streamHeader} }

// next is the payload of the next element with this name.
func (e *end) next(name string) (string, error) {
	for {
		token, err := e.in.Token()
		if err != nil {
			return "", err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != name {
			continue
		}
		var element struct {
			Text string `xml:",chardata"`
		}
		if err := e.in.DecodeElement(&element, &start); err != nil {
			return "", err
		}
		text, err := base64.StdEncoding.DecodeString(element.Text)
		return string(text), err
	}
}

func (e *end) send(format, payload string) error {
	_, err := fmt.Fprintf(e, format, base64.StdEncoding.EncodeToString([]byte(payload)))
	return err
}

// serve plays the server of one login, bound to its own TLS connection.
func (e *end) serve(s *scram.ServerConversation) error {
	if _, err := io.WriteString(e, e.header); err != nil {
		return err
	}
	first, err := e.next("auth")
	if err != nil {
		return err
	}
	challenge, err := s.Step(first)
	if err != nil {
		return err
	}
	if err := e.send(sasl1.challenge, challenge); err != nil {
		return err
	}
	final, err := e.next("response")
	if err != nil {
		return err
	}
	signature, err := s.Step(final)
	if err != nil {
		return err
	}
	return e.send(sasl1.success, signature)
}

// login plays the client of one.
func (e *end) login(c *scram.ClientConversation) error {
	if _, err := io.WriteString(e, e.header); err != nil {
		return err
	}
	first, err := c.Step("")
	if err != nil {
		return err
	}
	if err := e.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256-PLUS'>%s</auth>", first); err != nil {
		return err
	}
	challenge, err := e.next("challenge")
	if err != nil {
		return err
	}
	final, err := c.Step(challenge)
	if err != nil {
		return err
	}
	if err := e.send(sasl1.response, final); err != nil {
		return err
	}
	signature, err := e.next("success")
	if err != nil {
		return err
	}
	_, err = c.Step(signature)
	return err
}

// TestTLSExporter: a login that is bound by tls-exporter (RFC 9266), through the proxy, on
// both versions of TLS.
func TestTLSExporter(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) { throughProxy(t, version) })
	}
}

// exporterOf is tls-exporter of a connection. The library's own has no context, which is
// another value on TLS 1.2 than the empty one of RFC 9266 §2.
func exporterOf(c interface{ ConnectionState() tls.ConnectionState }) (scram.ChannelBinding, error) {
	state := c.ConnectionState()
	data, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	return bindingOf("tls-exporter", string(data)), err
}

// newServer is who a server is: its certificate, and the authority that has issued it.
func newServer(t *testing.T) (*demo.Authority, tls.Certificate) {
	t.Helper()
	authority, err := demo.NewAuthority("somebody")
	if err != nil {
		t.Fatal(err)
	}
	chain, err := authority.Issue("example.net")
	if err != nil {
		t.Fatal(err)
	}
	return authority, chain
}

func throughProxy(t *testing.T, version uint16) {
	authority, chain := newServer(t)
	upstream, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{chain}, MaxVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	defer upstream.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := upstream.Accept()
		if err != nil {
			served <- err
			return
		}
		c := conn.(*tls.Conn)
		defer c.Close()
		if err := c.Handshake(); err != nil {
			served <- err
			return
		}
		cb, err := exporterOf(c)
		if err != nil {
			served <- err
			return
		}
		served <- newEnd(c).serve(serverConversation(t, cb))
	}()

	front, roots := inFrontOf(t, upstream.Addr().String(), authority)
	c, err := tls.Dial("tcp", front, &tls.Config{RootCAs: roots, ServerName: "example.net"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cb, err := exporterOf(c)
	if err != nil {
		t.Fatal(err)
	}
	client, err := scram.SHA256.NewClient("carol", password, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := newEnd(c).login(client.NewConversationWithChannelBinding(cb)); err != nil {
		t.Errorf("the client: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("the server: %v", err)
	}
	if got := c.ConnectionState().Version; got != version {
		t.Errorf("it was %s", tls.VersionName(got))
	}
}

// inFrontOf starts a proxy in front of a server of TLS, which binds logins anew, and returns
// its address and the CA that signs for it.
func inFrontOf(t *testing.T, upstream string, authority *demo.Authority) (front string, roots *x509.CertPool) {
	t.Helper()
	ours, err := certs.NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	target, err := proxy.ParseTarget("tls://"+upstream, "test")
	if err != nil {
		t.Fatal(err)
	}
	spool := session.NewSpool(session.SpoolOptions{})
	t.Cleanup(spool.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() {
		over <- proxy.Serve(ctx, l, proxy.Options{
			Resolver: &proxy.Resolver{Upstream: &target}, Spool: spool,
			TLS: &tlsintercept.Config{CA: ours, Roots: authority.Roots(), Finished: true},
			Gate: func(s *tlsintercept.Secured) proxy.Gate {
				return New(Options{
					Client: s.Bindings(session.ClientLeg), Server: s.Bindings(session.ServerLeg), Domain: "example.net",
					Password: func(string, string) (string, bool) { return password, true },
				})
			},
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), ours.Pool()
}
