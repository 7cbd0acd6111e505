package passive

import (
	"bytes"
	"strings"
	"testing"

	stdtls "crypto/tls"

	"github.com/google/go-cmp/cmp"

	"xmppscope/capture/packet"
	"xmppscope/capture/tls"
	"xmppscope/decode"
	"xmppscope/session"
)

// readWire is read with packets and secrets, which are given beside the other events.
func readWire(t testing.TB, capture []byte, keylog string) (all, numbered []session.Event, report Report) {
	t.Helper()
	keys := new(tls.Keys)
	if _, err := keys.Add([]byte(keylog)); err != nil {
		t.Fatal(err)
	}
	report, err := Read(bytes.NewReader(capture), Options{Keys: keys, Explain: explainers(), Wire: true}, func(e session.Event, by *decode.Session) error {
		if by != nil {
			e = by.Explain(e.Seen)
		}
		all = append(all, e)
		if session.Numbered(e.Body) {
			numbered = append(numbered, e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, numbered, report
}

// frames are the packets among events, of one session or of all (0).
func frames(events []session.Event, id int) (out [][]byte) {
	for _, e := range events {
		if _, ok := e.Body.(session.WirePacket); ok && (id == 0 || e.Session == id) {
			out = append(out, e.Raw)
		}
	}
	return out
}

// TestPacketsComeAlong: with packets or without, the events of a real capture are the
// same; and of the packets none is missing, changed, or in another order.
func TestPacketsComeAlong(t *testing.T) {
	for name, c := range dumps(t) {
		capture := c.capture
		for _, keylog := range []string{c.keys, ""} {
			want, _ := read(t, capture, keylog)
			all, got, _ := readWire(t, capture, keylog)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: (-without +with)\n%.1000s", name, diff)
			}
			var packets [][]byte
			packet.Read(bytes.NewReader(capture), packet.Options{Packets: true}, func(e *packet.Event) error {
				if peer := want[0].Body.(session.TCPOpened).Peer; e.Kind == packet.Captured && e.Conn.Client.String() == peer {
					packets = append(packets, bytes.Clone(e.Packet.Data))
				}
				return nil
			})
			if diff := cmp.Diff(packets, frames(all, 0)); diff != "" {
				t.Errorf("%s: (-captured +emitted)\n%.1000s", name, diff)
			}
			secretsFirst(t, name, all, keylog)
		}
	}
}

// secretsFirst: the secrets are of the key log, and stand before ServerHello.
func secretsFirst(t *testing.T, name string, events []session.Event, keylog string) {
	t.Helper()
	secrets, hellos := 0, 0
	for _, e := range events {
		switch b := e.Body.(type) {
		case session.TLSSecret:
			secrets++
			if !strings.Contains(strings.ToLower(keylog), strings.ToLower(b.Line)) {
				t.Errorf("%s: %q is not in the key log", name, b.Line)
			}
		case session.WirePacket:
			if bytes.Contains(e.Raw, []byte{0x16, 3, 3}) && e.Dir == s2c {
				if hellos++; secrets == 0 && keylog != "" {
					t.Errorf("%s: TLS of the server before any secret", name)
				}
			}
		}
	}
	if (secrets > 0) != (keylog != "") {
		t.Errorf("%s: %d secrets", name, secrets)
	}
	if keylog != "" && hellos == 0 {
		t.Errorf("%s: no TLS of the server", name)
	}
}

// TestPacketsOfTheirSession: each session has the packets of its connection, those
// before it was recognised too; other connections have none.
func TestPacketsOfTheirSession(t *testing.T) {
	var keys string
	web := newTalk(40000, 443, true)
	keys += encrypt(t, web, stdtls.VersionTLS13, []string{"h2"}, []line{{c2s, "GET / HTTP/1.1\r\n\r\n"}})
	plain := newTalk(40001, 5222, true).say(c2s, header).say(s2c, reply+"<stream:features/>").bye()
	direct := newTalk(40002, 9999, true)
	own := encrypt(t, direct, stdtls.VersionTLS12, nil, inside)
	keys += own
	all, _, report := readWire(t, pcap(web, plain, direct.bye()), keys)
	if report.Sessions != 2 || report.Unkept != 0 {
		t.Fatalf("%+v", report)
	}
	if diff := cmp.Diff(plain.packets, frames(all, 1)); diff != "" {
		t.Errorf("session 1: %s", diff)
	}
	if diff := cmp.Diff(direct.packets, frames(all, 2)); diff != "" {
		t.Errorf("session 2: %s", diff)
	}
	secretsFirst(t, "direct", all, own)
	if _, ok := all[0].Body.(session.WirePacket); !ok || all[0].Dir != c2s {
		t.Errorf("the first event is %s %s", all[0].Kind(), all[0].Dir)
	}
}

// TestPacketsThatAreTooMany: what waits until it is known whose it is, is bounded.
func TestPacketsThatAreTooMany(t *testing.T) {
	k := newTalk(40000, 5222, true)
	for range maxWaiting / packetCost {
		k.flags(c2s, 0x10)
	}
	k.say(c2s, header).bye()
	all, numbered, report := readWire(t, pcap(k), "")
	if got := len(frames(all, 1)); report.Unkept == 0 || got == 0 || got+report.Unkept != len(k.packets) {
		t.Errorf("%d packets, %d unkept, of %d", got, report.Unkept, len(k.packets))
	}
	if len(numbered) < 2 {
		t.Errorf("%d events", len(numbered))
	}
}

// TestPacketsWaitForSecrets: where the file has its keys behind the packets, these
// wait for them.
func TestPacketsWaitForSecrets(t *testing.T) {
	k := newTalk(40000, 5222, true).say(c2s, header).say(s2c, reply+"<stream:features/>")
	k.say(c2s, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").say(s2c, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	keys := encrypt(t, k, stdtls.VersionTLS13, nil, inside)
	all, numbered, _ := readWire(t, pcapng(k, keys, true), "")
	secretsFirst(t, "keys at the end", all, keys)
	if diff := cmp.Diff(k.packets, frames(all, 1)); diff != "" {
		t.Error(diff)
	}
	if want, _ := read(t, pcap(k), keys); len(want) != len(numbered) {
		t.Errorf("%d events, %d with the keys at hand", len(numbered), len(want))
	}
}
