package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"xmppscope/internal/demo"
)

// setup is what all measurements share.
type setup struct {
	dir         string // for all files; removed at the end
	self        string // this program
	account     *account
	cert        tls.Certificate // the server's
	serverRoots *x509.CertPool  // that trust it
	rootsPEM    string          // the same as a file
}

// newSetup makes a folder in dir, "" for the system's temporary one.
func newSetup(dir string) (*setup, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	account, err := newAccount()
	if err != nil {
		return nil, err
	}
	ca, err := demo.NewAuthority("CA of the load's server")
	if err != nil {
		return nil, err
	}
	cert, err := ca.Issue(domain)
	if err != nil {
		return nil, err
	}
	if dir, err = os.MkdirTemp(dir, "xmppscope-bench-"); err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	s := &setup{dir: dir, self: self, account: account, cert: cert, serverRoots: ca.Roots(), rootsPEM: filepath.Join(dir, "server-ca.pem")}
	return s, os.WriteFile(s.rootsPEM, ca.PEM(), 0o600)
}

func (s *setup) close() error { return os.RemoveAll(s.dir) }

// command is a child that lives in the setup's folder and takes nothing from outside.
func (s *setup) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "XMPPSCOPE_") }),
		"HOME="+s.dir, "XDG_CONFIG_HOME="+s.dir, "XDG_CACHE_HOME="+s.dir, "XDG_RUNTIME_DIR="+s.dir, "TMPDIR="+s.dir, "TERM=xterm-256color", "LC_ALL=C.UTF-8")
	return cmd
}

// between is what stands between client and server: nothing, if process is nil.
type between struct {
	addr    string         // where the client has to go
	roots   *x509.CertPool // what it has to trust
	process *process
	scope   *scope // which xmppscope it is, if it is one
	saved   string // its capture, "" if there is none
}

// column is one thing that is measured.
type column struct {
	name string
	// start puts it before a server; its files go to dir. It ends with ctx.
	start func(ctx context.Context, s *setup, upstream, dir string) (*between, error)
}

// The columns that need no xmppscope.
var (
	directColumn = column{"direct", func(_ context.Context, s *setup, upstream, _ string) (*between, error) {
		return &between{addr: upstream, roots: s.serverRoots}, nil
	}}
	bareColumn = column{"bare", startBare}
)

func startBare(ctx context.Context, s *setup, upstream, _ string) (*between, error) {
	cmd := s.command(s.self, childBare, upstream, s.rootsPEM)
	if _, err := cmd.StdinPipe(); err != nil { // closed when we go
		return nil, err
	}
	p, stdout, err := startReading(ctx, cmd)
	if err != nil {
		return nil, err
	}
	defer stdout.Close()
	said, err := io.ReadAll(stdout)
	addr, pem, ok := strings.Cut(string(said), "\n")
	roots := x509.NewCertPool()
	if err != nil || !ok || !roots.AppendCertsFromPEM([]byte(pem)) {
		p.kill()
		return nil, errors.Join(errors.New("bench: the bare relay did not start"), err, p.err)
	}
	return &between{addr: addr, roots: roots, process: p}, nil
}

// scope is a build of xmppscope.
type scope struct {
	prefix string // of the names of its columns
	path   string
	caDir  string
	roots  *x509.CertPool // its CA
}

// againstPrefix begins the names of the columns of the build that is measured against.
const againstPrefix = "against:"

// newScope has a build make its CA, which all its runs share.
func (s *setup) newScope(ctx context.Context, prefix, path string) (*scope, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	caDir, err := os.MkdirTemp(s.dir, "ca-")
	if err != nil {
		return nil, err
	}
	file := caDir + ".pem"
	p, err := startProcess(ctx, s.command(path, "ca", "export", "--ca-dir", caDir, "-o", file))
	if err != nil {
		return nil, err
	}
	if <-p.exited; p.err != nil {
		return nil, p.err
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("bench: %s: no certificate in what ca export wrote", path)
	}
	return &scope{prefix, path, caDir, roots}, nil
}

// columns are the ways in which a build is run.
func (x *scope) columns() []column {
	return []column{
		{x.prefix + "watching", func(ctx context.Context, s *setup, upstream, _ string) (*between, error) {
			return x.start(ctx, s, upstream, true, "", "--no-recovery")
		}},
		{x.prefix + "plain", func(ctx context.Context, s *setup, upstream, _ string) (*between, error) {
			return x.start(ctx, s, upstream, false, "", "--plain")
		}},
		{x.prefix + "saving", func(ctx context.Context, s *setup, upstream, dir string) (*between, error) {
			file := filepath.Join(dir, "load.pcapng")
			return x.start(ctx, s, upstream, true, file, "--save", file)
		}},
	}
}

// start runs the proxy in a terminal, to which it writes if it is shown, and which is
// read as fast as that. With the terminal, should we be killed, it goes too.
func (x *scope) start(ctx context.Context, s *setup, upstream string, shown bool, saved string, args ...string) (*between, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	master, slave, err := openTerminal(120, 40)
	if err != nil {
		return nil, err
	}
	defer slave.Close() // the child has its own
	cmd := s.command(x.path, append([]string{"--listen", addr, "--upstream", upstream, "--upstream-ca", s.rootsPEM, "--ca-dir", x.caDir}, args...)...)
	cmd.Stdin, cmd.SysProcAttr = slave, ownTerminal()
	if shown {
		cmd.Stdout = slave
	}
	p, err := startProcess(ctx, cmd)
	if err != nil {
		master.Close()
		return nil, err
	}
	go func() {
		io.Copy(io.Discard, master) // until the child has gone
		master.Close()
	}()
	if err := awaitPort(ctx, addr, p); err != nil {
		p.kill()
		return nil, err
	}
	return &between{addr: addr, roots: x.roots, process: p, scope: x, saved: saved}, nil
}

// freePort is an address of 127.0.0.1 that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// awaitPort connects again and again until somebody listens. (The inspector shows
// where it listens on its screen alone.)
func awaitPort(ctx context.Context, addr string, p *process) error {
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-p.exited:
			return errors.Join(errors.New("bench: the proxy does not listen"), p.err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
