package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"xmppscope/internal/demo"
)

// bare is the baseline, in a process of its own: a relay that follows STARTTLS, ends
// TLS on both legs with a certificate of its own and copies a record at a time,
// without a look at it. It prints where it listens and the CA to trust.
func bare(ctx context.Context, upstream, upstreamCA string) error {
	pem, err := os.ReadFile(upstreamCA)
	if err != nil {
		return err
	}
	theirs := x509.NewCertPool()
	theirs.AppendCertsFromPEM(pem)
	ours, err := demo.NewAuthority("CA of the bare relay")
	if err != nil {
		return err
	}
	cert, err := ours.Issue(domain)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	fmt.Printf("%s\n%s", l.Addr(), ours.PEM())
	os.Stdout.Close()
	r := &bareRelay{
		upstream: upstream,
		toClient: &tls.Config{Certificates: []tls.Certificate{cert}},
		toServer: &tls.Config{RootCAs: theirs, ServerName: domain},
	}
	for {
		client, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		go r.relay(client)
	}
}

type bareRelay struct {
	upstream           string
	toClient, toServer *tls.Config
}

func (r *bareRelay) relay(client net.Conn) error {
	defer client.Close()
	server, err := net.Dial("tcp", r.upstream)
	if err != nil {
		return err
	}
	defer server.Close()
	for _, step := range []struct {
		from, to wire
		end      string
	}{
		{wire{client}, wire{server}, clientHeader}, {wire{server}, wire{client}, endOfFeatures},
		{wire{client}, wire{server}, startTLS}, {wire{server}, wire{client}, proceed},
	} {
		said, err := step.from.await(step.end)
		if err != nil {
			return err
		}
		if err := step.to.say(said); err != nil {
			return err
		}
	}
	c, s := tls.Server(client, r.toClient), tls.Client(server, r.toServer)
	defer c.Close()
	defer s.Close()
	if err := errors.Join(s.Handshake(), c.Handshake()); err != nil {
		return err
	}
	var both sync.WaitGroup
	both.Go(func() { pass(s, c) })
	both.Go(func() { pass(c, s) })
	both.Wait()
	return nil
}

// pass copies one direction and passes its end on.
func pass(to, from *tls.Conn) {
	io.Copy(to, from)
	to.CloseWrite()
	to.NetConn().(*net.TCPConn).CloseWrite()
}
