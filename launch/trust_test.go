package launch

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
)

func authority(t *testing.T, name pkix.Name) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestSubjectHash: it is OpenSSL's.
func TestSubjectHash(t *testing.T) {
	xmpptest.Need(t, "openssl")
	for _, name := range []pkix.Name{
		{CommonName: "xmppscope  CA of Somebody"},
		{Organization: []string{"An Organisation"}, Country: []string{"DE"}, CommonName: "ÜBER uns"},
	} {
		cert := authority(t, name)
		cmd := exec.Command("openssl", "x509", "-noout", "-hash")
		cmd.Stdin = bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
		out, err := cmd.Output()
		if got := fmt.Sprintf("%08x", subjectHash(cert)); err != nil || got != strings.TrimSpace(string(out)) {
			t.Errorf("%v: %s, and OpenSSL says %s (%v)", name, got, out, err)
		}
	}
}

// TestTrust: what the variables of the person name stays, and the CA comes to it; a folder
// has it under its hash, with all that is in it.
func TestTrust(t *testing.T) {
	cert := authority(t, pkix.Name{CommonName: "the CA"})
	folder, theirs := t.TempDir(), t.TempDir()
	mine := filepath.Join(theirs, "mine.pem")
	for path, text := range map[string]string{mine: "my own", filepath.Join(theirs, "java", "cacerts"): "no keystore"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("mine.pem", filepath.Join(theirs, "12345678.0")); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{"SSL_CERT_FILE": mine, "SSL_CERT_DIR": theirs, "NODE_EXTRA_CA_CERTS": ""}
	trust, err := NewTrust(folder, cert.Raw, func(name string) string { return vars[name] }, false)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, e := range trust.Env {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	ours := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	if got := read(env["SSL_CERT_FILE"]); got != "my own\n"+ours {
		t.Errorf("SSL_CERT_FILE has %q", got)
	}
	if got := read(env["NODE_EXTRA_CA_CERTS"]); got != ours {
		t.Errorf("NODE_EXTRA_CA_CERTS has %q", got)
	}
	dir := env["SSL_CERT_DIR"]
	if got := read(filepath.Join(dir, fmt.Sprintf("%08x.0", subjectHash(cert)))); got != ours {
		t.Errorf("by its hash: %q", got)
	}
	if got := read(filepath.Join(dir, "12345678.0")); got != "my own" {
		t.Errorf("what was there: %q", got)
	}
	if to, err := os.Readlink(filepath.Join(dir, "12345678.0")); to != "mine.pem" {
		t.Errorf("a link has become %q (%v)", to, err)
	}
	if store := read(filepath.Join(dir, "java", "cacerts")); !strings.HasPrefix(store, "\xfe\xed\xfe\xed") || !strings.Contains(store, string(cert.Raw)) {
		t.Error("Java's store lacks the CA")
	}
}

// TestStore: a store keeps what is in it.
func TestStore(t *testing.T) {
	one, two := authority(t, pkix.Name{CommonName: "one"}), authority(t, pkix.Name{CommonName: "two"})
	first := addToStore(nil, one)
	both := addToStore(first, two)
	if !bytes.Contains(both, one.Raw) || !bytes.Contains(both, two.Raw) || bytes.Count(both, []byte("X.509")) != bytes.Count(first, []byte("X.509"))+1 {
		t.Error("a certificate is missing, or twice")
	}
}
