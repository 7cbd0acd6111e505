package proxy

import (
	"strings"
	"sync"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// A session of BOSH (XEP-0124) goes on over any number of connections. What the first
// request on each and its answer say of that is looked at before the relay is free: a
// connection whose <body/> names a session that came through here is one of that session, if it
// is to the same server, and comes from the same host or was accepted there. A stranger who
// names a sid of others is not told as one of them.

const (
	// joinTime is how long a connection is kept back while it may turn out to be one of
	// another session: events of what is slower than that are told as of a session of its own.
	joinTime = 5 * time.Second
	// leastAwaited is how long another connection is waited for at least.
	leastAwaited = 3 * time.Second
	// maxBOSH bounds the sessions of BOSH that are known.
	maxBOSH = 4000
	// maxLooked bounds the requests on a connection that are looked at for a body of BOSH.
	maxLooked = 16
)

// boshLook is what a relay knows of BOSH on its connection.
type boshLook struct {
	is      bool   // it is a session's: what passes is looked into as long as it lasts
	talk    *talk  // of that; nil where it is not known
	settled bool   // nothing more is looked for
	opens   bool   // the client asks for a session
	looked  uint8  // requests
	joins   string // the session that the client has named, where the server's answer to that decides
}

// lookBOSH looks for the first body of BOSH, and the answer to one that opens a session.
func (r *Relay) lookBOSH(p *decode.Piece) {
	if r.bosh.settled || !r.stream.IsWeb(p.Dir) {
		return
	}
	switch b := p.Body.(type) {
	case session.HTTPRequest:
		r.bosh.looked++
		r.bosh.settled = b.WebSocket || r.bosh.looked > maxLooked
	case session.HTTPResponse: // nothing is here that goes on
		r.bosh.settled = b.Status >= 400
	case session.HTTPBody:
		r.bosh.settled = p.Dir == session.C2S
	}
	p.Events(func(e session.Seen) {
		b, ok := decode.BOSHBodyOf(&e)
		switch {
		case !ok:
		case e.Dir == session.C2S && b.SID == "":
			r.bosh.opens = true
		case e.Dir == session.C2S:
			r.bosh.settled, r.bosh.is = true, true
			r.do(JoinBOSH{SID: strings.Clone(b.SID)})
		case r.bosh.joins != "":
			if r.bosh.settled = true; b.Type != "terminate" {
				r.do(JoinBOSH{r.bosh.joins, true})
			}
		case r.bosh.opens:
			r.bosh.settled = true
			if sid, lasts, ok := decode.OpensBOSH(&e); ok {
				r.bosh.is = true
				r.do(OpenBOSH{strings.Clone(sid), lasts})
			}
		}
	})
}

// awaitJoin has the server's answer decide whether the connection is one of a session.
func (r *Relay) awaitJoin(sid string) { r.bosh.joins, r.bosh.settled = sid, false }

// mayJoin says whether the connection may turn out to be one of a session of BOSH.
func (r *Relay) mayJoin() bool {
	switch {
	case r.bosh.settled, r.blind, r.phase == asked, r.phase == quiescing, r.phase == closing:
		return false
	}
	return r.phase != relaying || r.isWeb() || !r.header
}

// boshSessions are the sessions of BOSH of a run. A nil one knows of none.
type boshSessions struct {
	mu   sync.Mutex
	open map[boshName]*boshSession
	over bool
}

// boshName is what a session is known by: its sid, at the server that has made it. Where the
// connections of a client are taken on their way it is "": a host may have several addresses.
type boshName struct{ server, sid string }

// boshSession is one of them. Its trail stays open as long as connections may join it.
type boshSession struct {
	name  boshName
	from  string // the client's host
	root  *session.Trail
	made  time.Time
	lasts time.Duration // by the server's word
	conns int           // open
	timer *time.Timer   // ends it; nil while there are connections
	talk  talk
}

// any says whether there is a session that a connection may join.
func (b *boshSessions) any() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open) > 0
}

// opened notes that a session was made on a connection. It returns nil where there are too
// many. A sid that was known before is that of the newer one: the server has begun to count anew.
func (b *boshSessions) opened(name boshName, from string, t *session.Trail, lasts time.Duration) *boshSession {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.open[name]
	if b.over || before == nil && len(b.open) >= maxBOSH {
		return nil
	}
	if before != nil {
		before.close()
	}
	if b.open == nil {
		b.open = map[boshName]*boshSession{}
	}
	s := &boshSession{name: name, from: from, root: t.Root(), made: time.Now(), lasts: lasts, conns: 1}
	s.root.Hold()
	b.open[name] = s
	return s
}

// join makes a connection one of the session of this name. It returns nil where there is
// none, or the connection is told as a session of its own already; or, and then it says wait,
// where that comes from another host, and the server has not accepted it yet.
func (b *boshSessions) join(name boshName, from string, accepted bool, t *session.Trail) (joined *boshSession, wait bool) {
	if b == nil {
		return nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.open[name]
	switch {
	case s == nil || b.over:
		return nil, false
	case s.from != from && !accepted:
		return nil, true
	case !t.Join(s.root):
		return nil, false
	}
	s.conns++
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	return s, false
}

// left notes that a connection of a session has ended. When none follows for as long as the
// session lasts, nothing more belongs to it; one that has just begun is not waited for so long,
// for whoever gives up a login wants to know why.
func (b *boshSessions) left(s *boshSession) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.conns--; s.conns == 0 && b.isOpen(s) {
		s.timer = time.AfterFunc(min(s.lasts, max(leastAwaited, time.Since(s.made))), func() { b.end(s) })
	}
}

// end ends a session, unless a connection has joined it meanwhile.
func (b *boshSessions) end(s *boshSession) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.conns == 0 && b.isOpen(s) {
		delete(b.open, s.name)
		s.close()
	}
}

// close ends the session.
func (s *boshSession) close() {
	s.talk.end(s.root)
	s.root.Close()
}

// isOpen says whether connections may join a session: the run goes on, and the server has not
// given its sid to another one. The caller holds mu.
func (b *boshSessions) isOpen(s *boshSession) bool { return b.open[s.name] == s }

// close ends all.
func (b *boshSessions) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	for _, s := range b.open {
		if s.timer != nil {
			s.timer.Stop()
		}
		s.close()
	}
	b.open = nil
}
