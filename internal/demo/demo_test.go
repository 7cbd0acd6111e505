package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, name string) *Server {
	t.Helper()
	sc, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := StartServer(sc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestScenarios(t *testing.T) {
	for _, sc := range Scenarios() {
		t.Run(sc.Name, func(t *testing.T) {
			s := start(t, sc.Name)
			if err := RunClient(t.Context(), sc, s.Addr(), s.Authority().Roots(), 0); err != nil {
				t.Error(err)
			}
		})
	}
	if got := Scenarios()[0].Name; got != Default {
		t.Errorf("the first scenario is %q, want %q", got, Default)
	}
}

func TestFind(t *testing.T) {
	_, err := Find("jabber1999")
	if err == nil || !strings.Contains(err.Error(), "google, badpw, scram, xgoogletoken") {
		t.Errorf("unknown scenario: got %v, want the names there are", err)
	}
}

func TestFoundingPayload(t *testing.T) {
	sc, _ := Find("google")
	if got, want := encode("\x00"+sc.User+"\x00"+sc.Password), "AHlzb25nLmxlZUBnbWFpbC5jb20AeXNvbmdAMTk4NA=="; got != want {
		t.Errorf("PLAIN payload is %s, want the founding document's %s", got, want)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := start(t, "scram")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := RunClient(t.Context(), s.scenario, s.Addr(), s.Authority().Roots(), 0); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestClientDistrusts(t *testing.T) {
	s := start(t, "google")
	other := start(t, "google")
	err := RunClient(t.Context(), s.scenario, s.Addr(), other.Authority().Roots(), 0)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("got %v, want an unknown authority", err)
	}
	sc := s.scenario
	sc.Domain = "other.example"
	if err := RunClient(t.Context(), sc, s.Addr(), s.Authority().Roots(), 0); err == nil || !strings.Contains(err.Error(), "host-unknown") {
		t.Errorf("another domain: got %v, want host-unknown", err)
	}
}

func TestRefusalThatWasNotMeant(t *testing.T) {
	s := start(t, "scram")
	sc := s.scenario
	sc.Types = "wrong"
	if err := RunClient(t.Context(), sc, s.Addr(), s.Authority().Roots(), 0); err == nil || !strings.Contains(err.Error(), "not-authorized") {
		t.Errorf("wrong password: got %v, want not-authorized", err)
	}
	sc.Types, sc.Refused = "", true
	if err := RunClient(t.Context(), sc, s.Addr(), s.Authority().Roots(), 0); err == nil || !strings.Contains(err.Error(), "let") {
		t.Errorf("right password where a refusal is due: got %v", err)
	}
}

func TestPaceRespectsContext(t *testing.T) {
	s := start(t, "google")
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- RunClient(ctx, s.scenario, s.Addr(), s.Authority().Roots(), time.Hour) }()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// A client may wait in a read, too.
func TestContextCutsOff(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		bufio.NewReader(c).ReadString('>')
		cancel()
		io.Copy(io.Discard, c)
	}()
	if err := RunClient(ctx, Scenarios()[0], ln.Addr().String(), nil, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestCloseEndsSessions(t *testing.T) {
	s := start(t, "google")
	result := make(chan error, 1)
	p := dial(t, s)
	p.send(p.header())
	p.until("</stream:features>")
	go func() { result <- s.Close() }()
	if err := <-result; err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := p.r.ReadByte(); err == nil {
		t.Error("the connection is still open after Close")
	}
}

func TestCertificateNames(t *testing.T) {
	s := start(t, "google")
	leaf, err := x509.ParseCertificate(s.config.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: s.Authority().Roots(), DNSName: "gmail.com"}); err != nil {
		t.Error(err)
	}
	var san []byte
	for _, e := range leaf.Extensions {
		if e.Id.Equal(idSubjectAltName) {
			san = e.Value
		}
	}
	for _, want := range []string{"_xmpp-client.gmail.com", "_xmpp-server.gmail.com"} {
		der, _ := asn1.MarshalWithParams(want, "ia5")
		if !bytes.Contains(san, der) {
			t.Errorf("the certificate has no SRV-ID %s", want)
		}
	}
}

// The exact bytes of the specification's example (RFC 6120 §13.7.1.2.2's names in
// DER, as OpenSSL writes them).
func TestOtherNameDER(t *testing.T) {
	ext, err := subjectAltName("im.example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "\xa0\x1c\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x05\xa0\x10\x0c\x0eim.example.com"
	if !bytes.Contains(ext.Value, []byte(want)) {
		t.Errorf("XmppAddr is not in %x", ext.Value)
	}
	if want := "\xa0\x29\x06\x08\x2b\x06\x01\x05\x05\x07\x08\x07\xa0\x1d\x16\x1b_xmpp-client.im.example.com"; !bytes.Contains(ext.Value, []byte(want)) {
		t.Errorf("SRV-ID is not in %x", ext.Value)
	}
}

// peer is a client by hand: it writes text and reads up to a text.
type peer struct {
	t    *testing.T
	s    *Server
	conn net.Conn
	r    *bufio.Reader
}

func dial(t *testing.T, s *Server) *peer {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &peer{t, s, conn, bufio.NewReader(conn)}
}

func (p *peer) header() string {
	return "<stream:stream to='" + p.s.scenario.Domain + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
}

func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, text); err != nil {
		p.t.Fatal(err)
	}
}

// until reads to the end of a text and returns all that came.
func (p *peer) until(end string) string {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var got []byte
	for !bytes.HasSuffix(got, []byte(end)) {
		b, err := p.r.ReadByte()
		if err != nil {
			p.t.Fatalf("waiting for %q: %v; got %q", end, err, got)
		}
		got = append(got, b)
	}
	return string(got)
}

func (p *peer) tls() *peer {
	p.t.Helper()
	conn := tls.Client(p.conn, &tls.Config{RootCAs: p.s.Authority().Roots(), ServerName: p.s.scenario.Domain})
	if err := conn.Handshake(); err != nil {
		p.t.Fatal(err)
	}
	p.conn, p.r = conn, bufio.NewReader(conn)
	p.send(p.header())
	p.until("</stream:features>")
	return p
}

func (p *peer) plain(password string) {
	p.send("<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>" + encode("\x00"+p.s.scenario.User+"\x00"+password) + "</auth>")
}

func (p *peer) login(resource string) *peer {
	p.t.Helper()
	p.plain(p.s.scenario.Password)
	p.until("<success xmlns='" + nsSASL + "'/>")
	p.send(p.header())
	p.until("</stream:features>")
	p.send("<iq type='set' id='b'><bind xmlns='" + nsBind + "'><resource>" + resource + "</resource></bind></iq>")
	p.until("</iq>")
	return p
}

func TestServerAnswers(t *testing.T) {
	s := start(t, "scram")
	p := dial(t, s).tls().login("x")
	for _, c := range []struct{ send, until, want string }{
		{"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "/>", "type='result' id='1'"},
		{"<iq type='get' id='2'><query xmlns='jabber:iq:roster'/></iq>", "</iq>", "jid='bob@xmpp.example'"},
		{"<iq type='get' id='3&amp;' to='xmpp.example'><query xmlns='jabber:iq:private'/></iq>", "</iq>", "id='3&amp;' from='xmpp.example'><error type='cancel'><service-unavailable"},
		{"<iq type='set' id='4'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>", "</iq>", "<service-unavailable"},
		{"<iq type='get' id='5'/>", "</iq>", "<bad-request"},
		{"<iq type='set' id='6'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>", "<not-allowed"},
		{"<iq type='get' id='7' to='bob@xmpp.example/bot'><ping xmlns='urn:xmpp:ping'/></iq>", "</iq>", "<service-unavailable"},
		{"<presence/>", "</presence>", "from='bob@xmpp.example/bot'"},
		{"<message to='bob@xmpp.example'><body>a &lt; b</body></message>", "</message>", "<body>echo: a &lt; b</body>"},
		{"<message to='alice@xmpp.example' type='chat'><body>note to self</body></message>", "</message>", "<body>note to self</body>"},
		{"<message to='carol@xmpp.example' id='8'><body>?</body></message>", "</message>", "<service-unavailable"},
		{"</stream:stream>", "</stream:stream>", "</stream:stream>"},
	} {
		p.send(c.send)
		if got := p.until(c.until); !strings.Contains(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.send, got, c.want)
		}
	}
	if _, err := p.r.ReadByte(); err != io.EOF {
		t.Errorf("after both end tags: %v, want EOF", err)
	}
}

func TestTwoClientsTalk(t *testing.T) {
	s := start(t, "scram")
	a, b := dial(t, s).tls().login("a"), dial(t, s).tls().login("b")
	a.send("<message to='alice@xmpp.example/b' type='chat' id='m'><body>over to you</body></message>")
	if got := b.until("</message>"); !strings.Contains(got, "from='alice@xmpp.example/a'") || !strings.Contains(got, "over to you") {
		t.Errorf("b got %s", got)
	}
}

func TestServerRefuses(t *testing.T) {
	s := start(t, "scram")
	t.Run("SASL inside TLS only", func(t *testing.T) {
		p := dial(t, s)
		p.send(p.header())
		p.until("</stream:features>")
		p.plain(s.scenario.Password)
		if got := p.until("</stream:stream>"); !strings.Contains(got, "<stream:error>") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("stanza before bind", func(t *testing.T) {
		p := dial(t, s).tls()
		p.send("<message to='bob@xmpp.example'><body>too early</body></message>")
		if got := p.until("</stream:stream>"); !strings.Contains(got, "<not-authorized") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("broken XML", func(t *testing.T) {
		p := dial(t, s).tls()
		p.send("<iq></message>")
		if got := p.until("</stream:stream>"); !strings.Contains(got, "<not-well-formed") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("passwords", func(t *testing.T) {
		p := dial(t, s).tls()
		for _, c := range []struct{ payload, want string }{
			{encode("\x00alice\x00wrong"), "<not-authorized/>"},
			{encode("\x00alice\x00"), "<not-authorized/>"},
			{encode("bob@xmpp.example\x00alice\x00" + s.scenario.Password), "<invalid-authzid/>"},
			{"***", "<incorrect-encoding/>"},
		} {
			p.send("<auth xmlns='" + nsSASL + "' mechanism='PLAIN'>" + c.payload + "</auth>")
			if got := p.until("</failure>"); !strings.Contains(got, c.want) {
				t.Errorf("%s: got %s, want %s", c.payload, got, c.want)
			}
		}
		p.send("<auth xmlns='" + nsSASL + "' mechanism='CRAM-MD5'/>")
		if got := p.until("</stream:stream>"); !strings.Contains(got, "<invalid-mechanism/>") || !strings.Contains(got, "<policy-violation") {
			t.Errorf("the fifth failure: got %s", got)
		}
	})
	t.Run("abort", func(t *testing.T) {
		p := dial(t, s).tls()
		p.send("<auth xmlns='" + nsSASL + "' mechanism='PLAIN'/>")
		p.until("</challenge>")
		p.send("<abort xmlns='" + nsSASL + "'/>")
		if got := p.until("</failure>"); !strings.Contains(got, "<aborted/>") {
			t.Errorf("got %s", got)
		}
		p.login("after all")
	})
}

func TestDirectTLS(t *testing.T) {
	p := dial(t, start(t, "google")).tls().login("x")
	p.send("</stream:stream>")
	p.until("</stream:stream>")
}

// Some clients end <starttls/> with a line feed; their ClientHello follows it.
func TestLineFeedBeforeTLS(t *testing.T) {
	p := dial(t, start(t, "google"))
	p.send("<?xml version='1.0'?>\n" + p.header() + "\n")
	p.until("</stream:features>")
	p.send("<starttls xmlns='" + nsTLS + "'/>\n")
	p.until("<proceed xmlns='" + nsTLS + "'/>")
	p.tls()
}
