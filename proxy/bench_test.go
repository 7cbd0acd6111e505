package proxy

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"xmppscope/certs"
)

// BenchmarkRelay measures the whole relay, TLS on both legs, decoding and
// recording included, beside a bare Go relay that ends TLS on both sides and does
// nothing else. Both run in one call, and what counts is their ratio, "x-bare":
//
//	go test ./proxy -run xxx -bench Relay
func BenchmarkRelay(b *testing.B) {
	for _, load := range []struct{ name, stanza string }{
		{"stanza=300B", "<message from='a@wire.example/x' to='b@wire.example' id='12345678' type='chat'><body>" + strings.Repeat("hello ", 30) + "</body></message>"},
		{"stanza=8KB", "<message from='a@wire.example/x' to='b@wire.example' id='12345678' type='chat'><body>" + strings.Repeat("hello ", 1350) + "</body></message>"},
	} {
		b.Run(load.name, func(b *testing.B) {
			block := []byte(strings.Repeat(load.stanza, max(1, 16384/len(load.stanza))))
			b.SetBytes(int64(len(block)))
			bare := throughput(b, bareRelay(b), block)
			ours := throughput(b, ourRelay(b), block)
			b.ReportMetric(ours/bare, "x-bare")
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours/1e6, "MB/s")
			b.ReportMetric(bare/1e6, "bare-MB/s")
		})
	}
}

type ends struct{ client, server net.Conn }

// throughput sends b.N blocks from server to client, and returns bytes a second.
func throughput(b *testing.B, e ends, block []byte) float64 {
	b.Helper()
	mustWrite(b, e.server, serverHdr)
	mustRead(b, e.client, serverHdr)
	b.ResetTimer()
	go func() {
		for range b.N {
			if _, err := e.server.Write(block); err != nil {
				b.Errorf("write: %v", err)
				return
			}
		}
	}()
	if _, err := io.CopyN(io.Discard, e.client, int64(b.N)*int64(len(block))); err != nil {
		b.Fatal(err)
	}
	return float64(b.N) * float64(len(block)) / b.Elapsed().Seconds()
}

func ourRelay(b *testing.B) ends {
	bn := newUnstarted(b)
	bn.forget, bn.options.Control = true, NewControl() // as a run has one, with nothing armed
	bn.start(b)
	client, server := startTLSBoth(b, bn)
	mustWrite(b, client, clientHdr)
	mustRead(b, server, clientHdr)
	return ends{client, server}
}

// bareRelay ends TLS on both sides and copies.
func bareRelay(b *testing.B) ends {
	ca, err := certs.NewMemory()
	if err != nil {
		b.Fatal(err)
	}
	cert, _, err := ca.Mint(testDomain, nil)
	if err != nil {
		b.Fatal(err)
	}
	serve := &tls.Config{Certificates: []tls.Certificate{*cert}}
	dial := &tls.Config{RootCAs: ca.Pool(), ServerName: testDomain}
	upstream, err1 := tls.Listen("tcp", "127.0.0.1:0", serve)
	front, err2 := tls.Listen("tcp", "127.0.0.1:0", serve)
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	b.Cleanup(func() { upstream.Close(); front.Close() })
	go func() {
		c, err := front.Accept()
		if err != nil {
			return
		}
		s, err := tls.Dial("tcp", upstream.Addr().String(), dial)
		if err != nil {
			c.Close()
			return
		}
		go func() { io.Copy(s, c); s.Close() }()
		io.Copy(c, s)
		c.Close()
	}()
	accepted := make(chan net.Conn, 1)
	go func() {
		if s, err := upstream.Accept(); err == nil {
			s.(*tls.Conn).Handshake()
			accepted <- s
		}
	}()
	c, err := tls.Dial("tcp", front.Addr().String(), dial)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	server := <-accepted
	b.Cleanup(func() { server.Close() })
	return ends{c, server}
}
