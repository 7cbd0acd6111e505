package tls

import (
	"bytes"
	stdtls "crypto/tls"
	"io"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// BenchmarkConn is the bytes of ciphertext in a second, of long records.
func BenchmarkConn(b *testing.B) {
	for _, suite := range []struct{ version, id uint16 }{
		{stdtls.VersionTLS12, stdtls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
		{stdtls.VersionTLS12, stdtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384},
		{stdtls.VersionTLS12, stdtls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
		{stdtls.VersionTLS13, stdtls.TLS_AES_128_GCM_SHA256},
	} {
		b.Run(stdtls.VersionName(suite.version)+" "+stdtls.CipherSuiteName(suite.id), func(b *testing.B) {
			talk := bulk(b, asking(suite.version, suite.id), serving(suite.version, suite.id))
			keys := keysOf(b, talk.keys.Bytes())
			size, plain := 0, 0
			for _, c := range talk.chunks {
				size += len(c.data)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				plain = 0
				c := NewConn(keys, func(o Output) { plain += len(o.Plain) })
				for _, k := range talk.chunks {
					c.Feed(k.dir, k.data, begin)
				}
				c.Close()
			}
			if plain != bulkSize {
				b.Fatalf("%d bytes of plaintext", plain)
			}
		})
	}
}

const bulkSize = 8 << 20

// bulk records a client that sends a lot.
func bulk(tb testing.TB, client, server *stdtls.Config) *talk {
	t := new(talk)
	a, b := xmpptest.Loopback(tb)
	client.KeyLogWriter, client.InsecureSkipVerify, client.ServerName = &t.keys, true, domain
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(io.Discard, stdtls.Server(taped{b, session.S2C, &t.tape}, server))
		b.Close()
	}()
	c := stdtls.Client(taped{a, session.C2S, &t.tape}, client)
	c.Write(bytes.Repeat([]byte("<message/>."), bulkSize/11+1)[:bulkSize])
	c.Close()
	<-done
	return t
}
