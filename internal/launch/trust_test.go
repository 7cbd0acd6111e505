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

// TestTrustPrivate: what only its owner can read in a folder of certificates, such as a key,
// only its owner can read in the copy.
func TestTrustPrivate(t *testing.T) {
	folder, theirs := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(theirs, "private"), 0o500); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"server.key": 0o600, "ca.pem": 0o444} {
		if err := os.WriteFile(filepath.Join(theirs, name), []byte("text"), mode); err != nil {
			t.Fatal(err)
		}
	}
	bundle := filepath.Join(theirs, "server.key")
	trust, err := NewTrust(folder, authority(t, pkix.Name{CommonName: "the CA"}).Raw, func(name string) string {
		return map[string]string{"SSL_CERT_DIR": theirs, "SSL_CERT_FILE": bundle}[name]
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range trust.Env {
		switch name, path, _ := strings.Cut(e, "="); name {
		case "SSL_CERT_DIR":
			for name, want := range map[string]os.FileMode{"server.key": 0o600, "ca.pem": 0o444, "private": 0o700} {
				found++
				if info, err := os.Stat(filepath.Join(path, name)); err != nil || info.Mode().Perm() != want {
					t.Errorf("%s: %v, want %v (%v)", name, info.Mode(), want, err)
				}
			}
		case "SSL_CERT_FILE":
			found++
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the bundle: %v (%v)", info.Mode(), err)
			}
		}
	}
	if found != 4 {
		t.Errorf("%d of 4 are there: %q", found, trust.Env)
	}
}
