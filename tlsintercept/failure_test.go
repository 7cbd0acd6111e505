package tlsintercept

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// A server that fails, and what both legs must say about it.
var badServers = map[string]struct {
	server func() *tls.Config
	change func(*rig)
	class  string
	alert  string
	guilty string
	early  bool     // before the chain is looked at
	words  []string // in the reason or the hint
}{
	"wrong name": {
		server: func() *tls.Config {
			return serverCA.serve(func(c *x509.Certificate) { c.DNSNames = []string{"xmpp.hosting.test", "www.hosting.test"} })
		},
		class: session.ClassName, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{`"example.net"`, "DNS-ID xmpp.hosting.test", "DNS-ID www.hosting.test", "--insecure-upstream", "JID domain"},
	},
	"only a common name": {
		server: func() *tls.Config {
			return serverCA.serve(func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, domain })
		},
		class: session.ClassName, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"common name would fit", "RFC 6125"},
	},
	"hostile names": {
		server: func() *tls.Config {
			return serverCA.serve(func(c *x509.Certificate) {
				c.Subject = pkix.Name{CommonName: "\x1b[31mred"}
				for i := range 20 {
					c.DNSNames = append(c.DNSNames, fmt.Sprintf("\x1b]0;evil%d\x07.test", i))
				}
				c.DNSNames = c.DNSNames[1:]
			})
		},
		class: session.ClassName, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"evil0", "12 more"},
	},
	"expired": {
		server: func() *tls.Config {
			return serverCA.serve(func(c *x509.Certificate) { c.NotAfter = time.Date(2020, 1, 2, 3, 4, 0, 0, time.UTC) })
		},
		class: session.ClassExpired, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"expired on 2020-01-02 03:04 UTC", "here it is", "clock"},
	},
	"not yet valid": {
		server: func() *tls.Config {
			return serverCA.serve(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute * 30) })
		},
		class: session.ClassExpired, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"not valid before", "when the certificate was meant to begin"},
	},
	"unknown issuer": {
		server: func() *tls.Config { return strangerCA.serve(nil) },
		change: func(r *rig) { r.config.RootsName = "--upstream-ca lab.pem (CN=Lab CA)" },
		class:  session.ClassUnknownCA, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"CN=Stranger CA", "--upstream-ca lab.pem (CN=Lab CA)", "--upstream-ca FILE"},
	},
	"unknown issuer and wrong name": {
		server: func() *tls.Config {
			return strangerCA.serve(func(c *x509.Certificate) { c.DNSNames = []string{"other.test"} })
		},
		class: session.ClassUnknownCA, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"CN=Stranger CA", "besides", "other.test"},
	},
	"self-signed": {
		server: func() *tls.Config {
			return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{strangerCA.cert.Raw}, PrivateKey: strangerCA.key}}}
		},
		class: session.ClassUnknownCA, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"self-signed", "CN=Stranger CA"},
	},
	"for clients only": {
		server: func() *tls.Config {
			return serverCA.serve(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
		},
		class: session.ClassOther, alert: "bad_certificate (42)", guilty: session.OriginSelf,
		words: []string{"extended key usage"},
	},
	"old version": {
		server: func() *tls.Config {
			c := serverCA.serve(nil)
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			return c
		},
		class: session.ClassVersion, alert: "protocol_version (70)", guilty: "server",
		words: []string{"TLS 1.3", "--legacy-tls"},
	},
	"no cipher": {
		server: func() *tls.Config {
			c := serverCA.serve(nil)
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
			return c
		},
		class: session.ClassCipher, alert: "handshake_failure (40)", guilty: "server",
		words: []string{"ciphers", "the client offered nothing else", "fail without xmppscope too"},
	},
	"key on a curve that we do not have": {
		server: func() *tls.Config {
			leaf := bytes.Replace(serverCA.leaf(nil).Raw, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}, []byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 99}, 1)
			return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf}, PrivateKey: serverCA.key}}}
		},
		class: session.ClassCipher, guilty: session.OriginSelf, early: true,
		words: []string{"certificate has a key that xmppscope cannot use", "unsupported elliptic curve", "P-384"},
	},
	"no ALPN": {
		server: func() *tls.Config {
			c := serverCA.serve(nil)
			c.NextProtos = []string{"h2"}
			return c
		},
		class: session.ClassALPN, alert: "no_application_protocol (120)", guilty: "server",
		words: []string{"(xmpp-client)"},
	},
	"unknown SNI": {
		server: func() *tls.Config {
			return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }}
		},
		class: session.ClassUnrecognized, alert: "unrecognized_name (112)", guilty: "server",
		words: []string{`"example.net"`, "SNI"},
	},
	"client certificate, TLS 1.2": {
		server: func() *tls.Config {
			c := serverCA.serve(nil)
			c.MaxVersion, c.ClientAuth = tls.VersionTLS12, tls.RequireAnyClientCert
			return c
		},
		class: session.ClassClientCert, guilty: "server",
		words: []string{"certificate from the client", "EXTERNAL"},
	},
}

func TestBadServers(t *testing.T) {
	for name, test := range badServers {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if test.change != nil {
				test.change(r)
			}
			client := r.trusting()
			client.NextProtos = []string{"xmpp-client"}
			got := r.run(client, test.server())
			if got.order != "sc" {
				t.Fatalf("order %q, err %v", got.order, got.err)
			}
			f := got.serverFailed
			if f.Class != test.class || f.Guilty != test.guilty || test.alert != "" && f.Alert != test.alert {
				t.Errorf("got %s by %s, alert %q, %q (%s)", f.Class, f.Guilty, f.Alert, f.Reason, f.Err)
			}
			says(t, f, test.words...)
			if c := got.clientFailed; c.Class != session.ClassOtherLeg || c.Alert != "internal_error (80)" || c.Guilty != session.OriginSelf || !strings.Contains(c.Reason, "alert") && !strings.Contains(c.Reason, "(80)") || !strings.Contains(c.Reason, f.Reason) {
				t.Errorf("client leg: %+v", c)
			}
			if a := RemoteAlert(got.clientErr); a != session.AlertInternalError {
				t.Errorf("the client saw %v", got.clientErr)
			}
			var e *Error
			if !errors.As(got.err, &e) || e.Leg != session.ServerLeg || !strings.Contains(e.Error(), f.Reason) {
				t.Errorf("error %v", got.err)
			}
			if f.Guilty == session.OriginSelf && !test.early && (len(f.Chain) == 0 || f.Verdict == nil || f.Verdict.OK || f.Verdict.Problem != f.Reason) {
				t.Errorf("the chain is not shown: %+v", f.Verdict)
			}
			if f.Hello == nil || f.Hello.SNI != domain {
				t.Errorf("what was offered is not shown: %+v", f.Hello)
			}
		})
	}
}

// says wants all the words in the reason or the hint, fit to be shown.
func says(t *testing.T, f *session.TLSFailed, words ...string) {
	t.Helper()
	text := f.Reason + "\n" + f.Hint
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
	if strings.ContainsAny(f.Reason+f.Err+f.Hint, "\x1b\x00\n\r\x07") {
		t.Errorf("not safe to be shown: %q", text)
	}
}

// Servers that are no TLS servers.
var rudeServers = map[string]struct {
	do    func(net.Conn)
	class string
	words []string
}{
	"XML":         {func(c net.Conn) { io.WriteString(c, " <stream:error><x/>") }, session.ClassNotTLS, []string{"XML in the clear (<stream:error…)"}},
	"HTTP":        {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n") }, session.ClassNotTLS, []string{`"HTTP/"`}},
	"binary":      {func(c net.Conn) { c.Write([]byte{1, 2, 3, 4, 5, 6, 7}) }, session.ClassNotTLS, []string{"01 02 03 04 05"}},
	"hangs up":    {func(c net.Conn) { c.Close() }, session.ClassClosed, []string{"hung up", "without a word"}},
	"hello, bye":  {func(c net.Conn) { c.Read(make([]byte, 4096)); c.Write([]byte{22, 3, 3, 0, 80, 2}); c.Close() }, session.ClassClosed, []string{"in the middle"}},
	"silent":      {nil, session.ClassSilent, []string{"the server did not finish"}},
	"clear alert": {func(c net.Conn) { c.Read(make([]byte, 4096)); c.Write([]byte{21, 3, 3, 0, 2, 2, 112}) }, session.ClassUnrecognized, []string{"does not know"}},
}

func TestRudeServers(t *testing.T) {
	for name, test := range rudeServers {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if test.do == nil {
				r.config.Timeout = 100 * time.Millisecond
			} else {
				go test.do(r.server)
			}
			clientErr := make(chan error, 1)
			go func() { clientErr <- tls.Client(r.client, r.trusting()).Handshake() }()
			_, err := r.config.Secure(t.Context(), r.legs)
			var got result
			r.collect(&got)
			if err == nil || got.order != "sc" {
				t.Fatalf("order %q, %v", got.order, err)
			}
			if got.serverFailed.Class != test.class || got.clientFailed.Class != session.ClassOtherLeg {
				t.Errorf("got %+v", got.serverFailed)
			}
			says(t, got.serverFailed, test.words...)
			if a := RemoteAlert(<-clientErr); a != session.AlertInternalError {
				t.Errorf("the client saw %v", a)
			}
		})
	}
}

// Clients that are no TLS clients, or refuse.
var rudeClients = map[string]struct {
	do    func(net.Conn)
	class string
	words []string
}{
	"XML":      {func(c net.Conn) { io.WriteString(c, "<auth mechanism='PLAIN'>c2VjcmV0</auth>") }, session.ClassNotTLS, []string{"XML in the clear (<auth…)"}},
	"HTTP":     {func(c net.Conn) { io.WriteString(c, "GET /?token=c2VjcmV0 HTTP/1.1\r\n") }, session.ClassNotTLS, []string{`"GET"`}},
	"hangs up": {func(c net.Conn) { c.Close() }, session.ClassClosed, []string{"before its ClientHello"}},
	"silent":   {nil, session.ClassSilent, []string{"no ClientHello within"}},
	"old": {func(c net.Conn) {
		tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}).Handshake()
	}, session.ClassVersion, []string{"TLS 1.1", "--legacy-tls"}},
}

func TestRudeClients(t *testing.T) {
	for name, test := range rudeClients {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if test.do == nil {
				r.config.Timeout = 100 * time.Millisecond
			} else {
				go test.do(r.client)
			}
			_, err := r.config.Secure(t.Context(), r.legs)
			var got result
			r.collect(&got)
			if err == nil || got.order != "cs" {
				t.Fatalf("order %q, %v", got.order, err)
			}
			if got.clientFailed.Class != test.class || got.serverFailed.Class != session.ClassOtherLeg {
				t.Errorf("got %+v", got.clientFailed)
			}
			says(t, got.clientFailed, test.words...)
			says(t, got.serverFailed, "was not begun", got.clientFailed.Reason)
			if strings.Contains(fmt.Sprintf("%+v", r.events), "c2VjcmV0") {
				t.Error("a secret of the client is in an event")
			}
		})
	}
}

func TestClientWithRSAOnly(t *testing.T) {
	r := newRig(t)
	client := r.trusting()
	client.MaxVersion, client.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	r.config.Insecure = true
	server := serverCA.serve(nil)
	server.Certificates = []tls.Certificate{rsaCertificate(t)}
	got := r.run(client, server)
	if got.order != "Sc" || got.clientFailed.Class != session.ClassCipher {
		t.Fatalf("order %q, %+v", got.order, got.clientFailed)
	}
	says(t, got.clientFailed, "ECDSA")
}

func TestImpossibleDomains(t *testing.T) {
	for _, name := range []string{"a b", "x\x00y", strings.Repeat("a", 5000), "user@example.net"} {
		r := newRig(t)
		r.legs.Domain = name
		r.server.Close()
		got := r.run(r.trusting(), serverCA.serve(nil))
		if got.order != "cs" || got.clientFailed.Guilty != session.OriginSelf || len(got.clientFailed.Reason) > 600 {
			t.Fatalf("%q: order %q, %+v", name, got.order, got.clientFailed)
		}
		says(t, got.clientFailed, "impossible domain")
	}
}

// TestDirectWithoutSNI: the domain is one that the server's certificate names; if
// it names none, nobody can say which certificate to show.
func TestDirectWithoutSNI(t *testing.T) {
	nameless := func(r *rig) *tls.Config {
		r.legs.Domain, r.legs.Direct = "", true
		client := r.trusting()
		client.ServerName, client.InsecureSkipVerify = "", true
		client.VerifyConnection = func(cs tls.ConnectionState) error { return cs.PeerCertificates[0].VerifyHostname(domain) }
		return client
	}
	r := newRig(t)
	got := r.run(nameless(r), serverCA.serve(nil))
	wellDone(t, got)
	if s := got.serverEstab; s.SNI != "" || s.SNIFrom != "certificate" || s.Domain != domain || !s.Verdict.OK || got.secured.Domain != domain {
		t.Errorf("server leg %+v, domain %q", s, got.secured.Domain)
	}
	r = newRig(t)
	got = r.run(nameless(r), serverCA.serve(func(c *x509.Certificate) { c.DNSNames, c.ExtraExtensions = nil, nil }))
	if got.order != "sc" {
		t.Fatalf("order %q", got.order)
	}
	says(t, got.serverFailed, "no SNI", "XEP-0368", "names none either")
}

// TestDistrust has clients that refuse our certificate in every way that a Go
// client can be made to; OpenSSL's way is in TestOpenSSLDistrusts.
func TestDistrust(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, change := range map[string]func(*rig, *tls.Config){
			"unknown CA": func(_ *rig, c *tls.Config) { c.RootCAs = x509.NewCertPool() },
			"other name": func(_ *rig, c *tls.Config) { c.ServerName = "other.test" },
			"hangs up on the certificate": func(r *rig, c *tls.Config) {
				c.VerifyConnection = func(tls.ConnectionState) error { r.client.Close(); return errors.New("no") }
			},
		} {
			r := newRig(t)
			client := r.trusting()
			client.MaxVersion = version
			change(r, client)
			got := r.run(client, serverCA.serve(nil))
			if got.order != "Sc" || got.clientFailed.Class != session.ClassDistrust || got.clientFailed.Guilty != "client" {
				t.Fatalf("%s: order %q, %+v", name, got.order, got.clientFailed)
			}
			says(t, got.clientFailed, `our certificate for "example.net"`, "xmppscope ca")
			if hung := strings.Contains(name, "hangs"); (got.clientFailed.Alert == "bad_certificate (42)") == hung {
				t.Errorf("%s: alert %q", name, got.clientFailed.Alert)
			}
			if name == "other name" {
				says(t, got.clientFailed, `"other.test"`)
			}
			if len(got.clientFailed.Chain) != 3 {
				t.Error("the chain that was refused is not shown")
			}
		}
	}
}

func TestReadFailed(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newRig(t)
		client := r.trusting()
		client.MaxVersion = version
		got := r.run(client, serverCA.serve(nil))
		wellDone(t, got)
		r.client.Close() // as Node does
		_, err := got.secured.Client.Read(make([]byte, 1))
		f := got.secured.ReadFailed(session.ClientLeg, err)
		if f == nil || f.Class != session.ClassDistrust || f.Guilty != "client" || len(f.Chain) != 3 {
			t.Fatalf("%v: %+v", err, f)
		}
		says(t, f, "right after the handshake", "example.net")
		r.server.Close()
		_, err = got.secured.Server.Read(make([]byte, 1))
		if f := got.secured.ReadFailed(session.ServerLeg, err); f != nil {
			t.Errorf("a server that hangs up: %+v", f)
		}
	}
	s := &Secured{}
	for _, err := range []error{nil, net.ErrClosed, &net.OpError{Op: "read", Err: net.ErrClosed}, errors.New("what")} {
		if f := s.ReadFailed(session.ClientLeg, err); f != nil {
			t.Errorf("%v: %+v", err, f)
		}
	}
	f := s.ReadFailed(session.ClientLeg, alertError(48)) // as NSS does
	if f == nil || f.Class != session.ClassDistrust || f.Alert != "unknown_ca (48)" {
		t.Errorf("%+v", f)
	}
}

func TestServerWantsClientCertificate(t *testing.T) {
	r := newRig(t)
	server := serverCA.serve(nil)
	server.ClientAuth = tls.RequireAnyClientCert
	got := r.run(r.trusting(), server)
	if got.err != nil || !got.serverEstab.Mutual { // TLS 1.3: the server says no afterwards
		t.Fatalf("%v, order %q", got.err, got.order)
	}
	_, err := got.secured.Server.Read(make([]byte, 1))
	f := got.secured.ReadFailed(session.ServerLeg, err)
	if f == nil || f.Class != session.ClassClientCert || f.Guilty != "server" || f.Alert != "certificate_required (116)" {
		t.Fatalf("%v: %+v", err, f)
	}
	f = got.secured.ReadFailed(session.ServerLeg, io.EOF)
	if f == nil || f.Class != session.ClassClientCert {
		t.Errorf("%+v", f)
	}
}

// alertError is what crypto/tls returns for an alert of the peer: an error whose
// number only %d gives.
func alertError(n uint8) error { return &net.OpError{Op: "remote error", Err: peerAlert(n)} }

type peerAlert uint8

func (p peerAlert) Error() string { return "tls: some words" }

func TestAlertsFromClients(t *testing.T) {
	for n, class := range map[uint8]string{
		42: session.ClassDistrust, 43: session.ClassDistrust, 44: session.ClassDistrust, 45: session.ClassDistrust,
		46: session.ClassDistrust, 48: session.ClassDistrust, 70: session.ClassVersion, 40: session.ClassCipher,
		120: session.ClassALPN, 80: session.ClassOther, 200: session.ClassOther,
	} {
		got := failure{leg: session.ClientLeg, err: alertError(n), last: session.NoAlert, shown: true}.classify()
		if got.Class != class || got.Guilty != "client" || !strings.Contains(got.Alert, fmt.Sprint(n)) || got.Reason == "" {
			t.Errorf("%d: %+v", n, got)
		}
	}
	early := failure{leg: session.ClientLeg, err: errors.New("tls: client sent unexpected early data"), last: session.NoAlert, early: true, asked: true}.classify()
	if !strings.Contains(early.Reason, "0-RTT") {
		t.Errorf("%+v", early)
	}
	mac := failure{leg: session.ClientLeg, err: errors.New("local error: tls: bad record MAC"), last: 48}.classify()
	if mac.Class != session.ClassDistrust || mac.Alert != "unknown_ca (48)" {
		t.Errorf("%+v", mac)
	}
}

func TestLastRecord(t *testing.T) {
	stream := []byte{22, 3, 1, 0, 4, 9, 9, 9, 9, 20, 3, 3, 0, 1, 1, 21, 3, 3, 0, 2, 2, 48}
	for cut := 1; cut <= len(stream); cut++ {
		var r lastRecord
		for rest := stream; len(rest) > 0; {
			n := min(cut, len(rest))
			r.feed(rest[:n])
			rest = rest[n:]
		}
		if got := r.alert(); got != 48 {
			t.Fatalf("in pieces of %d: %v", cut, got)
		}
		r.feed([]byte{23, 3, 3, 0, 2, 2, 48})
		if got := r.alert(); got != session.NoAlert {
			t.Fatalf("application data is taken for alert %v", got)
		}
	}
}
