package tlsintercept

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"

	"xmppscope/internal/demo"
)

// pairFor is a certificate of a domain or of an account, with its key.
func pairFor(t *testing.T, name string) tls.Certificate {
	t.Helper()
	authority, err := demo.NewAuthority("CA of clients")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := authority.Issue(name)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestAskClient: the client is asked for its certificate as the server asks, or as was said;
// what it shows is told, and goes nowhere.
func TestAskClient(t *testing.T) {
	own := pairFor(t, "calling.example")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			name         string
			ask          Ask
			server, want bool // the server asks; the client is asked
		}{
			{"mirror", AskAsServer, true, true}, {"mirror, not asked", AskAsServer, false, false},
			{"always", AskAlways, false, true}, {"never", AskNever, true, false},
		} {
			t.Run(tls.VersionName(version)+"/"+c.name, func(t *testing.T) {
				r := newRig(t)
				r.config.Ask = c.ask
				server := serverCA.serve(nil)
				server.MaxVersion = version
				var shown int
				if c.server {
					server.ClientAuth, server.ClientCAs = tls.RequestClientCert, strangerCA.pool()
					server.VerifyConnection = func(cs tls.ConnectionState) error {
						shown = len(cs.PeerCertificates)
						return nil
					}
				}
				client, asked, wanted := r.trusting(), false, [][]byte(nil)
				client.GetClientCertificate = func(q *tls.CertificateRequestInfo) (*tls.Certificate, error) {
					asked, wanted = true, q.AcceptableCAs
					return &own, nil
				}
				got := r.run(client, server)
				if got.err != nil || got.clientErr != nil || got.serverErr != nil {
					t.Fatal(got.err, got.clientErr, got.serverErr)
				}
				if asked != c.want || got.clientEstab.Mutual != c.want || got.serverEstab.Mutual != c.server {
					t.Errorf("the client was asked: %v, as is told: %v; that the server asks: %v", asked, got.clientEstab.Mutual, got.serverEstab.Mutual)
				}
				if told := got.clientEstab.Client; (len(told) > 0) != c.want || c.want && !slices.Contains(told[0].XMPP, "calling.example") {
					t.Errorf("its certificate is told so: %+v", told)
				}
				if c.want && c.server && (len(wanted) != 1 || string(wanted[0]) != string(strangerCA.cert.RawSubject)) {
					t.Errorf("the CAs that the server has named reach the client so: %q", wanted)
				}
				if shown > 0 || len(got.serverEstab.Client) > 0 {
					t.Error("the server was shown a certificate")
				}
			})
		}
	}
}

// TestAskClientWithout: a client that has no certificate is asked in vain, and comes through.
func TestAskClientWithout(t *testing.T) {
	r := newRig(t)
	r.config.Ask = AskAlways
	got := r.run(r.trusting(), serverCA.serve(nil))
	if got.err != nil || !got.clientEstab.Mutual || len(got.clientEstab.Client) > 0 {
		t.Errorf("%v: %+v", got.err, got.clientEstab)
	}
}

// TestMine: of several certificates the server is shown the one of who opens the stream.
func TestMine(t *testing.T) {
	east, west, juliet := pairFor(t, "east.example"), pairFor(t, domain), pairFor(t, "juliet@"+domain)
	for _, c := range []struct {
		from string
		mine []tls.Certificate
		want *tls.Certificate
	}{
		{"east.example", []tls.Certificate{west, east}, &east},
		{domain, []tls.Certificate{east, west}, &west},
		{"Juliet@" + domain + "/balcony", []tls.Certificate{west, juliet}, &juliet},
		{"", []tls.Certificate{west, east}, &east}, // the stream is for the west
		{"nobody.example", []tls.Certificate{west}, &west},
		{"east.example", nil, nil},
	} {
		r := newRig(t)
		r.config.Mine, r.legs.From = c.mine, c.from
		server := serverCA.serve(nil)
		server.ClientAuth = tls.RequestClientCert
		var shown string
		server.VerifyConnection = func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) > 0 {
				shown = string(cs.PeerCertificates[0].Raw)
			}
			return nil
		}
		got := r.run(r.trusting(), server)
		if got.err != nil || got.serverErr != nil {
			t.Fatal(got.err, got.serverErr)
		}
		want := ""
		if c.want != nil {
			want = string(c.want.Leaf.Raw)
		}
		if shown != want || (len(got.serverEstab.Client) > 0) != (want != "") {
			t.Errorf("from %q with %d: another one was shown; told: %+v", c.from, len(c.mine), got.serverEstab.Client)
		}
	}
}
