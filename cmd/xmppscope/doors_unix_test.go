//go:build unix

package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/proxy"

	"xmppscope/internal/demo"
	"xmppscope/internal/xmpptest"
)

// entrance makes a client's connection through a proxy: addr is the proxy's, and target
// the server's as the client names it.
type entrance func(addr, target string) (net.Conn, error)

func bySOCKS(login *proxy.Auth) entrance {
	return func(addr, target string) (net.Conn, error) {
		d, err := proxy.SOCKS5("tcp", addr, login, nil)
		if err != nil {
			return nil, err
		}
		return d.Dial("tcp", target)
	}
}

func byCONNECT(addr, target string) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	resp, err := http.ReadResponse(bufio.NewReaderSize(oneByte{c}, 16), nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// oneByte keeps a reader of heads from reading what stands behind them.
type oneByte struct{ io.Reader }

func (r oneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:1]) }

func byHeader(header string) entrance {
	return func(addr, _ string) (net.Conn, error) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			io.WriteString(c, header)
		}
		return c, err
	}
}

// tunnel is an address that leads through an entrance.
func tunnel(t *testing.T, in entrance, addr, target string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		out, err := in(addr, target)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			return
		}
		defer out.Close()
		go func() {
			io.Copy(out, c)
			out.(interface{ CloseWrite() error }).CloseWrite()
		}()
		io.Copy(c, out)
	}()
	return l.Addr().String()
}

// TestDoors: a client comes in through a proxy's handshake as it does without, and how it
// came is told in words and stands in nothing that it said.
func TestDoors(t *testing.T) {
	server, scenario := startDemo(t)
	const in = "logged in as " + "alice@xmpp.example"
	for _, c := range []struct {
		name, line, target, said string
		entrance                 entrance
	}{
		{"SOCKS5, a name", "proxy --plain --insecure-upstream --resolve xmpp.example=SERVER", "xmpp.example:5222", "the client came by SOCKS5 and asked for xmpp.example:5222", bySOCKS(nil)},
		{"SOCKS5, a user and an address", "proxy --plain --insecure-upstream", "SERVER", `the client came by SOCKS5, as "robin", and asked for SERVER`, bySOCKS(&proxy.Auth{User: "robin", Password: "pw"})},
		{"SOCKS5, a port of its own", "proxy --plain --insecure-upstream --resolve web.example:443=SERVER", "web.example:443", "asked for web.example:443", bySOCKS(nil)},
		{"CONNECT", "proxy --plain --insecure-upstream", "SERVER", "the client came by HTTP CONNECT and asked for SERVER", byCONNECT},
		{"CONNECT, one server for all", "proxy --plain --insecure-upstream --upstream SERVER", "xmpp.example:5222", "asked for xmpp.example:5222", byCONNECT},
		{"PROXY 1", "proxy --plain --insecure-upstream --upstream SERVER --proxy-protocol", "", "a PROXY header says that the client is 192.0.2.1:4000", byHeader("PROXY TCP4 192.0.2.1 192.0.2.2 4000 5222\r\n")},
		{"PROXY 2", "proxy --plain --insecure-upstream --upstream SERVER --proxy-protocol", "", "a PROXY header says that the client is 192.0.2.1:4000", byHeader("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x0f\xa0\x14\x66")},
	} {
		t.Run(c.name, func(t *testing.T) {
			fill := func(s string) string { return strings.ReplaceAll(s, "SERVER", server.Addr()) }
			printed, _ := through(t, t.TempDir(), fill(c.line), func(addr string, roots *x509.CertPool) {
				if err := demo.RunClient(t.Context(), scenario, tunnel(t, c.entrance, addr, fill(c.target)), roots, 0); err != nil {
					t.Error(err)
				}
			})
			if !strings.Contains(printed, in) || !strings.Contains(printed, fill(c.said)) {
				t.Errorf("printed:\n%s", printed)
			}
		})
	}
}

// TestDoorsRefuse: a client that may not go where it asks to is told so by the door.
func TestDoorsRefuse(t *testing.T) {
	server, _ := startDemo(t)
	for _, c := range []struct {
		name, line, target, answered, printed string
		entrance                              entrance
	}{
		{"SOCKS5", "proxy --plain --allow-domain good.example", "bad.example:5222", "not allowed by ruleset", "not among those that --allow-domain names", bySOCKS(nil)},
		{"CONNECT", "proxy --plain --allow-domain good.example", "bad.example:5222", "403 Forbidden", "not among those that --allow-domain names", byCONNECT},
		{"nobody there", "proxy --plain", "127.0.0.1:1", "connection refused", "nothing listens there", bySOCKS(nil)},
		{"nobody there, CONNECT", "proxy --plain", "127.0.0.1:1", "502 Bad Gateway", "nothing listens there", byCONNECT},
	} {
		t.Run(c.name, func(t *testing.T) {
			printed, _ := through(t, t.TempDir(), strings.ReplaceAll(c.line, "SERVER", server.Addr()), func(addr string, _ *x509.CertPool) {
				conn, err := c.entrance(addr, c.target)
				if err == nil {
					conn.Close()
				}
				if err == nil || !strings.Contains(err.Error(), c.answered) {
					t.Errorf("answered %v", err)
				}
			})
			if !strings.Contains(printed, c.printed) {
				t.Errorf("printed:\n%s", printed)
			}
		})
	}
}

// TestTLSStaysClosed: TLS that is none of ours passes as it is, and so does that of the
// domains that are named, so that the client sees the server's own certificate.
func TestTLSStaysClosed(t *testing.T) {
	server := directTLS(t, new(tls.Config)).Addr().String()
	for _, c := range []struct {
		name, line, target string
		passed             bool
	}{
		{"no port of XMPP", "proxy --plain --insecure-upstream --resolve server.example:443=SERVER", "server.example:443", true},
		{"a port of XMPP", "proxy --plain --insecure-upstream --resolve server.example:5223=SERVER", "server.example:5223", false},
		{"a port of XMPP, and named", "proxy --plain --insecure-upstream --resolve server.example:5223=SERVER --pass-tls Server.example", "server.example:5223", true},
		{"at our own port, and named", "proxy --plain --insecure-upstream --resolve server.example=SERVER --pass-tls server.example", "", true},
		{"named to be looked into", "proxy --plain --insecure-upstream --resolve server.example:443=SERVER --domain server.example", "server.example:443", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			printed, _ := through(t, t.TempDir(), strings.ReplaceAll(c.line, "SERVER", server), func(addr string, ours *x509.CertPool) {
				in := byCONNECT
				if c.target == "" {
					in = byHeader("")
				}
				raw, err := in(addr, c.target)
				if err != nil {
					t.Fatal(err)
				}
				defer raw.Close()
				conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "server.example"})
				if err := conn.Handshake(); err != nil {
					t.Fatal(err)
				}
				chain := conn.ConnectionState().PeerCertificates
				_, err = chain[0].Verify(x509.VerifyOptions{Roots: ours, Intermediates: pool(chain)})
				if passed := err != nil; passed != c.passed {
					t.Errorf("the client sees the server's own certificate: %v, want %v", passed, c.passed)
				}
			})
			if told := strings.Contains(printed, "is passed on as it is"); told != c.passed {
				t.Errorf("printed:\n%s", printed)
			}
		})
	}
}

func pool(chain []*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range chain {
		p.AddCert(c)
	}
	return p
}

// TestCurlComesThrough: curl by SOCKS5 and by CONNECT, with a name and a password.
func TestCurlComesThrough(t *testing.T) {
	xmpptest.Need(t, "curl")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the page") })}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(web.Close(), <-served); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	for _, scheme := range []string{"socks5://", "socks5h://robin:pw@", "http://", "http://robin:pw@"} {
		t.Run(scheme, func(t *testing.T) {
			printed, _ := through(t, t.TempDir(), "proxy --plain --resolve web.example:80="+l.Addr().String(), func(addr string, _ *x509.CertPool) {
				url := "http://web.example/"
				if scheme == "socks5://" { // it resolves the name itself
					url = "http://" + l.Addr().String() + "/"
				}
				out, err := exec.CommandContext(t.Context(), "curl", "-sS", "--noproxy", "", "--max-time", "20", "--proxytunnel", "--proxy", scheme+addr, url).CombinedOutput()
				if err != nil || string(out) != "the page" {
					t.Errorf("%v: %s", err, out)
				}
			})
			if !strings.Contains(printed, "the client came by ") || strings.Contains(scheme, "robin") != strings.Contains(printed, `as "robin",`) {
				t.Errorf("printed:\n%s", printed)
			}
		})
	}
}

// TestUpstreamCert: a server that asks for a certificate is shown the one that was given.
func TestUpstreamCert(t *testing.T) {
	dir := t.TempDir()
	authority, err := demo.NewAuthority("CA of clients")
	if err != nil {
		t.Fatal(err)
	}
	mine, err := authority.Issue("alice.example")
	if err != nil {
		t.Fatal(err)
	}
	chain, key, err := demo.EncodePEM(mine)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "mine.pem"), chain, 0o600), os.WriteFile(filepath.Join(dir, "mine.key"), key, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, given := range []bool{true, false} {
		shown := make(chan int, 1)
		server := directTLS(t, &tls.Config{ClientAuth: tls.RequestClientCert, VerifyConnection: func(cs tls.ConnectionState) error {
			shown <- len(cs.PeerCertificates)
			return nil
		}})
		line := "proxy --plain --insecure-upstream --upstream tls://" + server.Addr().String()
		if given {
			line += " --upstream-cert DIR/mine.pem,DIR/mine.key"
		}
		through(t, dir, line, func(addr string, _ *x509.CertPool) {
			c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: "server.example"})
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		})
		if n := <-shown; (n > 0) != given {
			t.Errorf("given %v: the server was shown %d certificates", given, n)
		}
	}
	printed := scope(t, dir, "proxy", "--plain", "--listen", "127.0.0.1:0", "--upstream-cert", "nothing")
	if out, err := printed.CombinedOutput(); err == nil || !strings.Contains(string(out), "want CERT,KEY") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestAskClientCert: a client is asked for its certificate as --ask-client-cert says, and what
// it shows is printed, with what the server sees of it.
func TestAskClientCert(t *testing.T) {
	dir := t.TempDir()
	authority, err := demo.NewAuthority("CA of clients")
	if err != nil {
		t.Fatal(err)
	}
	own, err := authority.Issue("alice.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		how    string
		server tls.ClientAuthType
		want   string // "": it is not asked
	}{
		{"", tls.RequestClientCert, "EXTERNAL does not work through here"},
		{"", tls.NoClientCert, ""},
		{" --ask-client-cert always", tls.NoClientCert, "the server has not asked for a certificate"},
		{" --ask-client-cert never", tls.RequestClientCert, ""},
	} {
		server := directTLS(t, &tls.Config{ClientAuth: c.server})
		printed, _ := through(t, dir, "proxy --plain --insecure-upstream --upstream tls://"+server.Addr().String()+c.how, func(addr string, _ *x509.CertPool) {
			// Of TLS 1.2 the last word is the server's: both have finished when Dial returns.
			conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, ServerName: "server.example", Certificates: []tls.Certificate{own}})
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		})
		if shown := strings.Contains(printed, "XMPP alice.example; issued by CN=CA of clients"); shown != (c.want != "") || !strings.Contains(printed, c.want) {
			t.Errorf("%q, server asks: %v\n%s", c.how, c.server, printed)
		}
	}
	printed := scope(t, dir, "proxy", "--plain", "--listen", "127.0.0.1:0", "--ask-client-cert", "perhaps")
	if out, err := printed.CombinedOutput(); err == nil || !strings.Contains(string(out), "it is mirror, always or never") {
		t.Errorf("%v: %s", err, out)
	}
}
