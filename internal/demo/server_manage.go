package demo

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
)

// maxUnacked bounds what is kept for a client that has not said that it has it.
const maxUnacked = 1000

// managed is what stream management needs (XEP-0198).
type managed struct {
	count  atomic.Uint32 // stanzas of the client
	closed bool          // the client has ended its stream: there is nothing to resume

	unacked sync.Mutex // held while what follows is used
	id      string     // by which the session can be resumed, "" without stream management
	queue   []string   // stanzas that the client has not acknowledged
	acked   uint32
}

// manage answers an element of stream management.
func (e *serverEnd) manage(n *node) error {
	switch n.XMLName.Local {
	case "enable":
		if e.phase != bound || e.id != "" {
			return e.link.send("<failed xmlns='%s'><unexpected-request xmlns='%s'/></failed>", nsManage, nsStanzas)
		}
		id := hexID(8)
		e.server.keep(id, e)
		e.count.Store(0)
		return e.link.send("<enabled xmlns='%s' id='%s' resume='true' max='300'/>", nsManage, id)
	case "resume":
		return e.resume(n)
	case "r":
		return e.link.send("<a xmlns='%s' h='%d'/>", nsManage, e.count.Load())
	case "a":
		h, err := strconv.ParseUint(n.attr("h"), 10, 32)
		if err != nil {
			return fatal("bad-format")
		}
		e.acknowledged(uint32(h))
		return nil
	}
	return fatal("unsupported-stanza-type")
}

// keep makes a session one that can be resumed.
func (s *Server) keep(id string, e *serverEnd) {
	e.unacked.Lock()
	e.id = id
	e.unacked.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[id] = e
}

// resume takes up a session, whose connection may still be open, and sends what the client
// lacks.
func (e *serverEnd) resume(n *node) error {
	s := e.server
	s.mu.Lock()
	old := s.kept[n.attr("previd")]
	if old == nil || old.user != e.user || e.phase != authenticated {
		s.mu.Unlock()
		return e.link.send("<failed xmlns='%s'><item-not-found xmlns='%s'/></failed>", nsManage, nsStanzas)
	}
	old.link.conn.Close()
	e.phase, e.jid = bound, old.jid
	e.count.Store(old.count.Load())
	old.unacked.Lock()
	e.unacked.Lock()
	e.id, e.queue, e.acked = old.id, old.queue, old.acked
	e.unacked.Unlock()
	old.unacked.Unlock()
	s.kept[e.id], s.online[e.jid] = e, e
	s.mu.Unlock()
	if h, err := strconv.ParseUint(n.attr("h"), 10, 32); err == nil {
		e.acknowledged(uint32(h))
	}
	if err := e.link.send("<resumed xmlns='%s' previd='%s' h='%d'/>", nsManage, esc(e.id), e.count.Load()); err != nil {
		return err
	}
	e.unacked.Lock()
	defer e.unacked.Unlock()
	for _, stanza := range e.queue {
		if err := e.link.send("%s", stanza); err != nil {
			return err
		}
	}
	return nil
}

// acknowledged forgets what the client has.
func (e *serverEnd) acknowledged(h uint32) {
	e.unacked.Lock()
	defer e.unacked.Unlock()
	n := min(int(h-e.acked), len(e.queue))
	e.queue, e.acked = e.queue[n:], h
}

// tell sends a stanza, which is kept until the client has acknowledged it.
func (e *serverEnd) tell(format string, args ...any) error {
	stanza := fmt.Sprintf(format, args...)
	e.unacked.Lock()
	if e.id == "" {
		e.unacked.Unlock()
		return e.link.send("%s", stanza)
	}
	if e.queue = append(e.queue, stanza); len(e.queue) > maxUnacked {
		e.queue = e.queue[1:]
	}
	e.unacked.Unlock()
	return e.link.send("%s", stanza)
}
