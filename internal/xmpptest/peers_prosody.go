package xmpptest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// StartProsody starts a Prosody of the machine's own for the length of the test.
// It offers SCRAM-SHA-256, SCRAM-SHA-1 and PLAIN, and no channel binding over
// TLS 1.3.
func StartProsody(t testing.TB) *PeerServer { return prosodyWith(t, "tlsv1_2+") }

// StartProsodyTLS12 is StartProsody with TLS 1.2 alone, over which it binds logins to the
// connection too (tls-unique).
func StartProsodyTLS12(t testing.TB) *PeerServer { return prosodyWith(t, "tlsv1_2") }

// prosodyWith starts one with these versions of TLS, as LuaSec names them.
func prosodyWith(t testing.TB, versions string) *PeerServer {
	t.Helper()
	Need(t, "prosody")
	dir := peerDir(t)
	peerCertificate(t, dir)
	for user, password := range map[string]string{"alice": AlicePassword, "bob": BobPassword} {
		ProsodyAccount(t, dir, user, PeerDomain, password)
	}
	http, https := freePort(t), freePort(t)
	web := fmt.Sprintf(prosodyWeb, http, https, PeerDomain)
	starttls, direct := RunProsody(t, dir, web+strings.Replace(prosodySettings, "tlsv1_2+", versions, 1))
	return &PeerServer{Name: "prosody", StartTLS: starttls, Direct: direct, HTTP: local(http), HTTPS: local(https), CAFile: filepath.Join(dir, "ca.pem")}
}

// prosodyWeb has WebSocket and BOSH answered, whatever the request's Host.
const prosodyWeb = `http_interfaces = interfaces
https_interfaces = interfaces
http_ports = { %d }
https_ports = { %d }
https_ssl = { certificate = dir .. "/chain.pem"; key = dir .. "/key.pem"; protocol = "tlsv1_2+" }
http_default_host = %q
consider_websocket_secure = true
consider_bosh_secure = true
cross_domain_websocket = true
cross_domain_bosh = true
`

const prosodySettings = `ssl = { certificate = dir .. "/chain.pem"; key = dir .. "/key.pem"; protocol = "tlsv1_2+" }
c2s_direct_tls_ssl = ssl
VirtualHost "` + PeerDomain + `"`

// ProsodyAccount writes an account into the folder of a Prosody, in the form of
// mod_storage_internal: what is neither letter nor digit is escaped in names.
func ProsodyAccount(t testing.TB, dir, user, domain, password string) {
	t.Helper()
	host := strings.NewReplacer(".", "%2e", "-", "%2d").Replace(domain)
	account := filepath.Join(dir, "data", host, "accounts", user+".dat")
	peerWrite(t, account, []byte("return { [\"password\"] = \""+password+"\"; };\n"))
}

// RunProsody starts a Prosody for the length of the test in a folder made by
// ServerFolder, and returns its addresses, for STARTTLS and for TLS from the first
// byte, when it takes connections there. The settings are lines of configuration,
// in Lua: the certificates, which lie in dir, and the hosts.
func RunProsody(t testing.TB, dir, settings string) (starttls, direct string) {
	t.Helper()
	return runProsody(t, dir, settings, nil)
}

// RunProsodyAt is RunProsody with a name server: that of a resolv.conf (see StartNameServer).
func RunProsodyAt(t testing.TB, dir, settings, resolvConf string) (starttls, direct string) {
	t.Helper()
	Need(t, "root", "unshare")
	return runProsody(t, dir, settings, []string{"unshare", "-m", "sh", "-c", `mount --bind "$0" /etc/resolv.conf && exec "$@"`, resolvConf})
}

// runProsody is RunProsody with words that stand before the command.
func runProsody(t testing.TB, dir, settings string, before []string) (starttls, direct string) {
	t.Helper()
	Need(t, "prosody")
	config := struct {
		Dir, Settings    string
		StartTLS, Direct int
	}{dir, settings, freePort(t), freePort(t)}
	peerTemplate(t, "prosody.cfg.lua", filepath.Join(dir, "prosody.cfg.lua"), config)
	starttls, direct = local(config.StartTLS), local(config.Direct)
	// Named as it lies in its folder: of a longer path Prosody cannot say the line of an option
	// that is set twice, and gives up.
	args := append(before, "prosody", "--config", "prosody.cfg.lua", "-F")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	startProcess(t, cmd, nil).accepts(t, starttls, direct)
	return starttls, direct
}
