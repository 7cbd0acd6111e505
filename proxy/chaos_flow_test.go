package proxy_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
)

// lane is one direction while streams flow.
type lane struct {
	text string

	mu             sync.Mutex
	changed        *sync.Cond
	sent, received int
	waiting        bool  // the sender, until all has been received
	sentAll        bool  // the sender has ended
	over           bool  // the receiver has ended
	refused        bool  // sending failed
	orderly        bool  // the end was in order
	err            error // the end otherwise
	wrong          string
}

func newLane(text string) *lane {
	l := &lane{text: text}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// set changes the lane, and wakes who waits.
func (l *lane) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.changed.Broadcast()
}

// wait waits for something that becomes true at the end at the latest.
func (l *lane) wait(until func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !until() {
		l.changed.Wait()
	}
}

// settle waits until all that was sent has been received: nothing is held back until
// more comes.
func (l *lane) settle() {
	l.set(func() { l.waiting = true })
	l.wait(func() bool { return l.received >= l.sent || l.over })
	l.set(func() { l.waiting = false })
}

// send sends a side's text, up to where it stops, and ends it.
func (c *chaos) send(side int, p *peer, out, in *lane) {
	defer out.set(func() { out.sentAll = true })
	rnd := c.random(side, "sending")
	half := -1
	if c.finish == inOrder && c.halfClose && side != c.who {
		half = c.stops[side] / 2
	}
	for at := 0; at < c.stops[side]; {
		size := min(1+rnd.IntN(one(rnd, 10, 3000, 40000)), c.stops[side]-at)
		if at <= half && half < at+size {
			in.wait(func() bool { return in.over })
		}
		out.set(func() { out.sent = at + size })
		if _, err := io.WriteString(p.conn, out.text[at:at+size]); err != nil {
			c.refused(side, p, out, err)
			return
		}
		if at += size; rnd.IntN(20) == 0 {
			out.settle()
		}
	}
	switch {
	case side == c.who || c.finish == inOrder:
		if c.settled {
			out.settle()
		}
		p.end(c.finish)
	case c.finish == gone:
		in.wait(func() bool { return in.over })
		_, err := io.Copy(p.conn, endless{})
		c.refused(side, p, out, err)
		p.raw.Close()
	}
}

// refused is what a side does that can send no more.
func (c *chaos) refused(side int, p *peer, out *lane, err error) {
	switch {
	case c.finish == inOrder:
		c.Errorf("the %s sends: %v", sides[side], err)
	case c.finish == reset && side != c.who:
		out.set(func() { out.refused = errors.Is(err, syscall.ECONNRESET) })
	case c.finish == gone && side != c.who:
		out.set(func() { out.refused = !errors.Is(err, os.ErrDeadlineExceeded) })
		p.raw.Close()
	}
}

// endless is white space between stanzas.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(" "), len(p))), nil }

// receive reads a side's stream to its end and compares it with what was sent.
func (c *chaos) receive(side int, p *peer, in, out *lane) {
	rnd := c.random(side, "receiving")
	buf := make([]byte, one(rnd, 10, 1000, 40000))
	for {
		if rnd.IntN(10) == 0 { // let some come together
			some := rnd.IntN(20000)
			in.wait(func() bool { return in.sent-in.received >= some || in.waiting || in.sentAll })
		}
		n, err := p.conn.Read(buf)
		in.set(func() {
			if at := in.received; at+n > len(in.text) || in.text[at:at+n] != string(buf[:n]) {
				if c.finish != gone || strings.Trim(string(buf[:n]), " ") != "" {
					in.wrong = fmt.Sprintf("other bytes at offset %d", at)
				}
			}
			in.received += n
		})
		if err == nil {
			continue
		}
		_, secure := p.conn.(*tls.Conn)
		// crypto/tls takes a FIN between records for an end in order.
		orderly := err == io.EOF && !(secure && p.raw.ended)
		if orderly && !secure && c.finish == reset && side != c.who {
			// A reset is told once: where writing is told, reading sees an end.
			out.wait(func() bool { return out.sentAll })
			out.set(func() { orderly = !out.refused })
		}
		in.set(func() { in.over, in.orderly, in.err = true, orderly, err })
		switch {
		case c.finish == inOrder && orderly: // close_notify; behind it comes FIN, not RST
			if _, err := io.Copy(io.Discard, p.raw.TCPConn); err != nil {
				in.set(func() { in.orderly, in.err = false, err })
			}
		case (c.finish == reset || c.finish == cutOff) && side != c.who:
			p.raw.Close()
		}
		return
	}
}

// flow sends both streams at once, and ends them as planned.
func (c *chaos) flow() {
	var all sync.WaitGroup
	lanes := [2]*lane{newLane(c.text[client]), newLane(c.text[server])}
	for side, p := range c.peers {
		out, in := lanes[side], lanes[1-side]
		all.Go(func() { c.send(side, p, out, in) })
		all.Go(func() { c.receive(side, p, in, out) })
	}
	all.Wait()
	for side := range c.peers {
		c.judge(side, lanes[1-side], lanes[side])
	}
}

// judge looks at what a side has received, and how it ended.
func (c *chaos) judge(side int, in, out *lane) {
	me, other := sides[side], sides[1-side]
	if in.wrong != "" {
		c.Errorf("at the %s: %s", me, in.wrong)
	}
	if errors.Is(in.err, os.ErrDeadlineExceeded) {
		c.Errorf("the %s is not told that the %s has ended", me, other)
	}
	whole := c.finish == inOrder || c.settled && side != c.who
	if whole && in.received != c.stops[1-side] {
		c.Errorf("the %s got %d of %d bytes, then %v", me, in.received, c.stops[1-side], in.err)
	}
	switch {
	case c.finish == inOrder && !in.orderly:
		c.Errorf("the %s ended in order, and the %s sees %v", other, me, in.err)
	case (c.finish == reset || c.finish == cutOff) && side != c.who && in.orderly:
		c.Errorf("the %s ended with a %s, and the %s sees an end in order", other, c.finish, me)
	case c.finish == gone && side != c.who && !out.refused:
		c.Errorf("the %s has gone, and the %s is never told while it sends", other, me)
	}
}
