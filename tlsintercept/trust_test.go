package tlsintercept

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

// TestTrust: recorded certificates are held against the domain, as of then, in the
// words of the live proxy; what weighs most gives the class and the severity.
func TestTrust(t *testing.T) {
	now := time.Now()
	old := func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Minute) }
	s2s := func(c *x509.Certificate) {
		c.DNSNames, c.ExtraExtensions = nil, append(c.ExtraExtensions, srvOnly(t, "_xmpp-server.example.net"))
	}
	for _, c := range []struct {
		name     string
		ca       *authority
		edit     func(*x509.Certificate)
		domain   string
		at       time.Time
		server   bool
		class    string
		severity session.Severity
		says     string
	}{
		{"good", serverCA, nil, domain, now, false, "", session.Info, ""},
		{"nobody's", strangerCA, nil, domain, now, false, session.ClassUnknownCA, session.Notice, "no such issuer is in the given roots"},
		{"made anew", newAuthority("Server CA"), nil, domain, now, false, session.ClassUnknownCA, session.Notice, "; an issuer of that name is in the given roots, but with another key"},
		{"other name", serverCA, nil, "example.org", now, false, session.ClassName, session.Warning, `the server's certificate is not valid for "example.org": it is for`},
		{"both", strangerCA, nil, "example.org", now, false, session.ClassName, session.Warning, "; besides, the server's certificate is not valid for"},
		{"expired", serverCA, old, domain, now, false, session.ClassExpired, session.Warning, "the server's certificate expired on"},
		{"good then", serverCA, old, domain, now.Add(-2 * time.Minute), false, "", session.Info, ""},
		{"too early", serverCA, nil, domain, now.AddDate(-1, 0, 0), false, session.ClassExpired, session.Warning, "which is after this was captured"},
		{"a server's", serverCA, s2s, domain, now, true, "", session.Info, ""},
		{"a server's, for a client", serverCA, s2s, domain, now, false, session.ClassName, session.Warning, "it is for SRV-ID _xmpp-server.example.net"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trust := Trust{Roots: serverCA.pool(), Recorded: true, Server: c.server}
			v := trust.Verify([]*x509.Certificate{c.ca.leaf(c.edit)}, c.domain, c.at)
			if v.OK != (c.class == "") || v.Class != c.class || v.Severity() != c.severity || !strings.Contains(v.Problem, c.says) || !v.Recorded {
				t.Errorf("%v: %+v", v.Severity(), v)
			}
		})
	}
	leaf := []*x509.Certificate{serverCA.leaf(nil)}
	if v := (Trust{}).Verify(leaf, "", now); v != nil {
		t.Errorf("without a domain: %+v", v)
	}
	if v := (Trust{}).Verify(nil, domain, now); v != nil {
		t.Errorf("without a chain: %+v", v)
	}
}
