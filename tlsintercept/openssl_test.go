package tlsintercept

import (
	"context"
	"crypto/tls"
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
