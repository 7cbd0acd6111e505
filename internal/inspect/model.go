package inspect

import (
	"sort"
	"strings"

	"xmppscope/session"
)

// Entry is one row of a ladder: the index of an event in the Log, and what has
// to be known of it without reading it.
type Entry uint64

// The flags of an Entry.
const (
	Noise     Entry = 1 << iota // a keep-alive, an acknowledgement, TCP coming and going
	Finding                     // has a sign: a note that is more than an explanation, or a failure
	Restart                     // not an event but the rule above one: a stream restart
	AfterTLS                    // of a restart: the handshake was since the last one
	AfterSASL                   // of a restart: so was the authentication
	isStanza                    // a message, presence or iq
	Grave                       // is a failure: it is seen in a folded phase, too
	Folded                      // not an event but the row of a folded phase; the index is that of its first event
	flagBits  = iota
)

// Index is the event in the Log, or the one below a rule.
func (e Entry) Index() int { return int(e >> flagBits) }

// Has says whether the entry has a flag.
func (e Entry) Has(flag Entry) bool { return e&flag != 0 }

// Look says which entries of a session are its rows.
type Look struct {
	Bare  bool // no noise
	Table bool // nothing but stanzas
}

// shows says whether an entry is a row.
func (l Look) shows(e Entry) bool {
	return !(l.Bare && e.Has(Noise)) && (!l.Table || e.Has(isStanza) && !e.Has(Restart))
}

// Conversation is one session as the inspector keeps it.
type Conversation struct {
	session.Overview
	All   Entries // in order; those that the filter lets through
	Rows  Entries // those of All that are shown; the same memory if that is all of them
	Look          // which of them
	order Order   // that Rows are in
	// rules are the places in Rows of those that are no events, in order.
	rules  []int
	phases []Phase
	folded map[int]bool // phases by their numbers
	done   int          // index of the event with which the login was complete, 0 before

	Begin, End int  // indexes of its first event, and past its last one
	Spoken     bool // somebody has said something: it is no port scan
	Fate            // which event decides
	Pulse           // what the two sides wait for
	Reconnect       // which sessions it goes on from, and into

	found   map[foundKey]*FindingKind // what the rules have found
	pairs   []pair                    // requests and their answers, in the order of the answers
	answers Pairs
	indexed int // so many of them are in answers

	headers    int // stream headers of the client so far, and what came since
	secured    bool
	authorized bool
}

// Model is all that is known of all sessions.
type Model struct {
	Sessions []*Conversation // in the order in which they came
	byID     map[int]*Conversation
	Applied  int // events with a lower index are in the overviews already
	Passed   int // events of sessions that the filter in use has let through
	Lost     int64
	Limit    string        // of the run, which holds now: what it means, in words; "" for none
	Failed   *Conversation // whose login failed last; nil: none has
	Entered  *Conversation // whose login worked last; nil: none has
	latest   newest
}

// NewModel is one that has seen nothing yet.
func NewModel() *Model { return &Model{byID: map[int]*Conversation{}, latest: newest{}} }

// Restart forgets the rows, not the overviews: all events will be added again,
// because the filter is another one.
func (m *Model) Restart() {
	m.Passed = 0
	for _, c := range m.Sessions {
		c.All, c.Rows, c.rules, c.order, c.phases = Entries{}, Entries{}, nil, Order{}, nil
		c.headers, c.secured, c.authorized = 0, false, false
	}
}

// Add takes the event with this index of the Log; shown is the filter's verdict.
func (m *Model) Add(index int, e *session.Event, shown bool) {
	fresh := index >= m.Applied
	m.Applied = max(m.Applied, index+1)
	if lost, ok := e.Body.(session.LogLost); ok && fresh {
		m.Lost += lost.Events
	}
	if limit, ok := e.Body.(session.RelayLimit); ok && fresh {
		m.Limit = limit.Reason
		if limit.Over {
			m.Limit = ""
		}
	}
	if e.Session == 0 || e.Body == nil {
		return
	}
	c := m.byID[e.Session]
	if c != nil && fresh {
		c.End = index + 1
	}
	if !session.Numbered(e.Body) {
		return
	}
	if c == nil {
		c = &Conversation{Begin: index, End: index + 1, Fate: unknownFate}
		m.byID[e.Session] = c
		m.Sessions = append(m.Sessions, c)
	}
	if fresh {
		c.find(index, e)
	}
	if fresh && e.Answers > 0 {
		c.pairs = append(c.pairs, pair{e.Answers, e.Seq, e.RTT})
	}
	if fresh {
		before := c.State
		c.Spoken = c.Spoken || session.IsPlaintext(e.Body)
		c.Apply(e)
		c.weigh(index, e, &c.Story)
		c.feel(e)
		if c.done == 0 && !c.In.IsZero() {
			c.done = index
		}
		m.join(c, e)
		switch {
		case c.State == before:
		case c.State == session.Failed:
			m.Failed = c
		case c.State == session.LoggedIn:
			m.Entered = c
		}
	}
	at := Entry(index) << flagBits
	rule := c.turn(e)
	c.enterPhase(index, e, rule)
	if !shown {
		return
	}
	m.Passed++
	if rule != 0 {
		c.append(at | rule)
	}
	if quiet(e) {
		at |= Noise
	}
	if IsStanza(e) {
		at |= isStanza
	}
	switch tone := ToneOfRow(e); {
	case tone >= Failure:
		at |= Finding | Grave
	case tone >= Notice:
		at |= Finding
	}
	c.append(at)
}

func (c *Conversation) append(e Entry) {
	c.All.Add(e)
	c.addRow(c.All.Len() - 1)
}

// addRow shows an entry of All, unless it is noise and noise is hidden.
func (c *Conversation) addRow(i int) {
	e := c.All.At(i)
	if !c.shows(e) || c.fold(i) {
		return
	}
	whole, place := c.Look == (Look{}) && c.order == (Order{}) && len(c.folded) == 0, i
	if !whole {
		place = c.Rows.Len()
	}
	if e.Has(Restart) {
		c.rules = append(c.rules, place)
	}
	if whole {
		c.Rows = c.All
	} else {
		c.Rows.Add(e)
	}
}

// Place counts the events up to a row, itself included: rules are none.
func (c *Conversation) Place(row int) int {
	return row + 1 - sort.SearchInts(c.rules, row+1)
}

// Session is the one with this number, nil if there is none.
func (m *Model) Session(id int) *Conversation { return m.byID[id] }

// Overviews are the sessions without what the inspector keeps beside them.
func (m *Model) Overviews() []session.Overview {
	out := make([]session.Overview, len(m.Sessions))
	for i, c := range m.Sessions {
		out[i] = c.Overview
	}
	return out
}

// turn follows the stream restarts (RFC 6120 §4.3.3): it returns the flags of the
// rule to draw above this event, 0 for none.
func (c *Conversation) turn(e *session.Event) Entry {
	switch e.Body.(type) {
	case session.TLSEstablished:
		c.secured = c.secured || !e.Beside
	case session.StreamElement:
		if e.Dir == session.S2C && e.Name == "success" {
			c.authorized = true
		}
	case session.StreamOpened:
		if e.Dir != session.C2S {
			return 0
		}
		c.headers++
		rule := Restart
		if c.secured {
			rule |= AfterTLS
		}
		if c.authorized {
			rule |= AfterSASL
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

// Show brings Rows in line with what is to be seen. They are in the order of time then.
func (c *Conversation) Show(look Look) {
	if c.Look == look {
		return
	}
	c.Look = look
	c.Unsort()
}

// Sort puts Rows into another order. What comes later stands at the end.
func (c *Conversation) Sort(rows Entries, order Order) { c.Rows, c.rules, c.order = rows, nil, order }

// Order is the one that Rows are in.
func (c *Conversation) Order() Order { return c.order }

// Unsort puts Rows into the order of time.
func (c *Conversation) Unsort() {
	c.Rows, c.rules, c.order = Entries{}, nil, Order{}
	for i := range c.All.Len() {
		c.addRow(i)
	}
}

// Find returns the row of the event with this index, or the nearest row after
// it, or the last one; -1 if there is none.
func (c *Conversation) Find(index int) int {
	if c.order != (Order{}) {
		return max(c.Rows.Where(func(e Entry) bool { return e.Index() == index }), min(0, c.Rows.Len()-1))
	}
	low, high := 0, c.Rows.Len()
	for low < high {
		mid := (low + high) / 2
		if at := c.Rows.At(mid); at.Index() < index || at.Index() == index && at.Has(Restart|Folded) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if len(c.folded) > 0 && (low == c.Rows.Len() || c.Rows.At(low).Index() != index) {
		if row := c.foldedRow(index); row >= 0 {
			return row
		}
	}
	return min(low, c.Rows.Len()-1)
}

// RowOf is the row of the event with this number, -1 if it is not shown.
func (c *Conversation) RowOf(seq uint64, events *Cache) int {
	if c.order != (Order{}) {
		return c.Rows.Where(func(e Entry) bool {
			event := events.At(e.Index())
			return event != nil && event.Seq == seq
		})
	}
	row := sort.Search(c.Rows.Len(), func(i int) bool {
		e := events.At(c.Rows.At(i).Index())
		return e != nil && e.Seq >= seq
	})
	if row < c.Rows.Len() && c.Rows.At(row).Has(Restart|Folded) { // which stands before its event
		row++
	}
	if row == c.Rows.Len() {
		return -1
	}
	if e := events.At(c.Rows.At(row).Index()); e == nil || e.Seq != seq {
		return -1
	}
	return row
}
