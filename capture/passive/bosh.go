package passive

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// above is a session of BOSH, above its connections (decode.Connections).
type above struct {
	r       *reader
	id      int
	sid     string
	from    netip.Addr // the client's
	explain *decode.Session
	conns   *decode.Connections
	newest  int32         // connection that has joined
	lasts   time.Duration // without a connection
}

// asksBOSH begins a session of BOSH where an event says that the client asks for one.
func (c *conn) asksBOSH(e *session.Seen) {
	if _, opened := e.Body.(session.StreamOpened); !opened || c.r.live {
		return
	}
	a := &above{r: c.r, id: c.id, from: c.wire.Client.Addr(), explain: c.explain, newest: session.FirstJoined - 1}
	a.conns = decode.NewConnections(e, func(e session.Seen) {
		if a.r.err == nil {
			a.r.err = a.r.emit(session.Event{Seen: e}, a.explain)
		}
	})
	if a.conns != nil {
		c.above = a
	}
}

// opened takes that the server may have made a session, which connections may join then.
func (a *above) opened(e *session.Seen) {
	sid, lasts, ok := decode.OpensBOSH(e)
	if ok && a.r.bosh[sid] == nil {
		delete(a.r.bosh, a.sid)
		a.sid, a.lasts = sid, lasts
		a.r.bosh[sid] = a
	}
}

// take takes an event of one of the connections.
func (a *above) take(e session.Seen) {
	a.opened(&e)
	a.conns.Take(e)
	since, ending := a.conns.Ending()
	switch {
	case ending:
		a.r.ending[a] = since.Add(a.lasts)
	case a.conns.Over():
		a.finish()
	default:
		delete(a.r.ending, a)
	}
}

// finish says that nothing follows.
func (a *above) finish() {
	a.conns.Finish()
	delete(a.r.bosh, a.sid)
	delete(a.r.ending, a)
}

// endingLook is how often it is looked for sessions that had no connection for too long: with
// each packet it would take as long as there are such sessions.
const endingLook = time.Second

// endBOSH ends the sessions that had no connection for too long, in order.
func (r *reader) endBOSH(now time.Time) {
	if since := now.Sub(r.looked); since >= 0 && since < endingLook {
		return
	}
	r.looked = now
	var over []*above
	for a, until := range r.ending {
		if now.After(until) {
			over = append(over, a)
		}
	}
	slices.SortFunc(over, inTurn)
	for _, a := range over {
		a.finish()
	}
}

func inTurn(a, b *above) int { return cmp.Compare(a.id, b.id) }

// mayJoin says whether the connection may turn out to be one of a session of BOSH: the body of
// its first request tells.
func (c *conn) mayJoin() bool {
	return len(c.r.bosh) > 0 && decode.BeginsWeb(c.head(session.C2S))
}

// decide finds out by an event whether the connection is one of a session of BOSH: it names
// one, and comes from the same host or is accepted by the server.
func (c *conn) decide(e *session.Seen) {
	b, ok := decode.BOSHBodyOf(e)
	answer, _ := e.Body.(session.HTTPResponse)
	switch {
	case ok && e.Dir == session.C2S && c.joins == nil:
		if c.joins = c.r.bosh[b.SID]; c.joins == nil || c.joins.from == c.wire.Client.Addr() {
			c.become(e.At, c.joins)
		}
	case ok && e.Dir == session.S2C && b.Type != "terminate" && c.joins != nil && c.r.bosh[c.joins.sid] == c.joins:
		c.become(e.At, c.joins)
	case ok && e.Dir == session.S2C, answer.Status >= 400:
		c.become(e.At, nil)
	case len(c.pending) >= maxPending:
		c.become(e.At, nil)
	}
}
