package tlsintercept

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestOpenSSLDistrusts has OpenSSL refuse our certificate. With TLS 1.3 it sends
// its alert in the clear although we encrypt already, and crypto/tls can only
// report a bad record MAC.
func TestOpenSSLDistrusts(t *testing.T) {
	xmpptest.Need(t, "openssl")
	dir := t.TempDir()
	ca, stranger := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "stranger.pem")
	strangerPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: strangerCA.cert.Raw})
	if err := errors.Join(os.WriteFile(ca, ours(t).RootPEM(), 0o600), os.WriteFile(stranger, strangerPEM, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		args  []string
		alert string
	}{
		{"unknown CA", []string{"-CAfile", stranger}, "unknown_ca (48)"},
		{"other name", []string{"-CAfile", ca, "-verify_hostname", "other.test"}, "bad_certificate (42)"},
		{"trusting", []string{"-CAfile", ca, "-verify_hostname", domain}, ""},
	} {
		for _, version := range []string{"-tls1_2", "-tls1_3"} {
			t.Run(test.name+version, func(t *testing.T) {
				r := newRig(t)
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				args := append([]string{"s_client", "-connect", l.Addr().String(), "-servername", domain, "-verify_return_error", "-alpn", "xmpp-client", version}, test.args...)
				cmd := exec.CommandContext(ctx, "openssl", args...)
				stdin, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				var out strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if r.legs.Client, err = l.Accept(); err != nil {
					t.Fatal(err)
				}
				far := make(chan struct{})
				go func() { defer close(far); tls.Server(r.server, serverCA.serve(nil)).HandshakeContext(ctx) }()
				_, err = r.config.Secure(ctx, r.legs)
				r.legs.Client.Close()
				stdin.Close()
				waited := cmd.Wait()
				<-far
				var got result
				r.collect(&got)
				if test.alert == "" {
					if err != nil || got.order != "SC" {
						t.Fatalf("%v, order %q, openssl: %v\n%s", err, got.order, waited, &out)
					}
					return
				}
				if err == nil || got.order != "Sc" {
					t.Fatalf("%v, order %q\n%s", err, got.order, &out)
				}
				if f := got.clientFailed; f.Class != session.ClassDistrust || f.Alert != test.alert || f.Guilty != "client" {
					t.Errorf("%+v\n%s", f, &out)
				}
			})
		}
	}
}

// openSSLServers are what a client that has all of it reaches directly.
var openSSLServers = map[string]struct {
	args   []string
	legacy bool     // --legacy-tls
	words  []string // of the failure; nil: there is none
}{
	"DHE only":                           {[]string{"-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"}, false, []string{"DHE key exchange", "cannot", "let it accept ECDHE"}},
	"DHE only, legacy":                   {[]string{"-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"}, true, []string{"DHE key exchange", "cannot"}},
	"RSA key exchange only":              {[]string{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}, false, []string{"RSA key exchange", "(xmppscope does with --legacy-tls)"}},
	"RSA key exchange only, legacy":      {[]string{"-tls1_2", "-cipher", "AES128-GCM-SHA256"}, true, nil},
	"X448 only, TLS 1.3":                 {[]string{"-tls1_3", "-groups", "X448"}, false, []string{"x448", "cannot"}},
	"X448 only, TLS 1.2":                 {[]string{"-tls1_2", "-groups", "X448", "-cipher", "ECDHE"}, false, []string{"x448", "cannot"}},
	"brainpool only":                     {[]string{"-tls1_2", "-groups", "brainpoolP256r1", "-cipher", "ECDHE"}, false, []string{"brainpool curves", "cannot"}},
	"what everybody has, for comparison": {nil, false, nil},
}

// TestOpenSSLServers: a server that a client reaches directly and we do not is told by
// what it may insist on, with the flag that helps, or that nothing does.
func TestOpenSSLServers(t *testing.T) {
	xmpptest.Need(t, "openssl")
	dir := t.TempDir()
	cert := rsaCertificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "server.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range openSSLServers {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.config.Insecure, r.config.LegacyTLS = true, test.legacy
			if r.legs.Server, err = net.Dial("tcp", startOpenSSL(t, append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", file}, test.args...))); err != nil {
				t.Fatal(err)
			}
			defer r.legs.Server.Close()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			l.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
			startOpenSSL(t, []string{"s_client", "-connect", l.Addr().String(), "-servername", domain, "-groups", "X25519:P-256:X448:brainpoolP256r1"})
			if r.legs.Client, err = l.Accept(); err != nil {
				t.Fatal(err)
			}
			defer r.legs.Client.Close()
			_, err = r.config.Secure(t.Context(), r.legs)
			var got result
			r.collect(&got)
			switch {
			case test.words == nil && (err != nil || got.order != "SC"):
				t.Fatalf("%v, order %q, %+v", err, got.order, got.serverFailed)
			case test.words == nil:
			case got.order != "sc" || got.serverFailed.Class != session.ClassCipher:
				t.Fatalf("%v, order %q, %+v", err, got.order, got.serverFailed)
			default:
				says(t, got.serverFailed, test.words...)
				if flag := strings.Contains(got.serverFailed.Reason+got.serverFailed.Hint, "--legacy-tls"); flag == test.legacy {
					t.Errorf("the flag is named: %v, and it is set: %v", flag, test.legacy)
				}
			}
		})
	}
}

// startOpenSSL runs openssl until the test ends, and gives the address that a server
// listens at.
func startOpenSSL(t *testing.T, args []string) (addr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	stdin, err1 := cmd.StdinPipe() // an end of it would end the program
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	if args[0] != "s_server" {
		return ""
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			return addr
		}
	}
	t.Fatalf("openssl %q does not listen: %v", args, lines.Err())
	return ""
}
