package xmpptest

import (
	"os/exec"
	"path/filepath"
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
	path := filepath.Join(dir, "prosody.cfg.lua")
	peerTemplate(t, "prosody.cfg.lua", path, config)
	for user, password := range map[string]string{"alice": AlicePassword, "bob": BobPassword} {
		// The form in which mod_storage_internal keeps an account; a dot of the
		// domain is escaped in the name of its folder.
		account := filepath.Join(dir, "data", "peers%2etest", "accounts", user+".dat")
		peerWrite(t, account, []byte("return { [\"password\"] = \""+password+"\"; };\n"))
	}

	cmd := exec.Command("prosody", "--config", path, "-F")
	cmd.Dir = dir
	s := &PeerServer{
		Name:     "prosody",
		StartTLS: local(config.StartTLS),
		Direct:   local(config.Direct),
		CAFile:   filepath.Join(dir, "ca.pem"),
	}
	startProcess(t, cmd, nil).accepts(t, s.StartTLS, s.Direct)
	return s
}
