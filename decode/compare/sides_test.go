package compare_test

import (
	"strings"
	"testing"
	"time"

	"xmppscope/decode/compare"
	"xmppscope/internal/columns"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// wire is a login's TLS handshake: in a capture of one wire on the client's leg,
// else on both.
func wire(captured bool, subject, sni string) []session.Event {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	step := &session.Step{N: 1, ID: "tls", Title: "TLS handshake"}
	server := session.TLSFacts{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Chain: []session.Certificate{{Subject: subject, NotAfter: at.AddDate(1, 0, 0)}}}
	client := server
	client.SNI = sni
	out := []session.Event{{Seen: session.Seen{Session: 1, Seq: 1, At: at, Leg: session.ClientLeg, Body: session.TCPOpened{Captured: captured, Peer: "192.0.2.1:40000", Local: "192.0.2.2:5222"}}}}
	if !captured {
		client.Chain = []session.Certificate{{Subject: "CN=minted"}}
		out = append(out, session.Event{Seen: session.Seen{Session: 1, Seq: 2, At: at, Leg: session.ServerLeg, Body: session.TLSEstablished{TLSFacts: server}}, Said: session.Said{Step: step}})
	}
	return append(out, session.Event{Seen: session.Seen{Session: 1, Seq: 3, At: at, Leg: session.ClientLeg, Body: session.TLSEstablished{TLSFacts: client}}, Said: session.Said{Step: step}})
}

// TestCaptured: the certificate of a capture is compared, with that of another
// capture as with that of a login through xmppscope; what the client says in its hello
// is compared with what it says there.
func TestCaptured(t *testing.T) {
	for _, c := range []struct {
		a, b []session.Event
		want string // what differs; "" if nothing
	}{
		{wire(true, "CN=x", "x.example"), wire(true, "CN=x", "x.example"), ""},
		{wire(true, "CN=x", "x.example"), wire(false, "CN=x", "x.example"), ""},
		{wire(true, "CN=x", "x.example"), wire(true, "CN=y", "x.example"), "certificate of"},
		{wire(true, "CN=x", "x.example"), wire(false, "CN=y", "x.example"), "server leg: certificate of"},
		{wire(false, "CN=x", "x.example"), wire(true, "CN=x", ""), "client leg: SNI"},
	} {
		var got []string
		for _, row := range compare.Sessions(c.a, c.b, compare.Options{}).Rows {
			for _, d := range row.Differences {
				got = append(got, d.What)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%q differs, want %q", s, c.want)
		}
	}
}

// TestAddresses: who spoke with whom counts only if that was asked for.
func TestAddresses(t *testing.T) {
	a, b := wire(true, "CN=x", ""), wire(true, "CN=x", "")
	b[0].Body = session.TCPOpened{Captured: true, Peer: "192.0.2.9:40000", Local: "192.0.2.2:5222"}
	if r := compare.Sessions(a, b, compare.Options{}); !r.Same || r.Ignored != 1 {
		t.Errorf("same is %v, %d ignored", r.Same, r.Ignored)
	}
	r := compare.Sessions(a, b, compare.Options{IDs: true})
	if r.Same || len(r.Other) != 1 || r.Other[0].What != "client's address" || r.Ignored != 0 {
		t.Errorf("%+v", r)
	}
}

// TestPasswords: another password of the same length is noticed where it was
// recorded, and of recordings without secrets within one of them; it is never shown.
func TestPasswords(t *testing.T) {
	login := func(base64 string) []session.Event {
		return xmpptest.Play(t, "C: <stream:stream to='x.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n"+
			"C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"+base64+"</auth>\n")
	}
	const one, other = "AGFsaWNlAHdvbmRlcmxhbmQ=", "AGFsaWNlAHdvbmRlcmxhbmc="
	blank := func(events []session.Event, number string) []session.Event {
		out := make([]session.Event, len(events))
		for i, e := range events {
			out[i] = session.Blank(e)
			for k := range out[i].Notes {
				n := &out[i].Notes[k]
				n.Mark = strings.Replace(n.Mark, "#1", number, 1)
			}
		}
		return out
	}
	for _, c := range []struct {
		what    string
		a, b    []session.Event
		oneRun  bool
		differs bool
	}{
		{"the same", login(one), login(one), false, false},
		{"another", login(one), login(other), false, true},
		{"blanked in two runs", blank(login(one), "#1"), blank(login(other), "#2"), false, false},
		{"blanked in one run", blank(login(one), "#1"), blank(login(other), "#2"), true, true},
		{"blanked in one run, the same", blank(login(one), "#2"), blank(login(one), "#2"), true, false},
		{"one is blanked", login(one), blank(login(other), "#2"), false, false},
	} {
		r := compare.Sessions(c.a, c.b, compare.Options{OneRun: c.oneRun})
		text := strings.Join(linesOf(r, compare.Layout{Details: true}), "\n")
		if r.Same == c.differs || strings.Contains(text, "another of 10 characters") != c.differs || strings.Contains(text, "wonder") {
			t.Errorf("%s: same is %v\n%s", c.what, r.Same, text)
		}
	}
}

// TestWide: what takes two columns is counted as two, and the lines fit.
func TestWide(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "日本語": 6, "e\u0301": 1, "😀": 2, "ﾊﾝｶｸ": 4, "": 0} {
		if n := columns.Of(text); n != want {
			t.Errorf("%q takes %d columns, want %d", text, n, want)
		}
	}
	for _, width := range []int{80, 200} {
		r := compare.Sessions(wire(true, "CN="+strings.Repeat("日本語", 20), ""), wire(true, strings.Repeat("漢字 e\u0301", 40), ""), compare.Options{})
		lines := linesOf(r, compare.Layout{Width: width})
		for _, line := range lines {
			if n := columns.Of(line); n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
		if !strings.Contains(strings.Join(lines, "\n"), "日本語") {
			t.Error("nothing is shown")
		}
	}
}
