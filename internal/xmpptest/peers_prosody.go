package xmpptest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// StartProsody starts a Prosody of the machine's own for the length of the test.
// It offers SCRAM-SHA-256, SCRAM-SHA-1 and PLAIN, and no channel binding over
// TLS 1.3.
func StartProsody(t testing.TB) *PeerServer {
	t.Helper()
	Need(t, "prosody")
	dir := peerDir(t)
	peerCertificate(t, dir)
	config := struct {
		Dir, Domain      string
		StartTLS, Direct int
	}{Dir: dir, Domain: PeerDomain, StartTLS: freePort(t), Direct: freePort(t)}
	peerTemplate(t, "prosody.cfg.lua", filepath.Join(dir, "prosody.cfg.lua"), config)
	for user, password := range map[string]string{"alice": AlicePassword, "bob": BobPassword} {
		ProsodyAccount(t, dir, user, PeerDomain, password)
	}
	s := &PeerServer{
		Name:     "prosody",
		StartTLS: local(config.StartTLS),
		Direct:   local(config.Direct),
		CAFile:   filepath.Join(dir, "ca.pem"),
	}
	RunProsody(t, dir, s.StartTLS, s.Direct)
	return s
}

// ProsodyAccount writes an account into the folder of a Prosody, in the form of
// mod_storage_internal: what is neither letter nor digit is escaped in names.
func ProsodyAccount(t testing.TB, dir, user, domain, password string) {
	t.Helper()
	host := strings.NewReplacer(".", "%2e", "-", "%2d").Replace(domain)
	account := filepath.Join(dir, "data", host, "accounts", user+".dat")
	peerWrite(t, account, []byte("return { [\"password\"] = \""+password+"\"; };\n"))
}

// RunProsody starts a Prosody for the length of the test, configured by the
// prosody.cfg.lua in its folder, and waits until it takes connections at the
// addresses.
func RunProsody(t testing.TB, dir string, addrs ...string) {
	t.Helper()
	Need(t, "prosody")
	cmd := exec.Command("prosody", "--config", filepath.Join(dir, "prosody.cfg.lua"), "-F")
	cmd.Dir = dir
	startProcess(t, cmd, nil).accepts(t, addrs...)
}
