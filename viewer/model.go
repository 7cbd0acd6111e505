package viewer

import (
	"sort"
	"strings"

	"xmppscope/session"
)

// entry is one row of a ladder: the index of an event in the Log, and what has
// to be known of it without reading it.
type entry uint64

// The flags of an entry.
const (
	isNoise   entry = 1 << iota // a keep-alive, an acknowledgement, TCP coming and going
	isFinding                   // has a sign: a note that is more than an explanation, or a failure
	isRestart                   // not an event but the rule above one: a stream restart
	afterTLS                    // of a restart: the handshake was since the last one
	afterSASL                   // of a restart: so was the authentication
	flagBits  = iota
)

func (e entry) index() int          { return int(e >> flagBits) }
func (e entry) has(flag entry) bool { return e&flag != 0 }

// conversation is one session as the inspector keeps it.
type conversation struct {
	session.Overview
	all  []entry // in order; those that the filter lets through
	rows []entry // those of all that are shown; the same memory if that is all of them
	bare bool    // rows is without noise
	// rules are the places in rows of those that are no events, in order.
	rules []int

	begin, end int // indexes of its first event, and past its last one
	fate           // which event decides

	headers    int // stream headers of the client so far, and what came since
	secured    bool
	authorized bool
	cursor     int // index of the event that was selected when another session was chosen
	top        int // and the row on top
}

// model is all that is known of all sessions.
type model struct {
	sessions []*conversation // in the order in which they came
	byID     map[int]*conversation
	applied  int // events with a lower index are in the overviews already
	lost     int64
	limit    string        // of the run, which holds now: what it means, in words; "" for none
	failed   *conversation // whose login failed last; nil: none has
}

func newModel() *model { return &model{byID: map[int]*conversation{}} }

// restart forgets the rows, not the overviews: all events will be added again,
// because the filter is another one.
func (m *model) restart() {
	for _, c := range m.sessions {
		c.all, c.rows, c.rules = nil, nil, nil
		c.headers, c.secured, c.authorized = 0, false, false
	}
}

// add takes the event with this index of the Log; shown is the filter's verdict.
func (m *model) add(index int, e *session.Event, shown bool) {
	fresh := index >= m.applied
	m.applied = max(m.applied, index+1)
	if lost, ok := e.Body.(session.LogLost); ok && fresh {
		m.lost += lost.Events
	}
	if limit, ok := e.Body.(session.RelayLimit); ok && fresh {
		m.limit = limit.Reason
		if limit.Over {
			m.limit = ""
		}
	}
	if e.Session == 0 || e.Body == nil {
		return
	}
	c := m.byID[e.Session]
	if c != nil && fresh {
		c.end = index + 1
	}
	if !session.Numbered(e.Body) {
		return
	}
	if c == nil {
		c = &conversation{begin: index, end: index + 1, fate: unknownFate}
		m.byID[e.Session] = c
		m.sessions = append(m.sessions, c)
	}
	if fresh {
		before := c.State
		c.Apply(e)
		c.weigh(index, e, &c.Story)
		if c.State == session.Failed && before != session.Failed {
			m.failed = c
		}
	}
	at := entry(index) << flagBits
	rule := c.turn(e)
	if !shown {
		return
	}
	if rule != 0 {
		c.append(at | rule)
	}
	if quiet(e) {
		at |= isNoise
	}
	if rowTone(e) >= notice {
		at |= isFinding
	}
	c.append(at)
}

func (c *conversation) append(e entry) {
	c.all = append(c.all, e)
	c.addRow(len(c.all) - 1)
}

// addRow shows an entry of all, unless it is noise and noise is hidden.
func (c *conversation) addRow(i int) {
	e := c.all[i]
	if c.bare && e.has(isNoise) {
		return
	}
	if e.has(isRestart) {
		c.rules = append(c.rules, len(c.rows))
	}
	if c.bare {
		c.rows = append(c.rows, e)
	} else {
		c.rows = c.all[:i+1]
	}
}

// place counts the events up to a row, itself included: rules are none.
func (c *conversation) place(row int) int {
	return row + 1 - sort.SearchInts(c.rules, row+1)
}

// overviews are the sessions without what the inspector keeps beside them.
func (m *model) overviews() []session.Overview {
	out := make([]session.Overview, len(m.sessions))
	for i, c := range m.sessions {
		out[i] = c.Overview
	}
	return out
}

// turn follows the stream restarts (RFC 6120 §4.3.3): it returns the flags of the
// rule to draw above this event, 0 for none.
func (c *conversation) turn(e *session.Event) entry {
	switch e.Body.(type) {
	case session.TLSEstablished:
		c.secured = true
	case session.StreamElement:
		if e.Dir == session.S2C && e.Name == "success" {
			c.authorized = true
		}
	case session.StreamOpened:
		if e.Dir != session.C2S {
			return 0
		}
		c.headers++
		rule := isRestart
		if c.secured {
			rule |= afterTLS
		}
		if c.authorized {
			rule |= afterSASL
		}
		c.secured, c.authorized = false, false
		if c.headers > 1 {
			return rule
		}
	}
	return 0
}

// nsSM begins those of stream management (XEP-0198): urn:xmpp:sm:2 and 3.
const nsSM = "urn:xmpp:sm:"

// quiet says whether an event is of the kind that can be hidden as noise.
func quiet(e *session.Event) bool {
	switch e.Body.(type) {
	case session.StreamWhitespace, session.TCPOpened, session.TCPHalfClosed, session.TCPClosed:
		return e.Worst() < session.Warning
	case session.StreamElement:
		return strings.HasPrefix(e.Space, nsSM) && (e.Name == "r" || e.Name == "a") && e.Worst() < session.Notice
	}
	return false
}

// show brings rows in line with whether noise is hidden.
func (c *conversation) show(bare bool) {
	if c.bare == bare {
		return
	}
	c.bare, c.rows, c.rules = bare, nil, nil
	for i := range c.all {
		c.addRow(i)
	}
}

// find returns the row of the event with this index, or the nearest row after
// it, or the last one; -1 if there is none.
func (c *conversation) find(index int) int {
	low, high := 0, len(c.rows)
	for low < high {
		mid := (low + high) / 2
		if at := c.rows[mid]; at.index() < index || at.index() == index && at.has(isRestart) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return min(low, len(c.rows)-1)
}
