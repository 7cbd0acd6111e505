package proxy

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

// newUntouched is a bench whose clients' TLS is left as it is, with their key log.
func newUntouched(t *testing.T) (b *bench, keylog string) {
	t.Helper()
	keylog = filepath.Join(t.TempDir(), "keys")
	b = newUnstarted(t)
	log := NewKeyLog(keylog)
	b.options.Untouched = &Untouched{Keys: log, Choose: func(net.Conn) string { return "it was asked for" }}
	go log.Follow(t.Context())
	b.start(t)
	return b, keylog
}

// startedTLS is STARTTLS up to TLS, for a client that trusts the server's own CA and logs
// its secrets.
func startedTLS(t *testing.T, b *bench, keylog string) (client, server *tls.Conn) {
	t.Helper()
	c := b.dial(t)
	mustWrite(t, c, clientHdr)
	s := b.accept(t)
	toTLS(t, c, s)
	config := &tls.Config{RootCAs: b.server.Pool(), ServerName: b.domain}
	if keylog != "" {
		f, err := os.OpenFile(keylog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		config.KeyLogWriter = f
	}
	return handshakes(t, config, b.serverTLS(t), c, s)
}

// TestUntouched: the client shakes hands with the server itself; what the client's leg
// carries is kept, and the secrets that open it.
func TestUntouched(t *testing.T) {
	b, keylog := newUntouched(t)
	client, server := startedTLS(t, b, keylog)
	ours, its := client.ConnectionState(), server.ConnectionState()
	mine, err1 := ours.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	theirs, err2 := its.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err := errors.Join(err1, err2); err != nil || !slices.Equal(mine, theirs) {
		t.Errorf("the two ends have no TLS connection in common (%v)", err)
	}
	mustWrite(t, client, clientHdr)
	mustRead(t, server, clientHdr)
	client.Close()
	server.Close()
	var secrets string
	wire := map[session.Leg]int{}
	for i, e := range b.events() {
		switch body := e.Body.(type) {
		case session.TCPOpened:
			if i == 0 && !body.Captured {
				t.Error("it is not told that one leg alone is seen")
			}
		case session.TLSSecret:
			secrets += body.Line + "\n"
		case session.WireBytes:
			wire[e.Leg] += len(e.Raw)
		case session.TLSEstablished:
			t.Errorf("TLS was ended: %+v", body)
		}
	}
	for _, label := range []string{"CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 ", "SERVER_HANDSHAKE_TRAFFIC_SECRET "} {
		if strings.Count(secrets, label) != 1 {
			t.Errorf("%d of %sin\n%s", strings.Count(secrets, label), label, secrets)
		}
	}
	if wire[session.ClientLeg] < 1000 {
		t.Errorf("%d bytes of the client's leg are kept", wire[session.ClientLeg])
	}
	if some, none := b.options.Untouched.Keys.Came(); some != 1 || none != 0 {
		t.Errorf("secrets have come of %d connections, and of %d none", some, none)
	}
}

// TestUntouchedNoKeys: it is counted that a client has logged none.
func TestUntouchedNoKeys(t *testing.T) {
	b, _ := newUntouched(t)
	client, server := startedTLS(t, b, "")
	client.Close()
	server.Close()
	b.events()
	if some, none := b.options.Untouched.Keys.Came(); some != 0 || none != 1 {
		t.Errorf("secrets have come of %d connections, and of %d none", some, none)
	}
}

// TestKeyLogPieces: a ClientHello may come byte by byte, behind bytes that look like its
// beginning; no secrets but its own are given, and before it none at all.
func TestKeyLogPieces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	k := NewKeyLog(path)
	spool := session.NewSpool(session.SpoolOptions{})
	defer spool.Close()
	trail := spool.Begin(1)
	w := k.watch(trail)
	own, other := "CLIENT_RANDOM "+strings.Repeat("ab", 32)+" 00", "CLIENT_RANDOM "+strings.Repeat("cd", 32)+" 00"
	said := []byte("\x16\x16\x03<starttls/>\x16\x03\x01\x00\xc8\x05\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + strings.Repeat("\xab", 32))
	for i := range said {
		if i == len(said)/2 {
			if err := os.WriteFile(path, []byte(own+"\n"+other+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			k.mu.Lock()
			k.read()
			k.mu.Unlock()
		}
		w.heard(said[i : i+1])
	}
	w.close()
	var given []string
	trail.Take(func(e session.Seen) {
		if b, ok := e.Body.(session.TLSSecret); ok {
			given = append(given, b.Line)
		}
	})
	if !slices.Equal(given, []string{own}) {
		t.Errorf("given were %q", given)
	}
}

// TestKeyLog: secrets reach the session whose they are, also where they have come first; a
// file that is begun anew is read from its beginning, and what was in it before is not read.
func TestKeyLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	random := func(b byte) string { return strings.Repeat(string("0123456789abcdef"[b])+"0", 32) }
	line := func(b byte) string { return "CLIENT_RANDOM " + random(b) + " " + strings.Repeat("00", 48) + "\n" }
	hello := func(b byte) []byte {
		p := append([]byte("<starttls/>"), 0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3)
		for range 32 {
			p = append(p, b<<4)
		}
		return p
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(line(1))
	k := NewKeyLog(path)
	spool := session.NewSpool(session.SpoolOptions{})
	defer spool.Close()
	given := func(trail *session.Trail) (out []string) {
		trail.Take(func(e session.Seen) {
			if b, ok := e.Body.(session.TLSSecret); ok {
				out = append(out, b.Line)
			}
		})
		return out
	}
	one, two := spool.Begin(1), spool.Begin(2)
	w1 := k.watch(one)
	w1.heard(hello(1))
	write(line(1) + line(2) + line(3)[:20])
	k.mu.Lock()
	k.read()
	k.mu.Unlock()
	w2 := k.watch(two)
	w2.heard(hello(2)) // whose secrets are there already
	w3 := k.watch(spool.Begin(3))
	w3.heard(hello(3))
	write(line(4)) // shorter: begun anew
	w1.close()
	w2.close()
	w3.close()
	if got := given(one); len(got) != 0 {
		t.Errorf("the first has got %q", got)
	}
	if got := given(two); len(got) != 1 || got[0]+"\n" != line(2) {
		t.Errorf("the second has got %q", got)
	}
	if len(k.lines[random(4)]) != 1 || len(k.waiting) != 0 {
		t.Errorf("kept are %v; %d wait", k.lines, len(k.waiting))
	}
}
