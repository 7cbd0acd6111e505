package session

import "time"

// A session of BOSH (XEP-0124) may have several connections, of which it is not known when
// they begin that they are not sessions of their own. The trail of one that may join is not
// given out until that has come out: then what it holds goes over to the session's trail,
// and so does all that is appended to it from then on.

// FirstJoined is the number (Seen.Conn) of the first connection that joins a session.
const FirstJoined = 2

// joint is what a trail has of that.
type joint struct {
	into    *Trail      // what is appended goes there, as that of connection conn
	conn    int32       // of another trail's
	awaited *time.Timer // runs while it is not known whose it is

	newest int32 // connection that has joined; they are counted from FirstJoined
	users  int32 // who has joined and not closed, or keeps it open
	wrote  int32 // of which connection the newest record is
}

func (j *joint) isAwaited() bool { return j != nil && j.awaited != nil }

func (j *joint) writes() int32 {
	if j == nil {
		return 0
	}
	return j.wrote
}

// leave says whether nobody is left.
func (j *joint) leave() bool {
	j.users--
	return j.users < 0
}

// several makes the trail one that may have several connections. The caller holds mu.
func (t *Trail) several() *joint {
	if t.joint == nil {
		t.joint = new(joint)
	}
	return t.joint
}

// Await says that the trail may be that of a connection of another session: nobody takes
// from it until Join or Release says whose it is, but not for longer than this. It is called
// before anything is appended.
func (t *Trail) Await(most time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.several().awaited = time.AfterFunc(most, t.Release)
}

// Release says that the trail is a session of its own.
func (t *Trail) Release() {
	t.mu.Lock()
	if !t.joint.isAwaited() {
		t.mu.Unlock()
		return
	}
	t.settle()
	if len(t.pages) == 0 && !t.closed {
		t.mu.Unlock()
		return
	}
	t.unlock()
}

// settle ends the waiting. The caller holds mu.
func (t *Trail) settle() {
	t.joint.awaited.Stop()
	t.joint.awaited = nil
}

// Hold keeps the trail open, for connections that may yet join it, until Close is called once
// more.
func (t *Trail) Hold() {
	t = t.lock()
	t.several().users++
	t.mu.Unlock()
}

// Root is the trail that what is appended goes to.
func (t *Trail) Root() *Trail {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.joint != nil && t.joint.into != nil {
		return t.joint.into
	}
	return t
}

// Join makes the connection one of the session whose trail is root, which is kept open (Hold).
// It is false where it is a session of its own already.
func (t *Trail) Join(root *Trail) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.joint.isAwaited() || root == t {
		return false
	}
	t.settle()
	root.mu.Lock()
	j := root.several()
	j.users++
	j.newest = max(j.newest+1, FirstJoined)
	t.joint.into, t.joint.conn = root, j.newest
	root.on(j.newest)
	ahead := t.begun.Sub(root.begun)
	for _, p := range t.pages {
		t.move(p, root, ahead)
	}
	root.calm = root.calm && t.calm
	root.unlock()
	t.pages, t.over, t.closed = nil, true, true
	t.spool.finished(t)
	t.spool.leave(t)
	return true
}

// move appends what a page holds to the trail that is joined, and gives it up. The caller
// holds mu of both.
func (t *Trail) move(p *page, root *Trail, ahead time.Duration) {
	buf, events := p.buf, p.events
	if buf == nil {
		p.mem, buf, events = t.spool.load(p)
		p.buf = buf
	}
	for at := p.taken; at < len(buf); {
		r, size := readRecord(buf[at:])
		if size == 0 {
			break
		}
		at += size
		when := max(0, ahead+r.at)
		switch r.kind {
		case recordBytes:
			root.lost[r.dir] += r.n - int64(root.keep(when, r.kind, r.leg, r.dir, r.payload, &root.lost[r.dir]))
		case recordWire:
			lost := &root.lostWire[r.leg][r.dir]
			*lost += r.n - int64(root.keep(when, r.kind, r.leg, r.dir, r.payload, lost))
		case recordLost:
			root.lost[r.dir] += r.n
		case recordWireLost:
			root.lostWire[r.leg][r.dir] += r.n
		case recordEvent:
			if r.n < int64(len(events)) {
				root.put(when, events[r.n])
			}
		}
		if r.payload != nil {
			t.spool.waits(-len(r.payload))
		}
	}
	p.moved = true
	t.spool.forget(p)
}

// lock locks the trail that what is appended goes to, and has it take what comes as that of
// the right connection.
func (t *Trail) lock() *Trail {
	t.mu.Lock()
	if t.joint == nil {
		return t
	}
	root, conn := t.joint.into, t.joint.conn
	if root == nil {
		t.on(0)
		return t
	}
	t.mu.Unlock()
	root.mu.Lock()
	root.on(conn)
	return root
}

// on has what is appended be that of a connection. What is missing of the one before is told.
func (t *Trail) on(conn int32) {
	if t.joint.wrote == conn {
		return
	}
	t.tellMissing()
	p := t.page(maxRecordHead, true)
	t.joint.wrote = conn
	p.buf = appendRecord(p.buf, recordConn, NoLeg, NoDir, t.now(), int64(conn))
}
