package main

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"rsc.io/qr"

	"xmppscope/internal/dnsrelay"
	"xmppscope/internal/idn"
)

// TestLeadHere: a chosen domain's XMPP leads to us, at the address that was asked; nothing of
// it leads past us, and no other name is touched.
func TestLeadHere(t *testing.T) {
	domain, err := idn.Parse("example.net")
	if err != nil {
		t.Fatal(err)
	}
	answer := leadHere([]idn.Domain{domain}, 4711)
	for _, tt := range []struct {
		kind uint16
		name string
		at   string
		want []string // the end of each record
		ours bool
	}{
		{dns.TypeSRV, "_xmpp-client._tcp.Example.net.", "192.0.2.7", []string{"SRV\t0 0 4711 example.net."}, true},
		{dns.TypeSRV, "_xmpps-client._tcp.example.net.", "192.0.2.7", []string{"SRV\t0 0 4711 example.net."}, true},
		{dns.TypeTXT, "_xmppconnect.example.net.", "192.0.2.7", nil, true},
		{dns.TypeTXT, "_xmpps-client._tcp.example.net.", "192.0.2.7", nil, true},
		{dns.TypeA, "example.net.", "192.0.2.7", []string{"A\t192.0.2.7"}, true},
		{dns.TypeAAAA, "example.net.", "192.0.2.7", nil, true},
		{dns.TypeAAAA, "example.net.", "2001:db8::7", []string{"AAAA\t2001:db8::7"}, true},
		{dns.TypeHTTPS, "example.net.", "192.0.2.7", nil, true},
		{dns.TypeA, "www.example.net.", "192.0.2.7", nil, false},
		{dns.TypeSRV, "_xmpp-server._tcp.example.net.", "192.0.2.7", nil, false},
		{dns.TypeA, "example.org.", "192.0.2.7", nil, false},
	} {
		records, ours := answer(dns.Question{Name: tt.name, Qtype: tt.kind, Qclass: dns.ClassINET}, netip.MustParseAddr(tt.at))
		var got []string
		for _, r := range records {
			_, end, _ := strings.Cut(r.String(), "IN\t")
			got = append(got, end)
		}
		if !slices.Equal(got, tt.want) || ours != tt.ours {
			t.Errorf("%s %s: %q, ours %v", dns.TypeToString[tt.kind], tt.name, got, ours)
		}
	}
}

// TestBehindFlags: what does not fit together is said.
func TestBehindFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"leave one of the two out":    {"proxy", "--transparent", "--upstream", "a.example:1"},
		"--dns-for is for":            {"proxy", "--dns-for", "a.example"},
		"would lead nobody here":      {"proxy", "--dns-listen", "127.0.0.1:0"},
		"--keylog is for --untouched": {"proxy", "--keylog", "keys"},
		"add --allow-remote":          {"proxy", "--listen", "127.0.0.1:0", "--dns-listen", "0.0.0.0:0", "--dns-for", "a.example"},
	} {
		cmd := newRoot()
		cmd.SetArgs(args)
		err := cmd.ExecuteContext(t.Context())
		var out bytes.Buffer
		if code := report(&out, err); code != exitUsage || !strings.Contains(out.String(), want) {
			t.Errorf("%q: %d, %s", args, code, out.String())
		}
	}
}

// TestQR: what is drawn is the code of the text, with its border.
func TestQR(t *testing.T) {
	const text = "XMPP host: 192.0.2.7\nport: 5222\n"
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		if err := drawQR(&out, text, terminal); err != nil {
			t.Fatal(err)
		}
		y := -quietZone
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), colReset)
			line = strings.TrimPrefix(line, "\x1b[30;107m")
			x := -quietZone
			for _, r := range line {
				upper, lower := r == '█' || r == '▀', r == '█' || r == '▄'
				if upper != code.Black(x, y) || lower != code.Black(x, y+1) {
					t.Fatalf("%d, %d is drawn wrong", x, y)
				}
				x++
			}
			if x != code.Size+quietZone {
				t.Fatalf("line %d ends at %d", y, x)
			}
			y += 2
		}
	}
	if err := drawQR(new(bytes.Buffer), strings.Repeat("x", 5000), false); err == nil {
		t.Error("a text is drawn that no code holds")
	}
}

// TestResolveOfItself: a resolver that asks itself, at whatever address, is not begun.
func TestResolveOfItself(t *testing.T) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.LocalAddr().String())
	free.Close()
	for _, listen := range []string{"127.0.0.1", "0.0.0.0"} {
		b := behindFlags{dnsListen: net.JoinHostPort(listen, port), dnsFor: []string{"a.example"}}
		stop, err := b.resolve(5222, net.JoinHostPort("127.0.0.1", port), func(*dnsrelay.Exchange) {})
		if err == nil {
			stop()
		}
		if err == nil || !strings.Contains(err.Error(), "itself") {
			t.Errorf("at %s: %v", listen, err)
		}
	}
}
