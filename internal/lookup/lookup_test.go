package lookup_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/lookup"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

const zone = `
_xmpp-client._tcp.lab.test 300 IN SRV 20 0 5222 second.lab.test
_xmpp-client._tcp.lab.test 300 IN SRV 10 5 15222 first.lab.test
_xmpps-client._tcp.lab.test 300 IN SRV 0 0 0 .
first.lab.test 300 IN A 127.0.0.1
first.lab.test 300 IN AAAA ::1
alias.lab.test 300 IN CNAME other.lab.test
other.lab.test 300 IN CNAME first.lab.test
away.lab.test 300 IN CNAME nowhere.lab.test
round.lab.test 300 IN CNAME round.lab.test
_xmpp-client._tcp.big.long.test 300 IN SRV 0 0 1 a.lab.test
`

// TestAsk: what a resolver says is told as it is, and what it does not say, in words.
func TestAsk(t *testing.T) {
	dns := xmpptest.StartDNS(t, zone)
	r, err := lookup.Parse(dns.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ kind, name, want string }{
		{lookup.SRV, "_xmpp-client._tcp.lab.test", "SRV _xmpp-client._tcp.lab.test: 20 0 5222 second.lab.test; 10 5 15222 first.lab.test"},
		{lookup.SRV, "_xmpps-client._tcp.lab.test", "SRV _xmpps-client._tcp.lab.test: 0 0 0 ."},
		{lookup.SRV, "_xmpp-server._tcp.lab.test", "_xmpp-server._tcp.lab.test has no SRV record"},
		{lookup.A, "first.lab.test", "first.lab.test is 127.0.0.1"},
		{lookup.AAAA, "First.LAB.test.", "First.LAB.test is ::1"},
		{lookup.A, "alias.lab.test", "alias.lab.test is 127.0.0.1, by way of other.lab.test, first.lab.test"},
		{lookup.A, "away.lab.test", "away.lab.test has no A record, by way of nowhere.lab.test"},
		{lookup.A, "round.lab.test", "lead on and on"},
		{lookup.A, "second.lab.test", "second.lab.test has no A record"},
		{lookup.A, "x.broken.test", "no answer to A x.broken.test: the resolver could not find out (SERVFAIL)"},
		{lookup.A, "x.refused.test", "(REFUSED)"},
		{lookup.SRV, "_xmpp-client._tcp.big.long.test", "0 0 1 a.lab.test"},
		{lookup.A, "localhost", "localhost is 127.0.0.1"},
		{lookup.AAAA, "localhost", "localhost is ::1"},
	} {
		a := r.Ask(t.Context(), c.kind, c.name)
		if got := a.Event(); !strings.Contains(got.Words(), c.want) || got.Server != dns.Addr || got.Took <= 0 {
			t.Errorf("%s %s: %s (%+v), want %q", c.kind, c.name, got.Words(), got, c.want)
		}
	}
	if slices.Contains(dns.Asked(), "A localhost") {
		t.Error("a resolver was asked what localhost is")
	}
	quick := &lookup.Resolver{Server: dns.Addr, Timeout: 50 * time.Millisecond}
	if a := quick.Ask(t.Context(), lookup.A, "x.silent.test"); a.Err == nil || !strings.Contains(a.Err.Error(), "did not answer within 50ms") {
		t.Errorf("silence: %v", a.Err)
	}
	nobody := &lookup.Resolver{Server: xmpptest.FreeAddress(t)}
	if a := nobody.Ask(t.Context(), lookup.A, "first.lab.test"); a.Err == nil || !strings.Contains(a.Err.Error(), "connection refused") {
		t.Errorf("nobody: %v", a.Err)
	}
	if a := r.Ask(t.Context(), lookup.A, strings.Repeat("x", 300)); a.Err == nil {
		t.Error("a name that is none was asked for")
	}
	system := new(lookup.Resolver)
	if a := system.Ask(t.Context(), lookup.A, "localhost"); a.Err != nil || a.Event().Words() != "localhost is 127.0.0.1" || a.Server != session.SystemResolver {
		t.Errorf("the system: %+v", a)
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]string{
		"127.0.0.1": "127.0.0.1:53", "127.0.0.1:5353": "127.0.0.1:5353", "::1": "[::1]:53", "[::1]": "[::1]:53", "[::1]:54": "[::1]:54",
		"dns.example": "", "": "", "127.0.0.1:": "", "127.0.0.1:0": "", "127.0.0.1:99999": "",
	} {
		r, err := lookup.Parse(s)
		if (err != nil) != (want == "") || err == nil && r.Server != want {
			t.Errorf("%q: %+v, %v, want %q", s, r, err, want)
		}
	}
}

// TestOrder: priority decides, and among equals chance, in proportion to the weights
// (RFC 2782).
func TestOrder(t *testing.T) {
	list := []lookup.Service{{20, 100, 1, "c"}, {10, 0, 1, "z"}, {10, 30, 1, "a"}, {10, 10, 1, "b"}, {5, 0, 1, "first"}}
	self := func(s lookup.Service) lookup.Service { return s }
	first := map[string]int{}
	const rounds = 4000
	for range rounds {
		got := lookup.Order(list, self)
		if got[0].Target != "first" || got[4].Target != "c" || len(got) != len(list) {
			t.Fatalf("%v", got)
		}
		first[got[1].Target]++
	}
	// 30:10, and z, whose weight is 0, hardly ever: the bounds are six standard deviations off.
	if first["a"] < rounds*66/100 || first["b"] < rounds*18/100 || first["z"] > rounds*6/100 || first["z"] == 0 {
		t.Errorf("came first: %v", first)
	}
	if list[0].Target != "c" {
		t.Error("the list itself was sorted")
	}
	if got := fmt.Sprint(lookup.Order([]lookup.Service{{1, 0, 1, "x"}, {1, 0, 2, "y"}}, self)); got != "[1 0 1 x 1 0 2 y]" {
		t.Errorf("without weights: %s", got)
	}
}
