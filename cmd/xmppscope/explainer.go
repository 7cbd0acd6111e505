package main

import (
	"bytes"
	"crypto/x509"
	"sync"
	"time"

	"xmppscope/capture/passive"
	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

// explainer turns what was seen into what is said, in the background: a login at once,
// what is looked at next, the rest when the wire is quiet.
type explainer struct {
	spool *session.Spool
	log   *session.Log
	begin func() *decode.Session // makes what explains a session

	control *proxy.Control // wants to know where streams stand; nil: nobody does

	// Of sessions whose TLS is left as it is:
	wire   bool // somebody wants the bytes below TLS
	verify func([]*x509.Certificate, passive.Wanted) *session.Verification
}

// run explains until nothing more will come, and all has been explained.
func (x *explainer) run() {
	var workers sync.WaitGroup
	workers.Go(func() { x.work(true) })
	workers.Go(func() { x.work(false) })
	workers.Wait()
}

// explaining is a session on its way.
type explaining struct {
	by     *decode.Session
	cutter *decode.Cutter
	live   *untouched // where TLS is left as it is: in place of cutter
	begun  bool
	out    []session.Event // explained, and not in the log yet; the room is the worker's
	turn   time.Time       // when the CPU was left to others last
}

// ourTurn is how long a worker goes on, from event to event, before it lets in who waits for the
// CPU. Most events take some microseconds, those of a login some tens.
const ourTurn = 30 * time.Microsecond

// maxRoom bounds the events that a worker has room for while it has none.
const maxRoom = 1024

// work explains what the spool gives out: logins only, or whatever there is, as fast as
// the wire leaves room for it.
func (x *explainer) work(logins bool) {
	giveWay()
	var pace pace
	var room []session.Event
	for {
		trail := x.spool.Next(logins)
		if trail == nil {
			return
		}
		begun, used := time.Now(), threadTime()
		e := x.of(trail)
		e.out, e.turn = room, begun
		trail.Take(func(seen session.Seen) { x.take(e, seen) })
		if e.cutter.Settle(); trail.Over() {
			e.cutter.End()
		}
		x.log.AppendAll(e.out)
		clear(e.out)
		if room, e.out = e.out[:0], nil; cap(room) > maxRoom {
			room = nil
		}
		trail.Settle(e.cutter.Settled(session.C2S), e.cutter.Settled(session.S2C), x.log.Len())
		x.spool.Put(trail)
		if !logins {
			now := time.Now()
			time.Sleep(pace.after(now, now.Sub(begun), threadTime()-used, x.spool.Flowed(), x.spool.Waiting()))
		}
	}
}

// take takes what was seen next.
func (x *explainer) take(e *explaining, seen session.Seen) {
	if !e.begun {
		e.begun = true
		if b, ok := seen.Body.(session.TCPOpened); ok && b.Captured {
			e.live = x.live(e, &seen, b)
			return
		}
	}
	if e.live != nil {
		e.live.take(seen)
		return
	}
	e.cutter.Take(seen)
}

func (x *explainer) of(t *session.Trail) *explaining {
	if e, ok := t.User.(*explaining); ok {
		return e
	}
	e := &explaining{by: x.begin()}
	e.cutter = decode.NewCutter(func(seen session.Seen) {
		if _, ok := seen.Body.(session.WireBytes); ok {
			seen.Raw = bytes.Clone(seen.Raw) // borrowed until Take goes on
		}
		e.out = append(e.out, e.by.Explain(seen))
		if time.Since(e.turn) > ourTurn {
			letIn()
			e.turn = time.Now()
		}
	})
	if x.control != nil {
		e.cutter.Marked = func(dir session.Dir, lane decode.Lane) {
			lane.Sent, lane.Counts = e.by.Sent(dir)
			x.control.HandOver(t.ID(), dir, lane)
		}
	}
	t.User = e
	return e
}

// How much may flow before explaining makes room for it, and how much room: the relay and
// its peers need the cores more.
const (
	quietFlow = 6 << 20  // a second, as Spool.Flowed counts: nobody needs to make room for that
	fullFlow  = 50 << 20 // a second: explaining could not follow with a core of its own
	fullRatio = 30       // of resting to working then
	restRatio = 9        // the same where room is needed otherwise: a tenth of a core is left
	maxRest   = 200 * time.Millisecond
	lookTime  = 10 * time.Millisecond // between two looks at how much flows, at least

	// crowded is how much longer than its time on a CPU work takes where others want the
	// CPUs as much, judged by so much work. Where there is room, and where much waits already,
	// it goes on: else what flows steadily would wait for hours.
	crowded = 1.8
	judged  = 30 * time.Millisecond
	latest  = 30 // seconds of what flows may wait while it makes room

	// Where little waits it is let gather: a wake-up for each message costs the wire more
	// than the explaining, and nobody sees the difference.
	fewBytes   = 64 << 10
	gatherTime = 10 * time.Millisecond
)

// pace has explaining rest while much flows and the CPUs are short, and gather what
// trickles.
type pace struct {
	flowed       int64 // at the last look
	at           time.Time
	flow         float64       // bytes a second, then
	worked, used time.Duration // how long work has taken, and on a CPU, since it was judged
	short        bool          // of CPUs, then
}

// after returns how long to rest after some work, which took so long, and of which so
// much was on a CPU. So many bytes have flowed by now, and so many wait.
func (p *pace) after(now time.Time, worked, used time.Duration, flowed, waiting int64) time.Duration {
	p.worked += worked
	p.used += used
	if since := now.Sub(p.at); since > lookTime {
		// What has come since a long time ago may have come just now.
		p.flow = float64(flowed-p.flowed) / min(since, maxRest).Seconds()
		p.flowed, p.at = flowed, now
	}
	if p.worked > judged {
		p.short = float64(p.worked) > crowded*float64(p.used)
		p.worked, p.used = 0, 0
	}
	switch {
	case p.flow > fullFlow:
		return min(fullRatio*worked, maxRest)
	case p.flow > quietFlow && p.short && float64(waiting) < latest*p.flow:
		return min(restRatio*worked, maxRest)
	case waiting < fewBytes:
		return gatherTime
	}
	return 0
}
