package tlsintercept

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"

	"xmppscope/session"
)

// bindings is the channel-binding data of a connection in hex, by the type's
// registered name. It is no secret, but ties a login to this one connection.
func bindings(cs tls.ConnectionState, leaf *x509.Certificate) map[string]string {
	out := map[string]string{}
	if len(cs.TLSUnique) > 0 { // never with TLS 1.3
		out[session.BindingUnique] = hex.EncodeToString(cs.TLSUnique)
	}
	if data, err := exporter(cs); err == nil {
		out[session.BindingExporter] = hex.EncodeToString(data)
	}
	if sum := session.TLSEndPoint(leaf); sum != nil {
		out[session.BindingEndPoint] = hex.EncodeToString(sum)
	}
	return out
}

// exporter is tls-exporter (RFC 9266 §2). The context is present and empty: on
// TLS 1.2 an absent one gives other data.
func exporter(cs tls.ConnectionState) ([]byte, error) {
	return cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
}

// leafOf is the certificate that a peer has shown, nil if none.
func leafOf(chain []*x509.Certificate) *x509.Certificate {
	if len(chain) == 0 {
		return nil
	}
	return chain[0]
}

// minted is the certificate that the client was shown, nil before.
func (p *pair) minted() *x509.Certificate {
	if p.config == nil {
		return nil
	}
	return p.config.Certificates[0].Leaf
}
