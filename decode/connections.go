package decode

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"time"

	"xmppscope/session"
)

// Connections makes one session of what comes on the connections of a session of BOSH
// (XEP-0124 §11): it numbers the events, brings requests into the order of their rids, in
// which the server takes them, and says which events are of a connection alone
// (session.Seen.Beside). Connections come and go: the session has ended when one of the
// sides has said so, or when the last of them is gone and nothing follows.
type Connections struct {
	record func(session.Seen)
	seq    uint64
	conns  map[int32]*connection
	over   bool           // a side has ended the session
	ending []session.Seen // the last connection's end, as long as something may follow
	rid    uint64         // the highest so far, without a gap
	early  []*early       // requests whose turn has not come
	size   int            // of their events
	recent recent
}

// connection is one of them.
type connection struct {
	open  bool
	early *early // what comes belongs to this request
}

// early is a request that has come before others with a lower rid.
type early struct {
	conn   int32
	rid    uint64
	at     time.Time
	events []session.Seen
}

// Bounds of requests that come early: how far ahead, how many, how large in all, and how long
// they wait for those before them. What goes beyond that is behind a gap.
const (
	maxAhead      = 16
	maxEarlyBytes = 4 << 20
	maxEarly      = 2 * time.Second
)

// NewConnections begins with an event by which a client asks for a session of BOSH, and which
// has been told; it is nil for other events. Record takes those to come.
func NewConnections(e *session.Seen, record func(session.Seen)) *Connections {
	if _, opened := e.Body.(session.StreamOpened); !opened || e.Dir != session.C2S {
		return nil
	}
	b, ok := BOSHBodyOf(e)
	if !ok || b.SID != "" {
		return nil
	}
	rid, _ := strconv.ParseUint(b.RID, 10, 64)
	return &Connections{record: record, seq: e.Seq, rid: rid, conns: map[int32]*connection{e.Conn: {open: true}}}
}

// BOSHBodyOf reads the start tag of a <body/> of BOSH, whether it opens the stream or not.
func BOSHBodyOf(e *session.Seen) (session.BOSHBody, bool) {
	switch b := e.Body.(type) {
	case session.BOSHBody:
		return b, true
	case session.StreamOpened:
		if !bytes.Contains(e.Raw, []byte(NSBOSH)) {
			break
		}
		if root, _ := ParseTag(e.Raw, nil); root != nil && root.Name.Space == NSBOSH {
			return boshBody(root), true
		}
	}
	return session.BOSHBody{}, false
}

// How long a session of BOSH goes on without a connection where the server does not say, and
// at most.
const (
	usualInactivity = time.Minute
	maxInactivity   = 10 * time.Minute
)

// OpensBOSH says whether the event is a server's that makes a session of BOSH, and gives its
// sid, and how long it goes on without a connection (XEP-0124 §7.2: "inactivity").
func OpensBOSH(e *session.Seen) (sid string, lasts time.Duration, ok bool) {
	if _, opened := e.Body.(session.StreamOpened); !opened || e.Dir != session.S2C {
		return "", 0, false
	}
	b, ok := BOSHBodyOf(e)
	if !ok || b.SID == "" {
		return "", 0, false
	}
	root, _ := ParseTag(e.Raw, nil)
	lasts = usualInactivity
	if seconds, err := strconv.ParseUint(root.Attr("inactivity"), 10, 16); err == nil {
		lasts = min(time.Duration(seconds)*time.Second, maxInactivity)
	}
	return b.SID, lasts, true
}

// Take takes what was seen next on a connection: time goes on from one to the next.
func (c *Connections) Take(e session.Seen) {
	conn := c.conns[e.Conn]
	if conn == nil {
		conn = new(connection)
		c.conns[e.Conn] = conn
	}
	if !session.Numbered(e.Body) {
		c.record(e)
		return
	}
	if c.waits(conn, &e) {
		return
	}
	if b, ok := e.Body.(session.BOSHBody); ok && e.Dir == session.S2C && b.Type == "terminate" {
		c.over = true
	}
	switch e.Body.(type) {
	case session.TCPOpened:
		conn.open = conn.open || e.Leg == session.ClientLeg
		e.Beside = e.Conn > 0
	case session.DNSAnswered, session.TCPTried, session.TCPFailed, session.TLSEstablished, session.TLSFailed, session.TLSLocked:
		e.Beside = e.Conn > 0
	case session.TCPHalfClosed, session.TCPClosed:
		c.ends(conn, e)
		return
	}
	if n := len(c.ending); n > 0 {
		if c.ending[n-1].Conn == e.Conn && !carries(e.Body) { // it is about the end, too
			c.ending = append(c.ending, e)
			return
		}
		c.goesOn()
	}
	c.tell(e)
}

// carries says whether it is something that is said.
func carries(b session.Body) bool {
	switch b.(type) {
	case session.HTTPRequest, session.HTTPResponse, session.HTTPBody, session.BOSHBody:
		return true
	}
	return session.IsPlaintext(b)
}

// waits says whether what was seen belongs to a request that has come early, and keeps it
// then. It lets requests go that have waited for long enough.
func (c *Connections) waits(conn *connection, e *session.Seen) bool {
	_, head := e.Body.(session.HTTPRequest)
	inside := e.Dir == session.C2S && !head && carries(e.Body)
	body, is := session.BOSHBody{}, false
	if inside {
		body, is = BOSHBodyOf(e)
	}
	if conn.early != nil {
		if inside && !is {
			conn.early.events = append(conn.early.events, *e)
			c.grown(e)
			return true
		}
		if e.Conn == conn.early.conn && !head && !is && carries(e.Body) { // it is answered
			c.letGo(conn.early.rid)
		}
		conn.early = nil
	}
	for len(c.early) > 0 && e.At.Sub(c.early[0].at) > maxEarly {
		c.letGo(c.early[0].rid)
	}
	if !is {
		if e.Dir == session.S2C && carries(e.Body) { // it may answer one whose turn has come
			c.Rest()
		}
		return false
	}
	c.Rest()
	c.over = body.SID != "" && (c.over || body.Type == "terminate")
	rid, err := strconv.ParseUint(body.RID, 10, 64)
	switch {
	case err != nil:
	case body.SID == "":
		c.rid = rid
	case c.rid > 0 && rid > c.rid+1 && rid <= c.rid+maxAhead:
		conn.early = &early{conn: e.Conn, rid: rid, at: e.At, events: []session.Seen{*e}}
		c.early = append(c.early, conn.early)
		slices.SortStableFunc(c.early, func(a, b *early) int { return cmp.Compare(a.rid, b.rid) })
		c.grown(e)
		return true
	default:
		c.rid = max(c.rid, rid)
	}
	return false
}

// earlyCost is what an event costs that waits, besides its bytes.
const earlyCost = 512

// grown notes that an event waits. Where too many do, none waits any longer.
func (c *Connections) grown(e *session.Seen) {
	c.size += len(e.Raw) + earlyCost
	if n := len(c.early); n > maxAhead || c.size > maxEarlyBytes {
		c.letGo(c.early[n-1].rid)
	}
}

// Rest tells the requests whose turn has come. It is called when nothing more is at hand.
func (c *Connections) Rest() {
	for len(c.early) > 0 && c.early[0].rid <= c.rid+1 {
		c.letGo(c.early[0].rid)
	}
}

// letGo tells the requests that have waited, up to one.
func (c *Connections) letGo(rid uint64) {
	for len(c.early) > 0 && c.early[0].rid <= rid {
		r := c.early[0]
		c.early = c.early[1:]
		if conn := c.conns[r.conn]; conn != nil && conn.early == r {
			conn.early = nil
		}
		c.rid = max(c.rid, r.rid)
		for _, e := range r.events {
			c.size -= len(e.Raw) + earlyCost
			c.goesOn()
			c.tell(e)
		}
	}
}

// ends takes that a connection ends, or a side of it.
func (c *Connections) ends(conn *connection, e session.Seen) {
	if _, closed := e.Body.(session.TCPClosed); closed && e.Leg == session.ClientLeg {
		conn.open = false
	}
	for n, other := range c.conns {
		e.Beside = e.Beside || n != e.Conn && other.open
	}
	if !conn.open {
		delete(c.conns, e.Conn)
	}
	switch {
	case e.Beside:
		c.goesOn()
		c.tell(e)
	case c.over:
		c.tell(e)
	default:
		c.ending = append(c.ending, e)
	}
}

// goesOn tells that what looked like the end of the session was that of a connection.
func (c *Connections) goesOn() {
	ending := c.ending
	c.ending = nil
	for _, e := range ending {
		e.Beside = true
		c.tell(e)
	}
}

// Finish says that nothing follows.
func (c *Connections) Finish() {
	if n := len(c.early); n > 0 {
		c.letGo(c.early[n-1].rid)
	}
	ending := c.ending
	c.ending = nil
	for _, e := range ending {
		c.tell(e)
	}
}

// Ending is when the last connection has gone, and whether it is waited for another.
func (c *Connections) Ending() (time.Time, bool) {
	if n := len(c.ending); n > 0 {
		return c.ending[n-1].At, true
	}
	return time.Time{}, false
}

// Over says that a side has ended the session, and that no connection of it is left.
func (c *Connections) Over() bool {
	for _, conn := range c.conns {
		if conn.open {
			return false
		}
	}
	return c.over
}

// tell hands an event on, with its number.
func (c *Connections) tell(e session.Seen) {
	c.seq++
	e.Seq = c.seq
	switch b := e.Body.(type) {
	case session.StreamElement:
		remember(&c.recent, &e)
	case session.RelayEdited:
		b.Of = find(c.recent, &e)
		e.Body, e.Offset = b, 0
	case session.RelayBent:
		b.Of = find(c.recent, &e)
		e.Body, e.Offset = b, 0
	}
	c.record(e)
}
