package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"xmppscope/internal/launch"
	"xmppscope/proxy"
)

// How run decides whether TLS of the client is left as it is: where its secrets come by
// themselves nothing needs to be ended, and what is bound to the connection works.

// endsTLSBy are the flags that say how TLS is ended, and so that it is.
var endsTLSBy = []string{"upstream-ca", "insecure-upstream", "legacy-tls", "rebind", "own-cert", "upstream-cert", "ask-client-cert", "client-tls", "domain"}

// decision is what run does with TLS, and why.
type decision struct {
	mu   sync.Mutex
	keys *proxy.KeyLog
	said []string // why, once each, in order
}

// mayLeaveTLS says whether TLS of the client may be left as it is, by what was asked for.
func (c *client) mayLeaveTLS(f *pflag.FlagSet) bool {
	if f.Changed("untouched") {
		return c.r.closed.untouched
	}
	return !slices.ContainsFunc(endsTLSBy, f.Changed)
}

// untouched says how TLS of the client is left as it is, where it is. keylog is the file that
// the client logs its secrets to.
func (c *client) untouched(f *pflag.FlagSet, keylog string) *proxy.Untouched {
	r := c.r
	asked := f.Changed("untouched")
	i := slices.IndexFunc(endsTLSBy, f.Changed)
	switch {
	case asked && !r.closed.untouched, !asked && c.program == nil:
		return nil
	case !asked && i >= 0:
		c.decided.because("TLS is ended here, because of --%s", endsTLSBy[i])
		return nil
	}
	keys := proxy.NewKeyLog(keylog)
	c.decided.keys = keys
	return &proxy.Untouched{Keys: keys, Choose: func(conn net.Conn) string {
		if asked {
			return whyUntouched
		}
		return c.choose(conn)
	}}
}

// choose looks at who has made a connection: why its TLS is left as it is, "" if it is ended.
func (c *client) choose(conn net.Conn) string {
	owner, ok := c.program.Owner(conn)
	if !ok {
		c.decided.because("TLS is ended here: it could not be seen which program has made the connection")
		return ""
	}
	by, no := logsKeys(owner)
	if by == "" {
		c.decided.because("TLS of %s is ended here: %s", owner.Program, no)
		return ""
	}
	if some, none := c.decided.keys.Came(); some == 0 && none > 0 {
		c.decided.because("TLS of %s is ended here from then on: it has logged no secrets, though %s", owner.Program, by)
		return ""
	}
	why := fmt.Sprintf("TLS of %s is left as it is: %s (--untouched=false has it ended here)", owner.Program, by)
	c.decided.because("%s", why)
	return why
}

// tlsLibraries are those that log the secrets of TLS when a variable tells them a file, if
// they were built so: Debian's NSS, and OpenSSL as most have it, were not.
var tlsLibraries = []struct{ file, name string }{{"libssl.so", "OpenSSL"}, {"libgnutls.so", "GnuTLS"}, {"libssl3.so", "NSS"}}

// logsKeys says by what a program logs its TLS secrets when it is told a file by variables, or
// why it does not. Of several libraries it may use any.
func logsKeys(o launch.Owner) (by, no string) {
	has := func(name string) bool {
		return slices.ContainsFunc(o.Libraries, func(l string) bool { return strings.HasPrefix(filepath.Base(l), name) })
	}
	switch {
	case strings.HasPrefix(o.Program, "python"):
		return "Python logs its secrets", ""
	case o.Program == "node" || o.Program == "nodejs":
		return "Node logs its secrets", ""
	}
	for _, l := range o.Libraries {
		for _, t := range tlsLibraries {
			switch {
			case !strings.HasPrefix(filepath.Base(l), t.file):
			case !namesVariable(l):
				return "", t.name + " logs no secrets by itself"
			default:
				by = t.name + " logs its secrets"
			}
		}
	}
	switch {
	case by != "":
	case has("libnss3.so"): // browsers bring TLS of their own along
		by = "NSS logs its secrets"
	case has("libcrypto.so"):
		no = "OpenSSL logs no secrets by itself"
	default:
		no = "no library for TLS is known in it, of which secrets could be had"
	}
	return by, no
}

// namesVariable says whether a library knows the variable that tells where to log secrets.
func namesVariable(path string) bool {
	code, err := os.ReadFile(path)
	return err == nil && bytes.Contains(code, []byte("SSLKEYLOGFILE"))
}

// because keeps why, to be told at the end.
func (d *decision) because(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if why := fmt.Sprintf(format, args...); !slices.Contains(d.said, why) {
		d.said = append(d.said, why)
	}
}

// told is why, a line each.
func (d *decision) told() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.said)
}

// keylog is the file to which the client logs its secrets, and what tells it so.
func (c *client) keylog() (path string, env []string, err error) {
	path = c.r.closed.keylog
	if path == "" {
		path = os.Getenv("SSLKEYLOGFILE")
	}
	if path == "" {
		folder := filepath.Join(c.folder, "secrets")
		if err := os.Mkdir(folder, 0o700); err != nil {
			return "", nil, err
		}
		path = filepath.Join(folder, "keys.log")
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", nil, err
	}
	node := strings.TrimSpace(os.Getenv("NODE_OPTIONS") + " --tls-keylog=" + path)
	if strings.ContainsAny(path, " \"\\") {
		node = os.Getenv("NODE_OPTIONS") // it takes no such path
	}
	return path, []string{"SSLKEYLOGFILE=" + path, "NODE_OPTIONS=" + node}, nil
}
