package peertest

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// actor is one end of a stream that does what a script says, for what no real
// client or server can be brought to do. A line of a script is
//
//	>text    send this text
//	<text    read until this text has come
//	tls      do the TLS handshake
//	hold     read until the other side hangs up
//	anything else is an error; behind the last line the connection is closed
type actor struct {
	conn   net.Conn
	tls    *tls.Config
	server bool
	got    []byte
}

// play acts a script and closes the connection.
func (a *actor) play(lines []string) error {
	defer func() { a.conn.Close() }()
	return a.do(lines)
}

// do acts a script. Its error says at which line the other side did something
// else.
func (a *actor) do(lines []string) error {
	a.conn.SetDeadline(time.Now().Add(patience))
	for _, line := range lines {
		if err := a.act(line); err != nil {
			return fmt.Errorf("at %q: %w; it had said %q", line, err, a.got)
		}
	}
	return nil
}

func (a *actor) act(line string) error {
	switch {
	case line == "tls" && a.server:
		a.conn = tls.Server(&trimmed{Conn: a.conn}, a.tls)
		return a.conn.(*tls.Conn).Handshake()
	case line == "tls":
		a.conn = tls.Client(a.conn, a.tls)
		return a.conn.(*tls.Conn).Handshake()
	case line == "hold":
		_, err := io.Copy(io.Discard, a.conn)
		var lost *net.OpError
		if errors.As(err, &lost) && !lost.Timeout() {
			err = nil // a reset is an end, too
		}
		return err
	case line[0] == '>':
		_, err := io.WriteString(a.conn, line[1:])
		return err
	case line[0] == '<':
		return a.read(line[1:])
	}
	return errors.New("no such action")
}

// trimmed is a connection without the white space that its first bytes are: real servers
// have read a line end with the <starttls/> before it.
type trimmed struct {
	net.Conn
	begun bool
}

func (c *trimmed) Read(p []byte) (n int, err error) {
	for !c.begun && len(p) > 0 {
		if n, err = c.Conn.Read(p[:1]); err != nil {
			return n, err
		}
		if c.begun = !strings.ContainsRune(" \t\r\n", rune(p[0])); c.begun {
			return n, nil
		}
	}
	return c.Conn.Read(p)
}

// read reads byte by byte: what follows may be TLS.
func (a *actor) read(until string) error {
	a.got = a.got[:0]
	var b [1]byte
	for !strings.Contains(string(a.got), until) {
		if _, err := io.ReadFull(a.conn, b[:]); err != nil {
			return err
		}
		a.got = append(a.got, b[0])
	}
	return nil
}

// scripted is a client that acts a script; it accepts any certificate. The other
// side may end the dialogue early, for that is what the tests are about.
func scripted(lines ...string) client {
	return scriptedTLS(&tls.Config{InsecureSkipVerify: true, ServerName: "good.test"}, lines...)
}

func scriptedTLS(config *tls.Config, lines ...string) client {
	return func(t *testing.T, s *scope) {
		t.Helper()
		if err := dial(s.Addr, config, lines); err != nil {
			t.Logf("the scripted client: %v", err)
		}
	}
}

func dial(addr string, config *tls.Config, lines []string) error {
	a, err := connect(addr, config)
	if err != nil {
		return err
	}
	return a.play(lines)
}

func connect(addr string, config *tls.Config) (*actor, error) {
	conn, err := net.Dial("tcp", addr)
	return &actor{conn: conn, tls: config}, err
}

// scriptedServer is a server on loopback that acts a script to every client, and
// ends with the test.
func scriptedServer(t *testing.T, config *tls.Config, lines ...string) (addr string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go (&actor{conn: conn, tls: config, server: true}).play(lines)
		}
	}()
	return ln.Addr().String()
}

// What clients say.
func open(domain string) string {
	return ">" + "<?xml version='1.0'?><stream:stream to='" + domain + "' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
}

const (
	features = "<</stream:features>"
	startTLS = "><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	goodbye  = "></stream:stream>"
)

// hello opens a stream and waits for the features; secure does so before and
// behind STARTTLS; authenticated logs in with PLAIN, too.
func hello(domain string) []string { return []string{open(domain), features} }

func secure(domain string, more ...string) []string {
	return slices.Concat(hello(domain), []string{startTLS, "<proceed", "<>", "tls"}, hello(domain), more)
}

func authenticated(domain, user, password string, more ...string) []string {
	return slices.Concat(secure(domain, plain(user, password), "<<success", "<>"), hello(domain), more)
}

func plain(user, password string) string {
	return auth("PLAIN", "\x00"+user+"\x00"+password)
}

func auth(mechanism, initial string) string {
	return "><auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + mechanism + "'>" + base64.StdEncoding.EncodeToString([]byte(initial)) + "</auth>"
}

func bind(resource string) string {
	return "><iq type='set' id='bind-1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" + resource + "</resource></bind></iq>"
}

const bound = "</jid>"
