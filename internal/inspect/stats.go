package inspect

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"xmppscope/session"
)

// Tally is what went over the wires, counted in several ways.
type Tally struct {
	By     [TallyCount][]Group // the most frequent first
	Events int
	Bytes  int64
	SM     Management
	Again  int // stanzas of clients that were sent again, as they were
}

// Logins are the sessions and what became of them.
type Logins struct {
	Sessions, In, Failed int
	Resumed              int // of those that are in: by taking up an earlier session
	Tries                int // to authenticate
	Reconnects           int // that go on from an earlier session
}

// Management is what stream management did (XEP-0198).
type Management struct {
	Enabled, Refused  int
	Requests, Answers int // <r/> and <a/> of both sides
}

// Counted is a way to count.
type Counted uint8

// The ways.
const (
	KindTally Counted = iota
	NamespaceTally
	PeerTally
	SessionTally
	TallyCount
)

// TallyNames are what a way counts by.
var TallyNames = [...]string{KindTally: "kind", NamespaceTally: "namespace", PeerTally: "peer", SessionTally: "session"}

// Group is what events with something in common come to.
type Group struct {
	Name           string
	Filter         string // the expression that lets them through
	Stanzas        bool   // they are all stanzas
	Count          int
	Sent, Received int // of them by the client, and by the server
	Bytes          int64
	Errors         int
	Asked          int     // requests
	Unanswered     int     // of them
	Trips          Latency // of the answers
}

// Latency is how long answers took, in rising order once it is complete.
type Latency []uint32 // in microseconds

func (l *Latency) add(d time.Duration) {
	*l = append(*l, uint32(min(max(d.Microseconds(), 0), math.MaxUint32)))
}

// At is the time within which a part of the answers came, from 0 to 1; 0 if there were none.
func (l Latency) At(part float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	at := int(math.Ceil(part*float64(len(l)))) - 1
	return time.Duration(l[max(0, min(at, len(l)-1))]) * time.Microsecond
}

// GroupColumn is one that a table of groups can be sorted by.
type GroupColumn struct {
	Name    string
	Text    func(*Group) string
	Compare func(a, b *Group) int // the order that it is sorted in
}

// GroupColumns are all, behind the name.
var GroupColumns = []GroupColumn{
	{"count", func(g *Group) string { return Number(g.Count) }, func(a, b *Group) int { return b.Count - a.Count }},
	{"→", func(g *Group) string { return some(g.Sent) }, func(a, b *Group) int { return b.Sent - a.Sent }},
	{"←", func(g *Group) string { return some(g.Received) }, func(a, b *Group) int { return b.Received - a.Received }},
	{"bytes", func(g *Group) string { return ShortAmount(g.Bytes) }, func(a, b *Group) int { return cmp.Compare(b.Bytes, a.Bytes) }},
	{"errors", func(g *Group) string { return some(g.Errors) }, func(a, b *Group) int { return b.Errors - a.Errors }},
	{"no reply", func(g *Group) string { return some(g.Unanswered) }, func(a, b *Group) int { return b.Unanswered - a.Unanswered }},
	{"median", func(g *Group) string { return trip(g, 0.5) }, byTrip(0.5)},
	{"95 %", func(g *Group) string { return trip(g, 0.95) }, byTrip(0.95)},
	{"slowest", func(g *Group) string { return trip(g, 1) }, byTrip(1)},
}

func some(n int) string {
	if n == 0 {
		return ""
	}
	return Number(n)
}

func trip(g *Group, part float64) string {
	if len(g.Trips) == 0 {
		return ""
	}
	return session.ShortTime(g.Trips.At(part))
}

func byTrip(part float64) func(a, b *Group) int {
	return func(a, b *Group) int { return cmp.Compare(b.Trips.At(part), a.Trips.At(part)) }
}

// ShortAmount is a number of bytes in at most six cells.
func ShortAmount(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprint(n)
	case n < 10_000_000:
		return fmt.Sprintf("%.0fk", float64(n)/1e3)
	}
	return fmt.Sprintf("%.0fM", float64(n)/1e6)
}

// Bounds of what is counted apart: what is one of very many is counted with the others.
const (
	maxGroups  = 5000
	maxSeenIDs = 200_000
	others     = "all others"
)

// tallier counts.
type tallier struct {
	Tally
	groups  [TallyCount]map[string]*Group
	waiting map[string]asked // requests by session and number
	sent    map[uint64]bool  // stanzas by what they say, to know those that come again
	seed    maphash.Seed
}

// asked is which groups a request was counted in.
type asked [TallyCount]*Group

// NewTally counts events, until ctx is done. It adds what it has read to progress.
func NewTally(ctx context.Context, p Pick, progress *atomic.Int64) *Tally {
	t := &tallier{waiting: map[string]asked{}, sent: map[uint64]bool{}, seed: maphash.MakeSeed()}
	for i := range t.groups {
		t.groups[i] = map[string]*Group{}
	}
	for e := range p.Events(ctx) {
		progress.Add(1)
		if session.Numbered(e.Body) && e.Session != 0 {
			t.add(&e)
		}
	}
	for by := range t.groups {
		for _, g := range t.groups[by] {
			slices.Sort(g.Trips)
			t.By[by] = append(t.By[by], *g)
		}
		slices.SortFunc(t.By[by], func(a, b Group) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Name, b.Name)) })
	}
	return &t.Tally
}

// LoginsOf counts sessions by what is known of them.
func LoginsOf(sessions []*Conversation) (l Logins) {
	for _, c := range sessions {
		l.Sessions++
		l.Tries += c.Tried
		switch c.State {
		case session.LoggedIn:
			l.In++
			if c.Resumed {
				l.Resumed++
			}
		case session.Failed:
			l.Failed++
		}
		if c.Of != nil {
			l.Reconnects++
		}
	}
	return l
}

func (t *tallier) add(e *session.Event) {
	t.Events++
	t.Bytes += e.Size
	shown := *e
	if len(e.Secrets) > 0 || !e.Done {
		shown = session.Blank(shown)
	}
	stanza := IsStanza(e)
	c := session.ColumnsOf(&shown, stanza)
	var in asked
	in[SessionTally] = t.count(SessionTally, e, fmt.Sprint(e.Session), "session == %s")
	switch {
	case stanza:
		in[KindTally] = t.count(KindTally, e, strings.TrimSpace(e.Name+" "+c.Type), "")
		if in[KindTally].Filter == "" {
			in[KindTally].Filter = fmt.Sprintf("name == %q && type == %q", e.Name, c.Type)
		}
		if c.Payload != "" {
			in[NamespaceTally] = t.count(NamespaceTally, e, c.Payload, "payload == %q")
		}
		peer := c.To
		if e.Dir == session.S2C {
			peer = c.From
		}
		if peer = session.BareJID(peer); peer == "" {
			peer = nobody
		}
		in[PeerTally] = t.count(PeerTally, e, peer, "bare == %q")
		if peer == nobody {
			in[PeerTally].Filter = `stanza && bare == ""`
		}
	case isElement(e):
		in[KindTally] = t.count(KindTally, e, "<"+e.Name+">", "")
		in[KindTally].Filter = fmt.Sprintf("name == %q", e.Name)
		t.manage(e)
	default:
		in[KindTally] = t.count(KindTally, e, e.Kind(), "kind == %q")
	}
	t.pair(e, c.Type, in)
	if stanza && e.Dir == session.C2S {
		t.again(e)
	}
}

func isElement(e *session.Event) bool {
	_, ok := e.Body.(session.StreamElement)
	return ok
}

// nobody is the peer of stanzas that name none: the server, for the account.
const nobody = "(the account's server)"

// count adds an event to a group.
func (t *tallier) count(by Counted, e *session.Event, name, filter string) *Group {
	g := t.groups[by][name]
	if g == nil {
		if len(t.groups[by]) >= maxGroups {
			name, filter = others, ""
			g = t.groups[by][name]
		}
		if g == nil {
			g = &Group{Name: strings.Clone(name), Stanzas: by != SessionTally && IsStanza(e)}
			if filter != "" {
				g.Filter = fmt.Sprintf(filter, name)
			}
			t.groups[by][g.Name] = g
		}
	}
	g.Count++
	g.Bytes += e.Size
	switch e.Dir {
	case session.C2S:
		g.Sent++
	case session.S2C:
		g.Received++
	}
	return g
}

// pair counts requests and answers: the time of an answer counts for what was asked.
func (t *tallier) pair(e *session.Event, kind string, in asked) {
	if kind == "error" {
		for _, g := range in {
			if g != nil {
				g.Errors++
			}
		}
	}
	if asks(e, kind) {
		for _, g := range in {
			if g != nil {
				g.Asked++
				g.Unanswered++
			}
		}
		if len(t.waiting) < maxSeenIDs {
			t.waiting[fmt.Sprint(e.Session, "#", e.Seq)] = in
		}
	}
	if e.Answers == 0 {
		return
	}
	key := fmt.Sprint(e.Session, "#", e.Answers)
	of, ok := t.waiting[key]
	if !ok {
		return
	}
	delete(t.waiting, key)
	for _, g := range of {
		if g != nil {
			g.Unanswered--
			g.Trips.add(e.RTT)
		}
	}
}

// manage counts what stream management does.
func (t *tallier) manage(e *session.Event) {
	if !strings.HasPrefix(e.Space, nsSM) {
		return
	}
	switch e.Name {
	case "enabled":
		t.SM.Enabled++
	case "failed":
		t.SM.Refused++
	case "r":
		t.SM.Requests++
	case "a":
		t.SM.Answers++
	}
}

// again counts stanzas of clients that come a second time as they were, with an id.
func (t *tallier) again(e *session.Event) {
	if len(e.Raw) == 0 || e.Truncated || session.ColumnsOf(e, false).ID == "" {
		return
	}
	key := maphash.Bytes(t.seed, e.Raw)
	if t.sent[key] {
		t.Again++
	} else if len(t.sent) < maxSeenIDs {
		t.sent[key] = true
	}
}
