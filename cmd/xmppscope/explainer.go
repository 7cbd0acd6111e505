package main

import (
	"bytes"
	"sync"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// explainer turns what was seen into what is said, in the background: a login at once,
// what is looked at next, the rest when the wire is quiet.
type explainer struct {
	spool *session.Spool
	log   *session.Log
	begin func() *decode.Session // makes what explains a session
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
	out    []session.Event // explained, and not in the log yet; the room is the worker's
}

// maxRoom bounds the events that a worker has room for while it has none.
const maxRoom = 1024

// work explains what the spool gives out: logins only, or whatever there is, as fast as
// the wire leaves room for it.
func (x *explainer) work(logins bool) {
	giveWay()
	pace := pace{spool: x.spool}
	var room []session.Event
	for {
		trail := x.spool.Next(logins)
		if trail == nil {
			return
		}
		begun := time.Now()
		e := x.of(trail)
		e.out = room
		trail.Take(e.cutter.Take)
		x.log.AppendAll(e.out)
		clear(e.out)
		if room, e.out = e.out[:0], nil; cap(room) > maxRoom {
			room = nil
		}
		trail.Settle(e.cutter.Settled(session.C2S), e.cutter.Settled(session.S2C), x.log.Len())
		x.spool.Put(trail)
		if !logins {
			pace.rest(time.Since(begun))
		}
	}
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
	})
	t.User = e
	return e
}

// How much may flow before explaining makes room for it, and how much room: the relay and
// its peers need the cores more.
const (
	quietFlow = 6 << 20 // a second, as Spool.Flowed counts
	restRatio = 9       // of resting to working while more flows: a tenth of a core is left
	maxRest   = 200 * time.Millisecond
	lookTime  = 10 * time.Millisecond // between two looks at how much flows, at least

	// Where little waits it is let gather: a wake-up for each message costs the wire more
	// than the explaining, and nobody sees the difference.
	fewBytes   = 64 << 10
	gatherTime = 10 * time.Millisecond
)

// pace has explaining rest while much flows, and gather what trickles.
type pace struct {
	spool  *session.Spool
	flowed int64
	at     time.Time
	busy   bool
}

// rest is called after some work.
func (p *pace) rest(worked time.Duration) {
	now := time.Now()
	if since := now.Sub(p.at); since > lookTime {
		flowed := p.spool.Flowed()
		// What has come since a long time ago may have come just now.
		p.busy = float64(flowed-p.flowed) > quietFlow*min(since, maxRest).Seconds()
		p.flowed, p.at = flowed, now
	}
	switch {
	case p.busy:
		time.Sleep(min(restRatio*worked, maxRest))
	case p.spool.Waiting() < fewBytes:
		time.Sleep(gatherTime)
	}
}
