package xmpptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ejabberdLibs is the folder that holds ejabberd's Erlang libraries: it depends on
// the architecture.
func ejabberdLibs() string {
	found, _ := filepath.Glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(found[0])))
}

// StartEjabberd starts an ejabberd for the length of the test, as a plain Erlang
// program: no node name, no epmd, no cookie, nothing outside its own folder. It
// offers PLAIN and SCRAM with SHA-1, SHA-256 and SHA-512, each also as -PLUS.
func StartEjabberd(t testing.TB) *PeerServer {
	t.Helper()
	Need(t, "ejabberd")
	dir := peerDir(t)
	peerCertificate(t, dir)
	config := struct {
		Dir, Domain                         string
		StartTLS, TLS12, Direct, Zlib, HTTP int
	}{dir, PeerDomain, freePort(t), freePort(t), freePort(t), freePort(t), freePort(t)}
	peerTemplate(t, "ejabberd.yml", filepath.Join(dir, "ejabberd.yml"), config)
	s := &PeerServer{
		Name:     "ejabberd",
		StartTLS: local(config.StartTLS),
		TLS12:    local(config.TLS12),
		Direct:   local(config.Direct),
		Zlib:     local(config.Zlib),
		HTTP:     local(config.HTTP),
		CAFile:   filepath.Join(dir, "ca.pem"),
	}
	RunEjabberd(t, dir, local(config.HTTP), map[string]string{AliceJID: AlicePassword, BobJID: BobPassword}, s.StartTLS, s.TLS12, s.Direct, s.Zlib)
	return s
}

// RunEjabberd starts an ejabberd for the length of the test, configured by the
// ejabberd.yml in its folder, makes the accounts (passwords by JID) through its
// mod_http_api at the address http, and waits until it takes connections at the
// other addresses.
func RunEjabberd(t testing.TB, dir, http string, accounts map[string]string, addrs ...string) {
	t.Helper()
	Need(t, "ejabberd")
	// Names are resolved from the file alone: nothing is asked of any DNS server.
	peerWrite(t, filepath.Join(dir, "inetrc"), []byte("{lookup,[file,native]}.\n{host,{127,0,0,1},[\"localhost\"]}.\n"))
	cmd := exec.Command("erl", "+K", "true", "+S", "2:2", "-noinput",
		"-mnesia", "dir", fmt.Sprintf("%q", filepath.Join(dir, "spool")), "-s", "ejabberd")
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8",
		"ERL_LIBS=" + ejabberdLibs(),
		"ERL_INETRC=" + filepath.Join(dir, "inetrc"),
		"ERL_CRASH_DUMP_BYTES=0",
		"EJABBERD_CONFIG_PATH=" + filepath.Join(dir, "ejabberd.yml"),
		"EJABBERD_LOG_PATH=" + filepath.Join(dir, "ejabberd.log"),
	}
	p := startProcess(t, cmd, nil)
	p.accepts(t, append(addrs, http)...)
	for jid, password := range accounts {
		p.until(t, "register "+jid, func() error { return ejabberdRegister(http, jid, password) })
	}
}

// ejabberdRegister makes an account through mod_http_api.
func ejabberdRegister(addr, jid, password string) error {
	user, host, _ := strings.Cut(jid, "@")
	body, err := json.Marshal(map[string]string{"user": user, "host": host, "password": password})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Post("http://"+addr+"/api/register", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	const already = http.StatusConflict // from an attempt whose answer was lost
	if answer.StatusCode != http.StatusOK && answer.StatusCode != already {
		return fmt.Errorf("ejabberd answered %s", answer.Status)
	}
	return nil
}
