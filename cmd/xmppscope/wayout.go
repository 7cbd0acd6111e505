package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"xmppscope/internal/lookup"
	"xmppscope/proxy"
)

// wayOutFlags say how servers are found and reached.
type wayOutFlags struct {
	dns      string // --resolver
	via      string
	password string // --via-password-file
}

// viaPassword is the variable that holds the proxy's password, where no file does. It is no
// flag: what stands on a command line can be read by others.
const viaPassword = "XMPPSCOPE_VIA_PASSWORD"

func (w *wayOutFlags) add(f *pflag.FlagSet) {
	f.StringVar(&w.dns, "resolver", "", "ask this resolver where servers are, `ADDRESS[:PORT]` (default: the system's)")
	f.StringVar(&w.via, "via", "", "reach servers through a proxy, `URL`: socks5://[USER@]HOST:PORT or http://[USER@]HOST:PORT (CONNECT); it resolves the names of hosts")
	f.StringVar(&w.password, "via-password-file", "", "`file` whose first line is the password for --via (or the variable "+viaPassword+")")
}

func (w *wayOutFlags) apply(r *proxy.Resolver) error {
	if w.dns != "" {
		names, err := lookup.Parse(w.dns)
		if err != nil {
			return fmt.Errorf("--resolver: %w", err)
		}
		r.Names = names
	}
	if w.via == "" {
		if w.password != "" {
			return hinted{fmt.Errorf("--via-password-file needs a proxy"), "name it with --via socks5://USER@HOST:PORT"}
		}
		return nil
	}
	password := os.Getenv(viaPassword)
	os.Unsetenv(viaPassword) // programs that are started need not know it
	if w.password != "" {
		text, err := os.ReadFile(w.password)
		if err != nil {
			return fmt.Errorf("--via-password-file: %w", err)
		}
		password, _, _ = strings.Cut(string(text), "\n")
		password = strings.TrimSuffix(password, "\r")
	}
	through, err := proxy.ParseThrough(w.via, password)
	if err != nil {
		return err
	}
	r.Through = through
	return nil
}
