package proxy

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"xmppscope/session"
)

// DefaultSessions is how many sessions may be under way at once, if nothing else is
// said.
const DefaultSessions = 10_000

// acceptPause is how long accepting rests after it has failed.
const acceptPause = 100 * time.Millisecond

const hintDescriptors = "allow more with ulimit -n 65536, or fewer sessions at once with --max-sessions"

// Limits of the run: session.RelayLimit.Limit.
const (
	limitSessions    = "sessions"
	limitDescriptors = "descriptors"
	limitAccept      = "accept" // by the system, for another reason
)

// door lets connections in as long as there is room, and says in events of the run
// when there is none, and when there is again.
type door struct {
	most   int
	inside atomic.Int64
	mu     sync.Mutex // guards the rest: there may be several entrances
	shut   string     // the limit that was reached and said, or ""
	away   int64      // connections that were turned away since
	push   func(session.Seen)
}

func newDoor(most int, push func(session.Seen)) *door {
	if most <= 0 {
		most = DefaultSessions
	}
	if n := descriptors(); n > 0 { // some are for files; a session has two
		most = min(most, max(1, (n-min(64, n/4))/2))
	}
	return &door{most: most, push: push}
}

// enter says whether a connection may come in. One that may has to leave.
func (d *door) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	inside := int(d.inside.Load())
	if inside >= d.most {
		d.away++
		hint := "--max-sessions N allows more at once"
		if n := descriptors(); n > 0 {
			hint += fmt.Sprintf("; each takes two file descriptors, of which there are %d (ulimit -n)", n)
		}
		d.close(limitSessions, session.Plural(inside, "session")+" under way at once, which is the most: new connections are closed as they come", hint)
		return false
	}
	if d.shut != limitSessions || inside <= d.most*9/10 {
		d.open()
	}
	d.inside.Add(1)
	return true
}

func (d *door) leave() { d.inside.Add(-1) }

// failed says why nobody can come in for now.
func (d *door) failed(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if outOfDescriptors(err) {
		d.close(limitDescriptors, "no file descriptor is left"+descriptorsText()+": new connections have to wait", hintDescriptors)
		return
	}
	cause := err
	var op *net.OpError
	if errors.As(err, &op) {
		cause = op.Err
	}
	d.close(limitAccept, fmt.Sprintf("new connections cannot be accepted for now: %v", cause), "")
}

func (d *door) close(limit, reason, hint string) {
	if d.shut != limit {
		d.shut = limit
		d.push(session.Seen{Body: session.RelayLimit{Limit: limit, Reason: reason, Hint: hint}})
	}
}

func (d *door) open() {
	if d.shut == "" {
		return
	}
	reason := "new connections are accepted again"
	if d.away > 0 {
		reason += fmt.Sprintf("; %d came meanwhile and were closed", d.away)
	}
	d.push(session.Seen{Body: session.RelayLimit{Limit: d.shut, Over: true, Reason: reason}})
	d.shut, d.away = "", 0
}

// passing says whether accepting may work again after an error: descriptors or memory
// ran out, or the client was gone already.
func passing(err error) bool {
	temporary, ok := err.(interface{ Temporary() bool })
	return ok && temporary.Temporary() || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// descriptorsText is how many there are, in brackets.
func descriptorsText() string {
	if n := descriptors(); n > 0 {
		return fmt.Sprintf(" (this process may have %d open)", n)
	}
	return ""
}
