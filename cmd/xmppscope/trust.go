package main

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"xmppscope/capture/passive"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// trustFlags say whose certificates count for a server, and how much.
type trustFlags struct {
	roots    string // --upstream-ca
	insecure bool   // --insecure-upstream
	legacy   bool   // --legacy-tls
}

// addRoots adds the flag that all have who see certificates; of says whose.
func (t *trustFlags) addRoots(f *pflag.FlagSet, of string) {
	f.StringVar(&t.roots, "upstream-ca", "", "PEM `file` of a CA to trust for "+of)
}

// add adds the flags of who connects to a server.
func (t *trustFlags) add(f *pflag.FlagSet) {
	t.addRoots(f, "the server's certificate")
	f.BoolVar(&t.insecure, "insecure-upstream", false, "go on when the server's certificate is not valid")
}

func (t *trustFlags) addLegacy(f *pflag.FlagSet) {
	f.BoolVar(&t.legacy, "legacy-tls", false, "speak TLS 1.0, 1.1 and weak cipher suites too, for very old peers")
}

// config is what the flags say. An error is one of the command line.
func (t *trustFlags) config() (*tlsintercept.Config, error) {
	roots, err := t.pool()
	if err != nil {
		return nil, usageError{err}
	}
	c := &tlsintercept.Config{Roots: roots, Insecure: t.insecure, LegacyTLS: t.legacy}
	if t.roots != "" {
		c.RootsName = "the system's store or --upstream-ca " + t.roots
	}
	return c, nil
}

// pool is the CAs that count: the system's, and those of a file if one is named; nil means the
// system's alone.
func (t *trustFlags) pool() (*x509.CertPool, error) {
	if t.roots == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(t.roots)
	if err != nil {
		return nil, hinted{fmt.Errorf("--upstream-ca: %w", err), "name a file with the CA's certificate in PEM form"}
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, hinted{fmt.Errorf("--upstream-ca %q: no certificate in PEM form in it", t.roots), "DER becomes PEM with: openssl x509 -inform der -in FILE -out FILE.pem"}
	}
	return pool, nil
}

// passiveTrust judges certificates as the proxy does, where TLS is not ended.
func passiveTrust(c *tlsintercept.Config) func([]*x509.Certificate, passive.Wanted) *session.Verification {
	return func(chain []*x509.Certificate, w passive.Wanted) *session.Verification {
		trust := tlsintercept.Trust{Roots: c.Roots, Name: c.RootsName, Recorded: true, Server: w.Server}
		return trust.Verify(chain, w.Domain, w.At)
	}
}

// warn says what --insecure-upstream means.
func (t *trustFlags) warn() {
	if t.insecure {
		say(os.Stderr, "warning: --insecure-upstream: the server's certificate is shown but not insisted on")
	}
}
