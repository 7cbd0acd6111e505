package peertest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/demo"
	"xmppscope/internal/xmpptest"
)

// checkup is what xmppscope doctor has to say of a domain.
type checkup struct {
	Problems []struct {
		Severity, Rule, Text, Next string
		Where                      []string
	}
	Ports []struct {
		Kind, Target, Failed string
		TLS                  *struct{ Version, ALPN string }
		Before               *struct{ Features []string }                `json:"before_tls"`
		Offers               *struct{ Mechanisms, Bindings []string }    `json:"offers"`
		ToNamed              *struct{ SASL2, Mechanisms, FAST []string } `json:"offers_from"`
	}
	Web []struct {
		Kind, URL, Failed string
		Offers            *struct{ Mechanisms []string }
	}
}

// doctor runs it, as JSON and for a person, which have to agree.
func doctor(t *testing.T, args ...string) (out checkup, page string, code int) {
	t.Helper()
	run := func(args ...string) (string, int) {
		cmd := command(t, append([]string{"doctor"}, args...)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return stdout.String() + stderr.String(), cmd.ProcessState.ExitCode()
	}
	text, code := run(append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	page, again := run(args...)
	if again != code {
		t.Errorf("exit code %d as JSON, %d as a page:\n%s", code, again, page)
	}
	t.Logf("%v\n%s", args, page)
	return out, page, code
}

// says holds the problems against what they must be: "error|words", and their place.
func (c checkup) says(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		severity, words, _ := strings.Cut(w, "|")
		found := false
		for _, p := range c.Problems {
			found = found || p.Severity == severity && strings.Contains(p.Text+" "+p.Next+" "+strings.Join(p.Where, " "), words)
		}
		if !found {
			t.Errorf("no %s says %q", severity, words)
		}
	}
}

// metaServer is a web server of a domain, with its host-meta.
func metaServer(t *testing.T, cert tls.Certificate, xml, json string, cors bool) string {
	t.Helper()
	mux := http.NewServeMux()
	for name, text := range map[string]string{"host-meta": xml, "host-meta.json": json} {
		mux.HandleFunc("/.well-known/"+name, func(w http.ResponseWriter, _ *http.Request) {
			if cors {
				w.Header().Set("Access-Control-Allow-Origin", "*")
			}
			io.WriteString(w, text)
		})
	}
	s := httptest.NewUnstartedServer(mux)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// TestDoctorProsody looks at hosts of a Prosody that are in order, or broken in one way
// each, by a DNS of the test's own.
func TestDoctorProsody(t *testing.T) {
	xmpptest.Need(t, "prosody")
	dir := xmpptest.ServerFolder(t)
	ca := newIssuer(t, "CA of the doctor's servers")
	writeCertificates(t, dir, ca)
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	writePair(t, dir, "both.test", ca.usable(t, 24*90, both, "both.test", "loose.test"))
	writePair(t, dir, "soon.test", ca.usable(t, 24*3, both, "soon.test"))
	s2s, s2sDirect, web := xmpptest.FreeAddress(t), xmpptest.FreeAddress(t), xmpptest.FreeAddress(t)
	settings := fmt.Sprintf(`
s2s_ports = { %s }
s2s_direct_tls_ports = { %s }
https_ports = { %s }
https_interfaces = { "127.0.0.1" }
s2s_secure_auth = false
modules_disabled = {}
modules_enabled = { "roster", "saslauth", "tls", "disco", "smacks", "ping", "presence", "message", "iq", "s2s", "dialback", "bosh", "websocket" }
local function certificate(name) return { certificate = dir .. "/" .. name .. ".pem"; key = dir .. "/" .. name .. ".pem" } end
ssl = certificate("both.test")
c2s_direct_tls_ssl = ssl
s2s_direct_tls_ssl = ssl
https_ssl = ssl
VirtualHost "both.test"
VirtualHost "soon.test"
	ssl = certificate("soon.test")
VirtualHost "good.test"
	ssl = certificate("good.test")
VirtualHost "expired.test"
	ssl = certificate("expired.test")
VirtualHost "wrong.test"
	ssl = certificate("elsewhere.test")
VirtualHost "stranger.test"
	ssl = certificate("stranger.test")
VirtualHost "loose.test"
	c2s_require_encryption = false
	allow_unencrypted_plain_auth = true
VirtualHost "clear.test"
	modules_disabled = { "tls", "s2s" }
	c2s_require_encryption = false
`, port(s2s), port(s2sDirect), port(web))
	starttls, direct := xmpptest.RunProsody(t, dir, settings)
	var zone strings.Builder
	for _, host := range []string{"both.test", "soon.test", "expired.test", "wrong.test", "stranger.test", "loose.test", "clear.test"} {
		fmt.Fprintf(&zone, "_xmpp-client._tcp.%s 60 IN SRV 5 0 %s host.test\n", host, port(starttls))
	}
	fmt.Fprintf(&zone, `
host.test 60 IN A 127.0.0.1
_xmpps-client._tcp.both.test 60 IN SRV 5 0 %[2]s host.test
_xmpp-server._tcp.both.test 60 IN SRV 5 0 %[3]s host.test
_xmpps-server._tcp.both.test 60 IN SRV 5 0 %[4]s host.test
_xmpp-server._tcp.good.test 60 IN SRV 5 0 %[3]s host.test
_xmpp-client._tcp.good.test 60 IN SRV 5 0 %[2]s alias.test
_xmpps-client._tcp.good.test 60 IN SRV 5 0 %[1]s host.test
_xmpps-client._tcp.good.test 60 IN SRV 6 0 %[5]s host.test
_xmpps-client._tcp.good.test 60 IN SRV 7 0 5223 nowhere.test
_xmpps-client._tcp.good.test 60 IN SRV 7 0 5223 127.0.0.1
alias.test 60 IN CNAME host.test
_xmpp-client._tcp.refuses.test 60 IN SRV 0 0 0 .
_xmpp-client._tcp.nohost.test 60 IN SRV 5 0 %[1]s host.test
`, port(starttls), port(direct), port(s2s), port(s2sDirect), port(xmpptest.FreeAddress(t)))
	dns := xmpptest.StartDNS(t, zone.String())
	in := func(args ...string) []string {
		return append(args, "--resolver", dns.Addr, "--upstream-ca", filepath.Join(dir, "ca.pem"), "--resolve", args[0]+":443="+xmpptest.FreeAddress(t))
	}

	t.Run("in order", func(t *testing.T) {
		xml := fmt.Sprintf(`<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'><Link rel='urn:xmpp:alt-connections:websocket' href='wss://both.test:%[1]s/xmpp-websocket'/><Link rel='urn:xmpp:alt-connections:xbosh' href='https://both.test:%[1]s/http-bind'/></XRD>`, port(web))
		json := fmt.Sprintf(`{"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://both.test:%[1]s/xmpp-websocket"},{"rel":"urn:xmpp:alt-connections:xbosh","href":"https://both.test:%[1]s/http-bind"}]}`, port(web))
		meta := metaServer(t, ca.server(t, -1, 10, "both.test"), xml, json, true)
		c, page, code := doctor(t, "both.test", "--resolver", dns.Addr, "--upstream-ca", filepath.Join(dir, "ca.pem"), "--resolve", "both.test:443="+meta, "--resolve", "both.test:"+port(web)+"="+web)
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		kinds := map[string]bool{}
		for _, p := range c.Ports {
			kinds[p.Kind] = p.Failed == "" && p.TLS != nil && p.Offers != nil
		}
		for _, k := range []string{"STARTTLS for clients", "direct TLS for clients", "STARTTLS for servers", "direct TLS for servers"} {
			if !kinds[k] {
				t.Errorf("%s: %+v", k, c.Ports)
			}
		}
		if len(c.Web) != 2 || c.Web[0].Offers == nil || c.Web[1].Offers == nil {
			t.Errorf("web: %+v", c.Web)
		}
		for _, want := range []string{"nothing is wrong", "before TLS   starttls (required)", "SASL: ", "SCRAM-SHA-256", "DNS-ID both.test", "the same as at", "host.test:" + port(starttls) + " → 127.0.0.1:", "WebSocket", "BOSH"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
	})
	for _, c := range []struct {
		domain string
		code   int
		want   []string
	}{
		{"expired.test", 1, []string{"error|expired on", "error|renew the certificate"}},
		{"wrong.test", 1, []string{`error|not valid for "wrong.test": it is for DNS-ID elsewhere.test`}},
		{"stranger.test", 1, []string{"error|no such issuer is in", "error|intermediates"}},
		{"loose.test", 1, []string{"error|PLAIN"}},
		{"clear.test", 1, []string{"error|the server offers no TLS", "error|turn TLS on"}},
		{"soon.test", 1, []string{"warning|the certificate expires in 2 days"}},
		{"good.test", 1, []string{
			"error|nowhere.test has no address", "error|connection refused", "error|the record names the address 127.0.0.1", "warning|alias.test is an alias (CNAME) of host.test",
			"error|names host.test:" + port(starttls) + " for direct TLS, and that port speaks STARTTLS", "error|names alias.test:" + port(direct) + " for STARTTLS, and perhaps that port wants TLS from the first byte", "warning|clientAuth",
		}},
		{"refuses.test", 0, []string{"notice|it serves no clients"}},
		{"nohost.test", 1, []string{"error|host-unknown"}},
		{"void.test", 1, []string{"error|no client finds the server"}},
	} {
		t.Run(c.domain, func(t *testing.T) {
			got, _, code := doctor(t, in(c.domain)...)
			got.says(t, c.want...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
		})
	}
	t.Run("host-meta", func(t *testing.T) {
		meta := metaServer(t, ca.server(t, -1, 10, "both.test"), fmt.Sprintf(`<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'><Link rel='urn:xmpp:alt-connections:websocket' href='wss://both.test:%s/nothing-here'/><Link rel='urn:xmpp:alt-connections:xbosh' href='https://both.test:9/gone'/></XRD>`, port(web)), "no JSON", false)
		c, _, code := doctor(t, "both.test", "--resolver", dns.Addr, "--upstream-ca", filepath.Join(dir, "ca.pem"), "--resolve", "both.test:443="+meta, "--resolve", "both.test:"+port(web)+"="+web, "--resolve", "both.test:9="+xmpptest.FreeAddress(t))
		c.says(t, "error|404", "error|connection refused", "warning|cannot be read", "warning|Access-Control-Allow-Origin")
		if code != 1 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("blind", func(t *testing.T) {
		cmd := command(t, "doctor", "both.test", "--resolver", xmpptest.FreeAddress(t))
		text, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(text), "nothing could be looked at") || !strings.Contains(string(text), "connection refused") {
			t.Errorf("exit code %d:\n%s", code, text)
		}
	})
}

// usable is a certificate for some uses that ends in so many hours.
func (i issuer) usable(t *testing.T, hours int, uses []x509.ExtKeyUsage, names ...string) tls.Certificate {
	t.Helper()
	cert := i.server(t, -1, hours, names...)
	again, err := i.issue(t, &x509.Certificate{
		Subject: cert.Leaf.Subject, DNSNames: names, NotBefore: cert.Leaf.NotBefore, NotAfter: cert.Leaf.NotAfter,
		KeyUsage: cert.Leaf.KeyUsage, ExtKeyUsage: uses,
	})
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// writePair writes a certificate and its key where the servers look for them.
func writePair(t *testing.T, dir, name string, cert tls.Certificate) {
	t.Helper()
	chain, key, err := demo.EncodePEM(cert)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".pem"), append(chain, key...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDoctorEjabberd looks at hosts of an ejabberd, which tells more of itself than Prosody.
func TestDoctorEjabberd(t *testing.T) {
	at, ca := brokenEjabberd(t)
	dns := xmpptest.StartDNS(t, fmt.Sprintf(`
host.test 60 IN A 127.0.0.1
_xmpp-client._tcp.good.test 60 IN SRV 5 0 %[1]s host.test
_xmpps-client._tcp.good.test 60 IN SRV 5 0 %[2]s host.test
_xmpp-server._tcp.good.test 60 IN SRV 0 0 0 .
_xmpp-client._tcp.expired.test 60 IN SRV 5 0 %[1]s host.test
_xmpp-client._tcp.self.test 60 IN SRV 5 0 %[3]s host.test
_xmpp-server._tcp.self.test 60 IN SRV 0 0 0 .
_xmpp-client._tcp.elsewhere.test 60 IN SRV 5 0 %[1]s host.test
`, port(at.StartTLS), port(at.Direct), port(at.Clear)))
	for _, c := range []struct {
		domain string
		code   int
		want   []string
		page   []string
	}{
		{"good.test", 1, []string{"warning|the certificate expires in 4 days", "notice|agrees on no protocol by ALPN"}, []string{"SCRAM-SHA-512-PLUS", "TLS bindings tls-exporter, tls-server-end-point"}},
		{"expired.test", 1, []string{"error|expired on"}, nil},
		{"self.test", 1, []string{"error|offers no TLS"}, nil},
		{"elsewhere.test", 1, []string{"error|the domain is not in hosts of the server"}, nil},
	} {
		got, page, code := doctor(t, c.domain, "--resolver", dns.Addr, "--upstream-ca", ca, "--resolve", c.domain+":443="+xmpptest.FreeAddress(t))
		got.says(t, c.want...)
		for _, want := range c.page {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not say %q", c.domain, want)
			}
		}
		if code != c.code {
			t.Errorf("%s: exit code %d, want %d", c.domain, code, c.code)
		}
	}
}
