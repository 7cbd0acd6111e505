package certs

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xmppscope/internal/idn"
	"xmppscope/internal/xmpptest"
)

func memory(t *testing.T) *CA {
	t.Helper()
	ca, err := NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

var mintable = []string{
	"example.net", "localhost", "127.0.0.1", "[2001:db8::1]", "bücher.example", "my_host.intern",
	strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".example",
}

func verify(ca *CA, chain [][]byte, name string, at time.Time) error {
	var parsed []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		parsed = append(parsed, c)
	}
	_, err := parsed[0].Verify(x509.VerifyOptions{Roots: ca.Pool(), Intermediates: pool(parsed[1]), DNSName: name, CurrentTime: at})
	return err
}

func TestMint(t *testing.T) {
	ca := memory(t)
	for _, domain := range mintable {
		cert, left, err := ca.Mint(domain, nil)
		if err != nil || len(left) > 0 {
			t.Errorf("%s: %v, left %q", domain, err, left)
			continue
		}
		d, _ := idn.Parse(domain)
		name := d.ASCII
		if err := verify(ca, cert.Certificate, name, time.Now()); err != nil {
			t.Errorf("%s: %v", domain, err)
		}
		leaf := cert.Leaf
		if leaf.Subject.CommonName != d.ASCII && len(d.ASCII) <= maxCN || len(leaf.Subject.CommonName) > maxCN {
			t.Errorf("%s: common name %q", domain, leaf.Subject.CommonName)
		}
		if len(cert.Certificate) != 3 || !bytes.Equal(cert.Certificate[2], ca.RootDER()) {
			t.Errorf("%s: the chain is not leaf, issuing, root", domain)
		}
		if len(leaf.AuthorityKeyId) == 0 || leaf.IsCA || leaf.SerialNumber.BitLen() < 64 || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
			t.Errorf("%s: leaf %+v", domain, leaf)
		}
		again, _, _ := ca.Mint(strings.ToUpper(domain)+".", nil)
		if !strings.Contains(domain, "[") && again != cert {
			t.Errorf("%s: was not cached", domain)
		}
	}
}

func TestMintHostile(t *testing.T) {
	ca := memory(t)
	for _, domain := range []string{"", "xn--", "*.example.net", "example.net\x00.evil.test", "user@example.net", "example.net:5222", strings.Repeat("ü", 60)} {
		if cert, _, err := ca.Mint(domain, nil); err == nil || cert != nil {
			t.Errorf("%q: got a certificate", domain)
		}
	}
}

func TestConstraints(t *testing.T) {
	ca := memory(t)
	cert, _, err := ca.Mint("example.net", nil)
	if err != nil {
		t.Fatal(err)
	}
	issuing, err := x509.ParseCertificate(cert.Certificate[1])
	if err != nil {
		t.Fatal(err)
	}
	if root := ca.Root(); root.MaxPathLen != 1 || !root.IsCA || root.NotAfter.Sub(root.NotBefore) != rootLife {
		t.Errorf("root: path length %d, life %s", root.MaxPathLen, root.NotAfter.Sub(root.NotBefore))
	}
	if !issuing.MaxPathLenZero || !issuing.IsCA || !issuing.PermittedDNSDomainsCritical {
		t.Errorf("issuing: %+v", issuing)
	}
	for name, leaf := range strangers(t, ca, "example.net", issuing) {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), Intermediates: pool(issuing)})
		if err == nil {
			t.Errorf("the issuing certificate of example.net vouches for %s", name)
		}
	}
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c)
	}
	return p
}

// strangers are leaves that an issuing certificate has signed and may not vouch for:
// besides its own domain, each has one name that is not its.
func strangers(t *testing.T, ca *CA, domain string, issuing *x509.Certificate) map[string]*x509.Certificate {
	t.Helper()
	out := map[string]*x509.Certificate{}
	add := func(what string, change func(*x509.Certificate)) {
		template := &x509.Certificate{SerialNumber: newSerial(), NotBefore: issuing.NotBefore, NotAfter: issuing.NotAfter, DNSNames: []string{domain}}
		change(template)
		leaf, err := sign(template, issuing, ca.leafKey.Public(), ca.issuingKey)
		if err != nil {
			t.Fatal(err)
		}
		out[what] = leaf
	}
	add("another domain", func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "evil.test") })
	add("a domain that ends alike", func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "not"+domain) })
	for _, ip := range []string{"192.0.2.99", "127.0.0.2", "2001:db8::99", "::1"} {
		add(ip, func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP(ip)} })
	}
	add("a mail address", func(c *x509.Certificate) { c.EmailAddresses = []string{"someone@" + domain} })
	add("a mail address elsewhere", func(c *x509.Certificate) { c.EmailAddresses = []string{"someone@evil.test"} })
	for _, uri := range []string{"https://evil.test/", "xmpp://" + domain + "/"} {
		add(uri, func(c *x509.Certificate) {
			u, err := url.Parse(uri)
			if err != nil {
				t.Fatal(err)
			}
			c.URIs = []*url.URL{u}
		})
	}
	return out
}

func TestMintCopiesUpstream(t *testing.T) {
	ca := memory(t)
	server := memory(t)
	d, _ := idn.Parse("example.net")
	names := Names{DNS: []string{"example.net", "*.example.net", "hosting.test"}, SRV: []string{"_xmpps-client.example.net"}}
	up, err := newLeaf(d, names, server.root, server.rootKey, server.leafKey.Public(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, left, err := ca.Mint("example.net", up)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(left) != "[DNS-ID hosting.test]" {
		t.Errorf("left %q", left)
	}
	for _, name := range []string{"example.net", "conference.example.net"} {
		if err := verify(ca, cert.Certificate, name, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := SRVNames(cert.Leaf); len(got) != 3 || got[2] != "_xmpps-client.example.net" {
		t.Errorf("SRV-IDs %q", got)
	}
	if plain, _, _ := ca.Mint("example.net", nil); plain == cert {
		t.Error("the cache mixes leaves of different servers")
	}
}

func TestMintRenews(t *testing.T) {
	ca := memory(t)
	now := time.Now()
	ca.now = func() time.Time { return now }
	first, _, err := ca.Mint("example.net", nil)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(leafLife - renewBefore - time.Minute)
	if again, _, _ := ca.Mint("example.net", nil); again != first {
		t.Error("minted anew too early")
	}
	now = now.Add(2 * time.Minute)
	later, _, err := ca.Mint("example.net", nil)
	if err != nil || later == first {
		t.Fatal("not minted anew", err)
	}
	if err := verify(ca, later.Certificate, "example.net", now.Add(leafLife-time.Hour)); err != nil {
		t.Error(err)
	}
	now = ca.Root().NotAfter.Add(-time.Hour)
	last, _, err := ca.Mint("example.net", nil)
	if err != nil || last.Leaf.NotAfter.After(ca.Root().NotAfter) {
		t.Error("the leaf outlives the root", err)
	}
	now = ca.Root().NotAfter.Add(time.Second)
	if _, _, err := ca.Mint("example.net", nil); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired root still mints: %v", err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(3)
	for i := range 10 {
		c.put(fmt.Sprint(i), minted{left: []string{fmt.Sprint(i)}})
		c.get("0") // in use: stays
	}
	c.put("9", minted{left: []string{"again"}})
	if _, ok := c.get("0"); !ok || len(c.entries) != 3 || c.order.Len() != 3 {
		t.Errorf("%d entries", len(c.entries))
	}
	if m, ok := c.get("9"); !ok || m.left[0] != "again" {
		t.Error("an entry was not replaced")
	}
	if _, ok := c.get("2"); ok {
		t.Error("an old entry is still there")
	}
}

func TestMintFromManyGoroutines(t *testing.T) {
	ca := memory(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 5 {
				if _, _, err := ca.Mint(fmt.Sprintf("d%d.test", (i+k)%6), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNamesDiffer(t *testing.T) {
	a, b := memory(t), memory(t)
	if a.Root().Subject.String() == b.Root().Subject.String() || a.Fingerprint() == b.Fingerprint() {
		t.Errorf("two CAs share a name or a fingerprint: %s", a.Root().Subject)
	}
	if f := a.Fingerprint(); len(f) != 95 || strings.Trim(f, "0123456789ABCDEF:") != "" {
		t.Errorf("fingerprint %q", f)
	}
	if cn := a.Root().Subject.CommonName; len(cn) > maxCN || !strings.Contains(cn, "@") {
		t.Errorf("common name %q", cn)
	}
}

// verifiers are programs that are not Go's; each makes the command that verifies
// a chain for a domain or an address.
var verifiers = []struct {
	program string
	uris    bool // it knows constraints on URIs
	args    func(root, issuing, chain, name string) []string
}{
	{"openssl", true, func(root, issuing, chain, name string) []string {
		kind := "-verify_hostname"
		if _, err := netip.ParseAddr(name); err == nil {
			kind = "-verify_ip"
		}
		return []string{"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root, "-untrusted", issuing, kind, name, chain}
	}},
	{"certtool", false, func(root, _, chain, name string) []string {
		return []string{"--verify", "--load-ca-certificate", root, "--verify-hostname", name, "--verify-purpose", "1.3.6.1.5.5.7.3.1", "--infile", chain}
	}},
}

// TestPeersVerify holds what we mint against verifiers that are not Go's.
func TestPeersVerify(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	for _, v := range verifiers {
		t.Run(v.program, func(t *testing.T) {
			xmpptest.Need(t, v.program)
			ca, dir := memory(t), t.TempDir()
			write := func(name string, ders ...[]byte) string {
				var text []byte
				for _, der := range ders {
					text = append(text, pemOf(der)...)
				}
				put(t, dir, name, text)
				return filepath.Join(dir, name)
			}
			root := write("root.pem", ca.RootDER())
			for i, domain := range mintable {
				cert, _, err := ca.Mint(domain, nil, local)
				if err != nil {
					t.Fatal(err)
				}
				d, _ := idn.Parse(domain)
				issuing := write(fmt.Sprintf("issuing%d.pem", i), cert.Certificate[1])
				chain := write(fmt.Sprintf("chain%d.pem", i), cert.Certificate...)
				for _, name := range []string{d.ASCII, local.String()} {
					if out, err := exec.Command(v.program, v.args(root, issuing, chain, name)...).CombinedOutput(); err != nil {
						t.Errorf("%s for %s: %v\n%s", domain, name, err, out)
					}
				}
				if out, err := exec.Command(v.program, v.args(root, issuing, chain, "192.0.2.99")...).CombinedOutput(); err == nil {
					t.Errorf("%s: passes for an address that it does not name\n%s", domain, out)
				}
				parent, err := x509.ParseCertificate(cert.Certificate[1])
				if err != nil {
					t.Fatal(err)
				}
				for what, leaf := range strangers(t, ca, d.ASCII, parent) {
					if len(leaf.URIs) > 0 && !v.uris {
						continue
					}
					chain := write("stranger.pem", leaf.Raw, parent.Raw)
					if out, err := exec.Command(v.program, v.args(root, issuing, chain, d.ASCII)...).CombinedOutput(); err == nil {
						t.Errorf("the issuing certificate of %s vouches for %s\n%s", domain, what, out)
					}
				}
			}
		})
	}
}

// TestMintLocal: the leaf also names the address at which the client reached us.
func TestMintLocal(t *testing.T) {
	ca := memory(t)
	ips := func(s ...string) (out []netip.Addr) {
		for _, ip := range s {
			out = append(out, netip.MustParseAddr(ip))
		}
		return out
	}
	for _, domain := range mintable {
		cert, left, err := ca.Mint(domain, nil, ips("127.0.0.1", "::ffff:127.0.0.1", "fe80::1%eth0")...)
		if err != nil || len(left) > 0 {
			t.Fatalf("%s: %v, left %q", domain, err, left)
		}
		d, _ := idn.Parse(domain)
		for _, name := range []string{d.ASCII, "127.0.0.1", "fe80::1"} {
			if err := verify(ca, cert.Certificate, name, time.Now()); err != nil {
				t.Errorf("%s for %s: %v", domain, name, err)
			}
		}
		want := distinct(append([]netip.Addr{d.IP}, ips("127.0.0.1", "fe80::1")...))
		if got := NamesOf(cert.Leaf).IP; !slices.Equal(got, want) {
			t.Errorf("%s: names the addresses %v, want %v", domain, got, want)
		}
		if err := verify(ca, cert.Certificate, "192.0.2.99", time.Now()); err == nil {
			t.Errorf("%s: passes for an address that it does not name", domain)
		}
	}
	// The server's own addresses: the one at which we are reached is minted.
	up := withSAN(t, Names{IP: ips("127.0.0.1", "192.0.2.1")})
	if _, left, err := ca.Mint("example.net", up, ips("127.0.0.1")...); err != nil || fmt.Sprint(left) != "[IP 192.0.2.1]" {
		t.Errorf("%v, left %q", err, left)
	}
	a, _, _ := ca.Mint("example.net", nil, ips("127.0.0.1")...)
	b, _, _ := ca.Mint("example.net", nil, ips("192.0.2.5")...)
	again, _, _ := ca.Mint("example.net", nil, ips("::ffff:127.0.0.1")...)
	if a == b || a != again {
		t.Error("the cache mixes addresses, or does not know one again")
	}
}
