package tls

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const domain = "example.net"

// certificate makes a self-signed one.
func certificate(key crypto.Signer) stdtls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xfeed), Subject: pkix.Name{CommonName: domain}, DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

var (
	rsaCert = sync.OnceValue(func() stdtls.Certificate {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return certificate(key)
	})
	ecCert = sync.OnceValue(func() stdtls.Certificate {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return certificate(key)
	})
	edCert = sync.OnceValue(func() stdtls.Certificate {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		return certificate(key)
	})
)

// chunk is what one write carried.
type chunk struct {
	dir  session.Dir
	data []byte
}

// tape records both directions of a connection in order.
type tape struct {
	mu     sync.Mutex
	chunks []chunk
}

func (r *tape) add(dir session.Dir, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.chunks = append(r.chunks, chunk{dir, bytes.Clone(p)})
}

// of is all that one direction carried.
func (r *tape) of(dir session.Dir) []byte {
	var out []byte
	for _, c := range r.chunks {
		if c.dir == dir {
			out = append(out, c.data...)
		}
	}
	return out
}

// taped writes to the tape what goes to the connection.
type taped struct {
	net.Conn
	dir  session.Dir
	tape *tape
}

func (c taped) Write(p []byte) (int, error) {
	c.tape.add(c.dir, p)
	return c.Conn.Write(p)
}

// talk is a recorded conversation of crypto/tls with itself.
type talk struct {
	tape
	keys           bytes.Buffer
	client, server stdtls.ConnectionState
	clientErr      error
	serverErr      error
}

// Lines of both sides, in this order: one each in turn, beginning with the client.
var lines = []string{"<stream:stream to='example.net'>", "<stream:features/>", strings.Repeat("<message/>", 5000), "</stream:stream>"}

// converse has two ends speak the lines and close.
func converse(tb testing.TB, client, server *stdtls.Config) *talk {
	t := new(talk)
	tb.Helper()
	a, b := xmpptest.Loopback(tb)
	client, server = client.Clone(), server.Clone()
	client.KeyLogWriter = &t.keys
	client.InsecureSkipVerify = client.RootCAs == nil
	if client.ServerName == "" {
		client.ServerName = domain
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		c := stdtls.Client(taped{a, session.C2S, &t.tape}, client)
		t.clientErr = exchange(c, 0)
		t.client = c.ConnectionState()
		a.Close()
	})
	wg.Go(func() {
		c := stdtls.Server(taped{b, session.S2C, &t.tape}, server)
		t.serverErr = exchange(c, 1)
		t.server = c.ConnectionState()
		b.Close()
	})
	wg.Wait()
	return t
}

// exchange speaks every other line, and hears those between.
func exchange(c *stdtls.Conn, turn int) error {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	for i, line := range lines {
		if i%2 == turn {
			if _, err := c.Write([]byte(line)); err != nil {
				return err
			}
			continue
		}
		got := make([]byte, len(line))
		if _, err := io.ReadFull(c, got); err != nil {
			return err
		}
		if string(got) != line {
			return errors.New("another line came than was sent")
		}
	}
	if turn == 0 {
		c.CloseWrite()
		io.Copy(io.Discard, c)
		return nil
	}
	io.Copy(io.Discard, c)
	return c.Close()
}

// said is what one direction was to say.
func said(dir session.Dir) string {
	var out string
	for i, line := range lines {
		if (i%2 == 0) == (dir == session.C2S) {
			out += line
		}
	}
	return out
}

// seen is what a Conn has told.
type seen struct {
	plain       [3]bytes.Buffer
	established []session.TLSFacts
	failed      []session.TLSFailed
	locked      []string
	closed      [3]int
	lost        [3]int64
	order       []string // kinds, as they came
}

func (s *seen) take(o Output) {
	kind := "plain"
	switch b := o.Body.(type) {
	case session.TLSEstablished:
		s.established = append(s.established, b.TLSFacts)
		kind = b.Name()
	case session.TLSFailed:
		s.failed = append(s.failed, b)
		kind = b.Name()
	case nil:
	}
	s.plain[o.Dir].Write(o.Plain)
	if o.Locked != "" {
		s.locked = append(s.locked, o.Locked)
		kind = "locked"
	}
	if o.Closed {
		s.closed[o.Dir]++
		kind = "closed"
	}
	if o.Lost != 0 {
		s.lost[o.Dir] += o.Lost
		kind = "lost"
	}
	if n := len(s.order); n == 0 || s.order[n-1] != kind {
		s.order = append(s.order, kind)
	}
}

func (s *seen) String() string {
	return fmt.Sprintf("order %v, %d and %d bytes, established %+v, failed %+v, locked %q, closed %v, lost %v",
		s.order, s.plain[1].Len(), s.plain[2].Len(), s.established, s.failed, s.locked, s.closed, s.lost)
}

// keysOf takes in a key log that has to be right.
func keysOf(t testing.TB, log []byte) *Keys {
	t.Helper()
	k := new(Keys)
	if _, err := k.Add(log); err != nil {
		t.Fatal(err)
	}
	k.Complete(true)
	return k
}

var begin = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// replay feeds a tape, each chunk a millisecond after the one before.
func replay(keys *Keys, chunks []chunk) *seen {
	s := new(seen)
	c := NewConn(keys, s.take)
	for i, k := range chunks {
		c.Feed(k.dir, k.data, begin.Add(time.Duration(i)*time.Millisecond))
	}
	c.End(session.C2S)
	c.End(session.S2C)
	c.Close()
	if keys.held != 0 {
		s.failed = append(s.failed, session.TLSFailed{Reason: "bytes are still held"})
	}
	return s
}

// whole checks that everything was decrypted.
func whole(t testing.TB, s *seen) session.TLSFacts {
	t.Helper()
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		if got := s.plain[dir].String(); got != said(dir) {
			t.Errorf("%s: %d bytes of plaintext, want %d", dir, len(got), len(said(dir)))
		}
	}
	if len(s.established) != 1 || len(s.failed) > 0 || len(s.locked) > 0 || s.order[0] != "tls:established" {
		t.Fatalf("%s", s)
	}
	return s.established[0]
}
