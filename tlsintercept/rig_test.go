package tlsintercept

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xmppscope/certs"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const domain = "example.net"

// rig is a session over loopback: the real ends of both legs, and what was
// recorded.
type rig struct {
	t              *testing.T
	config         *Config
	legs           Legs
	client, server net.Conn // the far ends

	mu     sync.Mutex
	events []session.Seen
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, config: &Config{CA: ours(t), Roots: serverCA.pool(), Timeout: 20 * time.Second}}
	r.client, r.legs.Client = xmpptest.Loopback(t)
	r.server, r.legs.Server = xmpptest.Loopback(t)
	r.legs.Domain = domain
	r.legs.Record = func(e session.Seen) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.events = append(r.events, e)
	}
	return r
}

var ours = func() func(t *testing.T) *certs.CA {
	ca := sync.OnceValues(certs.NewMemory)
	return func(t *testing.T) *certs.CA {
		t.Helper()
		got, err := ca()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}()

// authority is a CA of the server's world.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serverCA, strangerCA = newAuthority("Server CA"), newAuthority("Stranger CA")

func newAuthority(name string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &authority{key: key}
	a.cert = a.issue(template, template, key)
	return a
}

func (a *authority) issue(template, parent *x509.Certificate, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// leaf makes a server certificate; change may be nil.
func (a *authority) leaf(change func(*x509.Certificate)) *x509.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a server"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{domain},
	}
	if change != nil {
		change(template)
	}
	return a.issue(template, a.cert, a.key)
}

func (a *authority) serve(change func(*x509.Certificate)) *tls.Config {
	leaf := a.leaf(change)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw, a.cert.Raw}, PrivateKey: a.key, Leaf: leaf}}}
}

// trusting is a client that knows our CA.
func (r *rig) trusting() *tls.Config {
	return &tls.Config{RootCAs: r.config.CA.Pool(), ServerName: domain}
}

// result is what the three parties ended with.
type result struct {
	secured                     *Secured
	err, clientErr, serverErr   error
	clientState, serverState    tls.ConnectionState
	clientTLS, serverTLS        *tls.Conn
	clientEstab, serverEstab    *session.TLSFacts
	clientFailed, serverFailed  *session.TLSFailed
	clientSecrets, serverSecret []string
	order                       string // of the events: "Sc" is server established, client failed
}

// run does the handshakes with a TLS client and server at the far ends.
func (r *rig) run(client, server *tls.Config) result {
	r.t.Helper()
	var out result
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out.clientTLS, out.serverTLS = tls.Client(r.client, client), tls.Server(r.server, server)
	wg.Go(func() {
		if out.clientErr = out.clientTLS.HandshakeContext(ctx); out.clientErr != nil {
			r.client.Close()
		}
	})
	wg.Go(func() {
		if out.serverErr = out.serverTLS.HandshakeContext(ctx); out.serverErr != nil {
			r.server.Close()
		}
	})
	out.secured, out.err = r.config.Secure(ctx, r.legs)
	if out.err != nil {
		r.legs.Client.Close()
		if r.legs.Server != nil {
			r.legs.Server.Close()
		}
		r.server.Close()
	}
	wg.Wait()
	out.clientState, out.serverState = out.clientTLS.ConnectionState(), out.serverTLS.ConnectionState()
	r.collect(&out)
	return out
}

// collect sorts the events by leg.
func (r *rig) collect(out *result) {
	r.t.Helper()
	for _, e := range r.events {
		if e.At.IsZero() || e.Leg == session.NoLeg {
			r.t.Errorf("event without time or leg: %+v", e)
		}
		client := e.Leg == session.ClientLeg
		switch b := e.Body.(type) {
		case session.TLSEstablished:
			if client {
				out.clientEstab, out.order = &b.TLSFacts, out.order+"C"
			} else {
				out.serverEstab, out.order = &b.TLSFacts, out.order+"S"
			}
		case session.TLSFailed:
			if b.Class == "" || b.Guilty == "" || b.Reason == "" {
				r.t.Errorf("failure without class, guilty or reason: %+v", b)
			}
			if client {
				out.clientFailed, out.order = &b, out.order+"c"
			} else {
				out.serverFailed, out.order = &b, out.order+"s"
			}
		case session.TLSSecret:
			if client {
				out.clientSecrets = append(out.clientSecrets, b.Line)
			} else {
				out.serverSecret = append(out.serverSecret, b.Line)
			}
		}
	}
}

// echo sends bytes through both legs and back.
func echo(t *testing.T, from, to *tls.Conn, text string) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := io.WriteString(from, text); err != nil {
			t.Error(err)
		}
	})
	got := make([]byte, len(text))
	if _, err := io.ReadFull(to, got); err != nil || string(got) != text {
		t.Errorf("got %q, %v", got, err)
	}
	wg.Wait()
}
