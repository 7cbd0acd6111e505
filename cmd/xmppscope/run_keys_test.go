package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"xmppscope/internal/launch"
)

// TestLogsKeys: what is known of programs, and what is in libraries, decides.
func TestLogsKeys(t *testing.T) {
	folder := t.TempDir()
	library := func(name, code string) string {
		path := filepath.Join(folder, name+".so.1")
		if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const logs, mute = "\x7fELF\x00SSLKEYLOGFILE\x00", "\x7fELF"
	openssl, crypto, gnutls := library("libssl", mute), library("libcrypto", mute), library("libgnutls", logs)
	nss, nssBase := library("libssl3", mute), library("libnss3", mute)
	newer := library("libssl.so.4", logs)
	for _, tt := range []struct {
		program   string
		libraries []string
		by, no    string
	}{
		{"python3.11", []string{openssl, crypto}, "Python", ""},
		{"node", nil, "Node", ""},
		{"profanity", []string{gnutls, openssl}, "", "OpenSSL logs no secrets by itself"},
		{"new", []string{newer, crypto}, "OpenSSL logs its secrets", ""},
		{"dino", []string{gnutls, crypto}, "GnuTLS", ""},
		{"pidgin", []string{gnutls, nssBase, nss}, "", "NSS logs no secrets by itself"},
		{"chromium", []string{nssBase}, "NSS", ""},
		{"gone", []string{filepath.Join(folder, "libgnutls.so.30")}, "", "GnuTLS logs no secrets by itself"},
		{"go-sendxmpp", nil, "", "no library for TLS is known in it"},
	} {
		by, no := logsKeys(launch.Owner{Program: tt.program, Libraries: tt.libraries})
		if !strings.HasPrefix(by, tt.by) || (by == "") != (tt.by == "") || !strings.HasPrefix(no, tt.no) || (no == "") != (tt.no == "") {
			t.Errorf("%s: by %q, no %q", tt.program, by, no)
		}
	}
}

// TestRemoveRunFolders: what a run has left that was killed goes, and nothing else.
func TestRemoveRunFolders(t *testing.T) {
	in := t.TempDir()
	gone := exec.Command("go", "version")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	left := fmt.Sprintf("xmppscope-run-%d-1", gone.Process.Pid)
	stay := []string{fmt.Sprintf("xmppscope-run-%d-1", os.Getppid()), "xmppscope-run-x-1", "xmppscope-runs", "other"}
	for _, name := range append(stay, left) {
		if err := os.MkdirAll(filepath.Join(in, name, "secrets"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(in, "other"), filepath.Join(in, fmt.Sprintf("xmppscope-run-%d-2", gone.Process.Pid))); err != nil {
		t.Fatal(err)
	}
	removeRunFolders(in)
	if _, err := os.Stat(filepath.Join(in, left)); err == nil {
		t.Error("the folder of a run that is gone stays")
	}
	for _, name := range stay {
		if _, err := os.Stat(filepath.Join(in, name, "secrets")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEndsTLSBy: TLS is ended where a flag is given that is about ending it.
func TestEndsTLSBy(t *testing.T) {
	for _, name := range endsTLSBy {
		r := new(runFlags)
		f := pflag.NewFlagSet("run", pflag.ContinueOnError)
		r.add(f)
		if c := (&client{r: r}); !c.mayLeaveTLS(f) {
			t.Fatal("TLS is ended where nothing was asked for")
		}
		value := "x"
		switch f.Lookup(name).Value.Type() {
		case "bool":
			value = "true"
		case "pairs":
			value = "x,y"
		}
		if err := f.Set(name, value); err != nil {
			t.Fatal(err)
		}
		if c := (&client{r: r}); c.mayLeaveTLS(f) {
			t.Errorf("--%s leaves TLS as it is, and is of no use", name)
		}
	}
}
