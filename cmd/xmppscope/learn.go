package main

import (
	"context"
	"crypto/x509"
	"embed"
	"fmt"
	"io/fs"
	"net"

	"github.com/BurntSushi/toml"

	"xmppscope/internal/demo"
	"xmppscope/internal/idn"
	"xmppscope/proxy"
	"xmppscope/viewer"
)

// The lessons of demo --learn are files, played in the order of their names: each is a login,
// and the questions on it. To add one is to add a file.

//go:embed lessons/*.toml
var lessonFiles embed.FS

// lesson is what such a file holds.
type lesson struct {
	Title    string
	Scenario string
	Domain   string        // in place of the scenario's; each lesson has one of its own
	Trouble  string        // what is wrong beside the scenario: troubles
	Tasks    []viewer.Task `toml:"task"`

	sc demo.Scenario
}

// The troubles of lessons.
const (
	troubleDistrust = "distrust" // the client does not trust our CA
	troubleDown     = "down"     // nobody listens at the server's address
)

// lessons reads all of them. The session of each is the number of its place.
func lessons() (out []lesson, err error) {
	names, err := fs.Glob(lessonFiles, "lessons/*.toml")
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		var l lesson
		meta, err := toml.DecodeFS(lessonFiles, name, &l)
		if err == nil && len(meta.Undecoded()) > 0 {
			err = fmt.Errorf("there is no %s", meta.Undecoded()[0])
		}
		if err == nil && l.Trouble != "" && l.Trouble != troubleDistrust && l.Trouble != troubleDown {
			err = fmt.Errorf("there is no trouble %q", l.Trouble)
		}
		if err == nil {
			l.sc, err = demo.Find(l.Scenario)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if l.Domain != "" {
			l.sc.Domain = l.Domain
		}
		for k := range l.Tasks {
			l.Tasks[k].Lesson, l.Tasks[k].Session = l.Title, i+1
		}
		out = append(out, l)
	}
	return out, nil
}

// classroom is where lessons are played: a server for each, and how to come there.
type classroom struct {
	lessons  []lesson
	servers  []*demo.Server
	resolver *proxy.Resolver
	roots    *x509.CertPool // of the servers
}

func newClassroom() (*classroom, error) {
	all, err := lessons()
	if err != nil {
		return nil, err
	}
	c := &classroom{lessons: all, resolver: &proxy.Resolver{Overrides: map[idn.Domain]proxy.Target{}}, roots: x509.NewCertPool()}
	for i := range all {
		if err := c.serve(&all[i]); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// serve starts the server of a lesson, or finds an address that has none.
func (c *classroom) serve(l *lesson) error {
	domain, err := idn.Parse(l.sc.Domain)
	if err != nil {
		return err
	}
	if _, taken := c.resolver.Overrides[domain]; taken {
		return fmt.Errorf("two lessons are about %s", l.sc.Domain)
	}
	addr := ""
	if l.Trouble == troubleDown {
		nobody, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addr = nobody.Addr().String()
		nobody.Close()
	} else {
		server, err := demo.StartServer(l.sc)
		if err != nil {
			return err
		}
		c.servers = append(c.servers, server)
		c.roots.AppendCertsFromPEM(server.Authority().PEM())
		addr = server.Addr()
	}
	c.resolver.Overrides[domain], err = proxy.ParseTarget(addr, "demo")
	return err
}

func (c *classroom) close() {
	for _, s := range c.servers {
		s.Close()
	}
}

// tasks are those of all lessons.
func (c *classroom) tasks() (out []viewer.Task) {
	for i := range c.lessons {
		out = append(out, c.lessons[i].Tasks...)
	}
	return out
}

// play lets the clients of all lessons log in, one after the other. One that is meant to fail
// is no error.
func (c *classroom) play(ctx context.Context, addr string, roots *x509.CertPool) error {
	for i := range c.lessons {
		l := &c.lessons[i]
		trusted := roots
		if l.Trouble == troubleDistrust {
			trusted = x509.NewCertPool()
		}
		if err := demo.RunClient(ctx, l.sc, addr, trusted, 0); err != nil && (l.Trouble == "" || ctx.Err() != nil) {
			return err
		}
	}
	return nil
}
