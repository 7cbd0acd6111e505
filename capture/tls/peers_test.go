package tls

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// program is a peer that was started, with what it prints.
type program struct {
	t     *testing.T
	name  string
	in    io.WriteCloser
	lines chan string
	said  strings.Builder
}

// start runs a program in dir until the test ends, or stop.
func start(t *testing.T, dir string, env []string, name string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, name: name, in: in, lines: make(chan string, 10000)}
	done := make(chan struct{})
	go func() { cmd.Wait(); w.Close(); close(done) }()
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		cancel()
		r.Close()
		<-done
		for range p.lines {
		}
	})
	return p
}

// await waits for a line that matches, and returns what its first group does.
func (p *program) await(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for line := range p.lines {
		p.said.WriteString(line + "\n")
		if m := re.FindStringSubmatch(line); m != nil {
			return m[len(m)-1]
		}
	}
	p.t.Fatalf("%s ended before it said %q:\n%s", p.name, pattern, &p.said)
	return ""
}

func (p *program) say(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// newTap is a port that passes one connection on, and the tape of it.
func newTap(t *testing.T, to string) (*xmpptest.Tap, *tape) {
	t.Helper()
	tape := new(tape)
	return xmpptest.StartTap(t, to, tape.add), tape
}

// pems writes the server's certificate and key for programs.
func pems(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	c := rsaCert()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

const (
	fromClient = "<presence from='client'/>"
	fromServer = "<presence from='server'/>"
)

// TestOpenSSL: what crypto/tls does not speak, or not with itself.
func TestOpenSSL(t *testing.T) {
	xmpptest.Need(t, "openssl")
	weak := "DEFAULT:ALL:@SECLEVEL=0"
	for _, test := range []struct {
		suite   string
		args    []string // of both
		updates bool     // TLS 1.3: each side renews its keys
		locked  string
		group   string
	}{
		{suite: "TLS_AES_128_GCM_SHA256", args: []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"}, updates: true},
		{suite: "TLS_AES_256_GCM_SHA384", args: []string{"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}, updates: true},
		{suite: "TLS_CHACHA20_POLY1305_SHA256", args: []string{"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, updates: true},
		{suite: "TLS_AES_128_CCM_SHA256", args: []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"}, updates: true},
		{suite: "TLS_AES_128_CCM_8_SHA256", args: []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"}, updates: true},
		{suite: "TLS_AES_128_GCM_SHA256", args: []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-record_padding", "512"}},
		{suite: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", args: []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"}}, // encrypt-then-MAC
		{suite: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", args: []string{"-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA384"}},
		{suite: "TLS_RSA_WITH_AES_256_CBC_SHA", args: []string{"-tls1_1", "-cipher", "AES256-SHA:@SECLEVEL=0"}},
		{suite: "TLS_RSA_WITH_AES_128_CBC_SHA", args: []string{"-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"}},
		{suite: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", args: []string{"-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"}, group: "DH 2048"},
		{suite: "TLS_DHE_RSA_WITH_AES_256_CCM", args: []string{"-tls1_2", "-cipher", "DHE-RSA-AES256-CCM"}},
		{suite: "TLS_RSA_WITH_AES_128_CCM_8", args: []string{"-tls1_2", "-cipher", "AES128-CCM8:@SECLEVEL=0"}},
		{suite: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", args: []string{"-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"}},
		{suite: "TLS_RSA_WITH_NULL_SHA256", args: []string{"-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"}},
		{suite: "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", args: []string{"-tls1_2", "-cipher", "ECDHE-RSA-CAMELLIA128-SHA256:" + weak}, locked: "the cipher suite TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256 cannot be decrypted here"},
	} {
		t.Run(test.suite+test.args[0]+test.args[len(test.args)-1], func(t *testing.T) {
			o := newOpenSSL(t, test.args...)
			var between func(*program)
			if test.updates {
				between = o.renew
			}
			talk := o.talk(t, between, test.args...)
			got := replay(keysOf(t, o.keys(t)), talk.chunks)
			if test.locked != "" {
				if len(got.locked) != 1 || got.locked[0] != test.locked || len(got.established) != 1 || got.established[0].Suite != test.suite {
					t.Errorf("%s", got)
				}
				return
			}
			facts := o.check(t, got)
			if facts.Suite != test.suite || test.group != "" && facts.Group != test.group || len(facts.Chain) != 1 || !facts.EMS {
				t.Errorf("%+v", facts)
			}
			for _, kind := range []string{session.BindingExporter, session.BindingEndPoint} {
				if facts.Bindings[kind] == "" {
					t.Errorf("there is no binding %s in %+v", kind, facts)
				}
			}
			// Up to TLS 1.2 OpenSSL leaves the context away, which gives other data; see
			// TestBindings for those.
			if want := o.exported; facts.Version == "TLS 1.3" && facts.Bindings[session.BindingExporter] != want {
				t.Errorf("exporter %s, OpenSSL says %s", facts.Bindings[session.BindingExporter], want)
			}
		})
	}
}

// openSSL is a running s_server, and what its s_clients leave.
type openSSL struct {
	dir, log, addr string
	server         *program
	exported       string // keying material of the newest connection, hex in lower case
}

var exporting = []string{"-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32"}

func newOpenSSL(t *testing.T, args ...string) *openSSL {
	t.Helper()
	o := &openSSL{dir: t.TempDir()}
	o.log = filepath.Join(o.dir, "keys")
	cert, key := pems(t, o.dir)
	o.server = start(t, o.dir, nil, "openssl", slices.Concat([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key}, args)...)
	o.addr = o.server.await(`^ACCEPT (\S+)`)
	return o
}

// renew has both sides change their keys.
func (o *openSSL) renew(client *program) {
	client.say("k")
	client.await(`^KEYUPDATE`)
	o.server.say("K")
}

// talk has a client of the server's say a line and hear one, twice, and something
// done between, if that is not nil.
func (o *openSSL) talk(t *testing.T, between func(client *program), args ...string) *tape {
	t.Helper()
	tap, tape := newTap(t, o.addr)
	args = slices.Concat([]string{"s_client", "-connect", tap.Addr, "-servername", domain, "-keylogfile", o.log}, exporting, args)
	client := start(t, o.dir, nil, "openssl", args...)
	o.exported = strings.ToLower(client.await(`Keying material: ([0-9A-F]+)`))
	for turn := range 2 {
		if between != nil && turn == 1 {
			between(client)
		}
		client.say(fromClient)
		o.server.await(`(` + fromClient + `)`)
		o.server.say(fromServer)
		client.await(`(` + fromServer + `)`)
	}
	client.say("Q")
	o.server.await(`^(CONNECTION CLOSED|DONE|shutting down SSL)`)
	<-tap.Done
	return tape
}

func (o *openSSL) keys(t *testing.T) []byte {
	t.Helper()
	log, err := os.ReadFile(o.log)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// check: what both have said was decrypted.
func (o *openSSL) check(t *testing.T, got *seen) session.TLSFacts {
	t.Helper()
	for dir, line := range map[session.Dir]string{session.C2S: fromClient, session.S2C: fromServer} {
		if text := got.plain[dir].String(); text != strings.Repeat(line+"\n", 2) {
			t.Errorf("%s: %q", dir, text)
		}
	}
	if len(got.established) != 1 || len(got.failed)+len(got.locked) > 0 {
		t.Fatalf("%s", got)
	}
	return got.established[0]
}

// TestOpenSSLResumes: by session id, by ticket, and with 0-RTT data, accepted and
// rejected.
func TestOpenSSLResumes(t *testing.T) {
	xmpptest.Need(t, "openssl")
	const early = "<early/>\n"
	for _, test := range []struct {
		name           string
		server, client []string
		early          string // what is decrypted of it
		rejected       bool
	}{
		{"session id", []string{"-tls1_2", "-no_ticket"}, []string{"-tls1_2"}, "", false},
		{"ticket", []string{"-tls1_2"}, []string{"-tls1_2"}, "", false},
		{"psk", nil, nil, "", false},
		{"0-RTT", []string{"-early_data"}, []string{"-early_data", "early"}, early, false},
		// By a HelloRetryRequest: the server wants another group than the first.
		{"0-RTT rejected", []string{"-early_data", "-groups", "P-521"}, []string{"-early_data", "early", "-groups", "X25519:P-521"}, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOpenSSL(t, test.server...)
			if err := os.WriteFile(filepath.Join(o.dir, "early"), []byte(early), 0o600); err != nil {
				t.Fatal(err)
			}
			plain := slices.DeleteFunc(slices.Clone(test.client), func(s string) bool { return strings.Contains(s, "early") })
			full := o.talk(t, nil, append(plain, "-sess_out", "session")...)
			short := o.talk(t, nil, append(test.client, "-sess_in", "session")...)
			keys := keysOf(t, o.keys(t))
			first := o.check(t, replay(keys, full.chunks))
			got := replay(keys, short.chunks)
			if text := got.plain[session.C2S].String(); !strings.HasPrefix(text, test.early) {
				t.Errorf("%q", text)
			}
			if rest := strings.TrimPrefix(got.plain[session.C2S].String(), test.early); rest != strings.Repeat(fromClient+"\n", 2) {
				t.Errorf("%q", rest)
			}
			if len(got.established) != 1 || len(got.failed)+len(got.locked) > 0 {
				t.Fatalf("%s", got)
			}
			second := got.established[0]
			if test.rejected {
				if types := recordTypes(short.of(session.C2S)); !strings.HasPrefix(types, "22 20 23 22 ") {
					t.Errorf("there were no early data: records %s", types)
				}
				return
			}
			if first.Resumed || !second.Resumed || len(second.Chain) > 0 {
				t.Errorf("%+v\n%+v", first, second)
			}
			if b := session.BindingEndPoint; first.Bindings[b] == "" || first.Bindings[b] != second.Bindings[b] {
				t.Errorf("%s: %q and %q", b, first.Bindings[b], second.Bindings[b])
			}
		})
	}
}

// TestOpenSSLRenegotiates: TLS 1.2 with new keys from a handshake under the old.
func TestOpenSSLRenegotiates(t *testing.T) {
	xmpptest.Need(t, "openssl")
	o := newOpenSSL(t, "-tls1_2", "-client_renegotiation")
	talk := o.talk(t, func(client *program) {
		client.say("R")
		client.await(`^RENEGOTIATING`)
		client.await(`^(verify return)`)
	}, "-tls1_2")
	keys := keysOf(t, o.keys(t))
	o.check(t, replay(keys, talk.chunks))
	if keys.Len() != 2 {
		t.Errorf("there were %d handshakes", keys.Len())
	}
}

// TestGnuTLS: another implementation of both sides.
func TestGnuTLS(t *testing.T) {
	xmpptest.Need(t, "gnutls-cli", "gnutls-serv")
	dir := t.TempDir()
	cert, key := pems(t, dir)
	log := filepath.Join(dir, "keys")
	addr := xmpptest.FreeAddress(t)
	_, port, _ := net.SplitHostPort(addr)
	server := start(t, dir, nil, "gnutls-serv", "--echo", "--port", port, "--x509certfile", cert, "--x509keyfile", key)
	server.await(`^Echo Server listening on IPv4.*(done)`)
	tap, tape := newTap(t, addr)
	_, at, err := net.SplitHostPort(tap.Addr)
	if err != nil {
		t.Fatal(err)
	}
	client := start(t, dir, []string{"SSLKEYLOGFILE=" + log}, "gnutls-cli", "--insecure", "--sni-hostname", domain, "--port", at, "127.0.0.1")
	client.await(`^- Handshake was completed`)
	client.say(fromClient)
	client.await(`^(` + fromClient + `)`)
	client.in.Close()
	<-tap.Done
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	got := replay(keysOf(t, text), tape.chunks)
	if len(got.established) != 1 || len(got.locked)+len(got.failed) > 0 {
		t.Fatalf("%s", got)
	}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		if plain := got.plain[dir].String(); plain != fromClient+"\n" {
			t.Errorf("%s: %q", dir, plain)
		}
	}
	if f := got.established[0]; f.Version != "TLS 1.3" || f.SNI != domain || len(f.Chain) != 1 || f.Bindings[session.BindingExporter] == "" {
		t.Errorf("%+v", f)
	}
}

// recordTypes lists the types of the records in one direction.
func recordTypes(p []byte) string {
	var out strings.Builder
	for len(p) >= headerSize && len(p) >= recordSize(p) {
		fmt.Fprintf(&out, "%d ", p[0])
		p = p[recordSize(p):]
	}
	return out.String()
}
