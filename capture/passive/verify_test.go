package passive

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	capturetls "xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// TestVerify: certificates are judged once for each handshake of a session, for the
// domain that the client asked for, as of then; and not those of other protocols.
func TestVerify(t *testing.T) {
	k := newTalk(40000, 5222, true)
	for _, l := range starttls {
		k.say(l.dir, l.text)
	}
	keylog := encrypt(t, k, tls.VersionTLS13, nil, inside)
	servers := newTalk(40001, 5269, true)
	for _, l := range starttls {
		servers.say(l.dir, strings.ReplaceAll(l.text, "jabber:client", "jabber:server"))
	}
	keylog += encrypt(t, servers, tls.VersionTLS12, nil, inside)
	other := newTalk(40002, 443, true)
	keylog += encrypt(t, other, tls.VersionTLS13, nil, []line{{c2s, "GET / HTTP/1.1\r\n\r\n"}, {s2c, "HTTP/1.1 200 OK\r\n\r\n"}})

	keys := new(capturetls.Keys)
	if _, err := keys.Add([]byte(keylog)); err != nil {
		t.Fatal(err)
	}
	var asked []Wanted
	verdict := &session.Verification{Problem: "no good", Class: session.ClassExpired, Recorded: true}
	o := Options{Keys: keys, Explain: explainers(), Verify: func(chain []*x509.Certificate, w Wanted) *session.Verification {
		if len(chain) == 0 || chain[0].DNSNames[0] != "example.net" {
			t.Errorf("chain %v", chain)
		}
		asked = append(asked, w)
		return verdict
	}}
	said := 0
	_, err := Read(bytes.NewReader(pcap(k, servers, other)), o, func(e session.Event, by *decode.Session) error {
		e = by.Explain(e.Seen)
		tls, ok := e.Body.(session.TLSEstablished)
		if !ok {
			return nil
		}
		if tls.Verdict != verdict || !asked[len(asked)-1].At.Equal(e.At) {
			t.Errorf("verdict %+v, asked %+v, event of %v", tls.Verdict, asked, e.At)
		}
		for _, n := range e.Notes {
			if n.Rule == "T11" && n.Severity == session.Warning && strings.Contains(n.Text, "no good") {
				said++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(asked) != 2 || said != 2 || asked[0].Domain != "example.net" || asked[0].Server || !asked[1].Server {
		t.Errorf("asked for %+v, said %d times", asked, said)
	}
}
