package proxy

import (
	"context"
	"net"
	"strconv"
	"testing"
)

// srv is a LookupSRV that answers with these servers, and notes what it was asked.
func srv(asked *string, servers ...net.Addr) func(context.Context, string, string, string) (string, []*net.SRV, error) {
	return func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		*asked = "_" + service + "._" + proto + "." + name
		var out []*net.SRV
		for _, s := range servers {
			host, port, _ := net.SplitHostPort(s.String())
			n, _ := strconv.Atoi(port)
			out = append(out, &net.SRV{Target: host + ".", Port: uint16(n)})
		}
		return "", out, nil
	}
}

// TestOneNameForOneDomain: however a client writes its domain, what is asked of DNS
// and what the certificate names is the same.
func TestOneNameForOneDomain(t *testing.T) {
	const ascii = "xn--bcher-kva.example"
	for _, to := range []string{"bücher.example", "bu\u0308cher.example", "BÜCHER.example.", "XN--BCHER-KVA.example"} {
		b := newUnstarted(t)
		var asked string
		b.options.Resolver = &Resolver{LookupSRV: srv(&asked, b.upstream.Addr())}
		b.domain = ascii
		b.start(t, b.options)
		c := b.dial(t)
		header := "<stream:stream to='" + to + "' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
		mustWrite(t, c, header+startTLS)
		s := b.accept(t)
		mustRead(t, s, header+startTLS)
		mustWrite(t, s, serverHdr+featuresTLS+proceed)
		mustRead(t, c, serverHdr+featuresTLS+proceed)
		handshakes(t, b, c, s) // where the client looks for the ASCII form
		if want := "_xmpp-client._tcp." + ascii; asked != want {
			t.Errorf("%q: %s was looked up, want %s", to, asked, want)
		}
	}
}
