package main

import (
	"errors"
	"net"
	"os"
	"strings"

	"xmppscope/proxy"
)

// listenAt is a value of --listen: where clients come in, and whom they are taken to from
// there, "" for as --upstream and --resolve say.
type listenAt struct{ addr, target string }

// places reads --listen.
func (p *proxyFlags) places() ([]listenAt, error) {
	var out []listenAt
	for _, s := range p.listen {
		addr, target, named := strings.Cut(s, "=")
		if named && target == "" {
			return nil, hinted{errors.New("--listen " + addr + "= names no server"), "want ADDRESS:PORT=HOST:PORT, or ADDRESS:PORT alone"}
		}
		out = append(out, listenAt{addr, target})
	}
	switch {
	case len(out) == 0:
		return nil, errors.New("--listen is empty: want ADDRESS:PORT, such as 127.0.0.1:5222")
	case p.behind.transparent && (len(out) > 1 || out[0].target != ""):
		return nil, hinted{errors.New("--transparent takes connections to where they were going, at one address"), "name one --listen ADDRESS:PORT"}
	}
	return out, nil
}

// way is an entrance with what belongs to it.
type way struct {
	listenAt
	proxy.Entrance
}

// ways are the entrances, at which nobody listens yet.
func (p *proxyFlags) ways() ([]way, error) {
	places, err := p.places()
	if err != nil {
		return nil, err
	}
	var ways []way
	for _, e := range places {
		w := way{listenAt: e}
		if w.Resolver, err = p.resolver(e); err != nil {
			return nil, err
		}
		if w.Resolver.Remote, err = p.checkListen(e); err != nil {
			return nil, err
		}
		ways = append(ways, w)
	}
	return ways, nil
}

// enter listens at all of them. If it fails, nothing is listened at.
func (p *proxyFlags) enter(ways []way) (err error) {
	var self []net.Addr
	for i := range ways {
		if ways[i].Listener, err = p.behind.listen(ways[i].addr); err != nil {
			closeWays(ways)
			return err
		}
		self = append(self, ways[i].Listener.Addr())
	}
	for _, w := range ways {
		w.Resolver.Self = self
		if len(ways) > 1 {
			say(os.Stderr, "listening on %s", p.line(w))
		} else {
			say(os.Stderr, "listening on %s", w.Listener.Addr())
		}
	}
	return nil
}

func closeWays(ways []way) {
	for _, w := range ways {
		if w.Listener != nil {
			w.Listener.Close()
		}
	}
}

// line says who listens, and for whom.
func (p *proxyFlags) line(w way) string {
	target := w.target
	if target == "" {
		target = p.target()
	}
	return w.Listener.Addr().String() + " → " + target
}

// lines are those of all entrances.
func (p *proxyFlags) lines(ways []way) string {
	var out []string
	for _, w := range ways {
		out = append(out, p.line(w))
	}
	return strings.Join(out, ", ")
}
