package tls

import (
	"bytes"
	"compress/zlib"
	"crypto/ed25519"
	"crypto/sha256"
	stdtls "crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"xmppscope/session"
)

// TestRetry: a HelloRetryRequest, and TLS 1.3 with it.
func TestRetry(t *testing.T) {
	client, server := asking(stdtls.VersionTLS13), serving(stdtls.VersionTLS13)
	client.CurvePreferences = []stdtls.CurveID{stdtls.X25519, stdtls.CurveP384}
	server.CurvePreferences = []stdtls.CurveID{stdtls.CurveP384}
	client.NextProtos, server.NextProtos = []string{"xmpp-client"}, []string{"xmpp-client"}
	talk := converse(t, client, server)
	if !talk.client.HelloRetryRequest {
		t.Fatal("there was no HelloRetryRequest")
	}
	facts := whole(t, replay(keysOf(t, talk.keys.Bytes()), talk.chunks))
	compare(t, facts, talk.client)
	if facts.Group != "secp384r1" || facts.ALPN != "xmpp-client" || strings.Join(facts.Hello.ALPN, " ") != "xmpp-client" {
		t.Errorf("%+v", facts)
	}
}

// TestClientCertificate: the server asks for one and gets it.
func TestClientCertificate(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS12, stdtls.VersionTLS13} {
		client, server := asking(version), serving(version)
		client.Certificates = []stdtls.Certificate{ecCert()}
		server.ClientAuth = stdtls.RequireAnyClientCert
		talk := converse(t, client, server)
		facts := whole(t, replay(keysOf(t, talk.keys.Bytes()), talk.chunks))
		compare(t, facts, talk.client)
		if !facts.Mutual || facts.Chain[0].Key != "RSA 2048" {
			t.Errorf("%s: %+v", facts.Version, facts)
		}
		if len(facts.Client) != 1 || facts.Client[0].Key != "ECDSA P-256" {
			t.Errorf("%s: the client's certificate is %+v", facts.Version, facts.Client)
		}
	}
}

// TestClientCertificateWithoutKeys: up to TLS 1.2 it is sent in the clear.
func TestClientCertificateWithoutKeys(t *testing.T) {
	client, server := asking(stdtls.VersionTLS12), serving(stdtls.VersionTLS12)
	client.Certificates = []stdtls.Certificate{ecCert()}
	server.ClientAuth = stdtls.RequireAnyClientCert
	talk := converse(t, client, server)
	got := replay(keysOf(t, nil), talk.chunks)
	if len(got.established) != 1 || len(got.established[0].Client) != 1 || got.established[0].Client[0].Key != "ECDSA P-256" {
		t.Errorf("%s: %+v", got, got.established)
	}
}

// TestResumption: of TLS 1.2 by its ticket, where the key log of crypto/tls has
// nothing for the second connection, and of TLS 1.3.
func TestResumption(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS10, stdtls.VersionTLS12, stdtls.VersionTLS13} {
		client, server := asking(version), serving(version)
		client.ClientSessionCache = stdtls.NewLRUClientSessionCache(1)
		server.SetSessionTicketKeys([][32]byte{{1}})
		full, short := converse(t, client, server), converse(t, client, server)
		if !short.client.DidResume {
			t.Fatalf("%s: it was not resumed: %v", stdtls.VersionName(version), short.clientErr)
		}
		keys := keysOf(t, append(full.keys.Bytes(), short.keys.Bytes()...))
		first := whole(t, replay(keys, full.chunks))
		second := whole(t, replay(keys, short.chunks))
		compare(t, first, full.client)
		compare(t, second, short.client)
		if !second.Resumed || len(second.Chain) > 0 {
			t.Errorf("%+v", second)
		}
		if b := second.Bindings[session.BindingEndPoint]; b == "" || b != first.Bindings[session.BindingEndPoint] {
			t.Errorf("%s: the binding to the server's certificate is %q, that of the full handshake %q", second.Version, b, first.Bindings[session.BindingEndPoint])
		}
	}
}

// TestBindings: the channel bindings are those that the ends work out. The key log
// of crypto/tls has no exporter secret for TLS 1.3; see TestOpenSSL for that.
func TestBindings(t *testing.T) {
	for _, version := range []uint16{stdtls.VersionTLS10, stdtls.VersionTLS11, stdtls.VersionTLS12, stdtls.VersionTLS13} {
		for _, cert := range []stdtls.Certificate{rsaCert(), ecCert(), edCert()} {
			server := serving(version)
			server.Certificates = []stdtls.Certificate{cert}
			talk := converse(t, asking(version), server)
			if talk.clientErr != nil { // no Ed25519 before TLS 1.2
				continue
			}
			got := whole(t, replay(keysOf(t, talk.keys.Bytes()), talk.chunks)).Bindings
			want := map[string]string{}
			if len(talk.client.TLSUnique) > 0 {
				want[session.BindingUnique] = hex.EncodeToString(talk.client.TLSUnique)
			}
			if version < stdtls.VersionTLS13 {
				data, err := talk.client.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
				if err != nil {
					t.Fatal(err)
				}
				want[session.BindingExporter] = hex.EncodeToString(data)
			}
			if _, none := cert.PrivateKey.(ed25519.PrivateKey); !none {
				sum := sha256.Sum256(cert.Certificate[0])
				want[session.BindingEndPoint] = hex.EncodeToString(sum[:])
			}
			for _, kind := range []string{session.BindingUnique, session.BindingEndPoint, session.BindingExporter} {
				if got[kind] != want[kind] {
					t.Errorf("%s: %s is %q, want %q", stdtls.VersionName(version), kind, got[kind], want[kind])
				}
			}
		}
	}
}

// TestCompressedCertificates: those of zlib are read, the others are named.
func TestCompressedCertificates(t *testing.T) {
	der := ecCert().Certificate[0]
	uint24 := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n))[1:] }
	message := slices.Concat([]byte{0}, uint24(len(der)+5), uint24(len(der)), der, []byte{0, 0})
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write(message)
	z.Close()
	compressed := func(algorithm byte, size int) []byte {
		return slices.Concat([]byte{0, algorithm}, uint24(size), uint24(packed.Len()), packed.Bytes())
	}
	if got, problem := compressedCertificates(compressed(1, len(message))); len(got) != 1 || !bytes.Equal(got[0], der) || problem != "" {
		t.Errorf("%d certificates, %q", len(got), problem)
	}
	for _, test := range []struct {
		body []byte
		want string
	}{
		{compressed(2, len(message)), "brotli"}, {compressed(3, len(message)), "zstd"}, {compressed(9, len(message)), "with 9"},
		{compressed(1, len(message)+1), "damaged"}, {compressed(1, 1<<23), "damaged"}, {compressed(1, len(message))[:30], "damaged"},
	} {
		if got, problem := compressedCertificates(test.body); len(got) > 0 || !strings.Contains(problem, test.want) {
			t.Errorf("%d certificates, %q, want %q", len(got), problem, test.want)
		}
	}
}
