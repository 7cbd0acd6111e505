package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"xmppscope/internal/launch"
)

// TestLogsKeys: what is known of programs and libraries decides.
func TestLogsKeys(t *testing.T) {
	for _, tt := range []struct {
		program   string
		libraries []string
		by, no    string
	}{
		{"python3.11", []string{"libssl.so.3", "libcrypto.so.3"}, "Python", ""},
		{"node", nil, "Node", ""},
		{"profanity", []string{"libgnutls.so.30", "libssl.so.3"}, "", "OpenSSL logs no secrets by itself"},
		{"dino", []string{"libgnutls.so.30"}, "GnuTLS", ""},
		{"pidgin", []string{"libnss3.so", "libssl3.so"}, "NSS", ""},
		{"go-sendxmpp", nil, "", "no library for TLS is known in it"},
	} {
		by, no := logsKeys(launch.Owner{Program: tt.program, Libraries: tt.libraries})
		if !strings.HasPrefix(by, tt.by) || (by == "") != (tt.by == "") || !strings.HasPrefix(no, tt.no) || (no == "") != (tt.no == "") {
			t.Errorf("%s: by %q, no %q", tt.program, by, no)
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
