package tlsintercept

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"testing"

	"xmppscope/session"
)

// TestBindings: what is recorded for a leg is what its far end computes, and the
// two legs share nothing.
func TestBindings(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		r := newRig(t)
		client := r.trusting()
		client.MaxVersion = version
		got := r.run(client, serverCA.serve(nil))
		wellDone(t, got)
		for _, leg := range []struct {
			name  string
			facts *session.TLSFacts
			far   tls.ConnectionState
			leaf  *x509.Certificate
		}{
			{"client", got.clientEstab, got.clientState, got.clientState.PeerCertificates[0]},
			{"server", got.serverEstab, got.serverState, leafOf(got.secured.Server.ConnectionState().PeerCertificates)},
		} {
			data, err := leg.far.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(leg.leaf.Raw)
			for kind, want := range map[string][]byte{
				session.BindingExporter: data, session.BindingUnique: leg.far.TLSUnique, session.BindingEndPoint: sum[:],
			} {
				if leg.facts.Bindings[kind] != hex.EncodeToString(want) {
					t.Errorf("%s, %s leg: %s is %q, the far end has %x", tls.VersionName(version), leg.name, kind, leg.facts.Bindings[kind], want)
				}
			}
			if _, has := leg.facts.Bindings[session.BindingUnique]; has != (version == tls.VersionTLS12) {
				t.Errorf("%s, %s leg: tls-unique: %t", tls.VersionName(version), leg.name, has)
			}
		}
		for kind, value := range got.clientEstab.Bindings {
			if got.serverEstab.Bindings[kind] == value {
				t.Errorf("both legs have the same %s", kind)
			}
		}
	}
}
