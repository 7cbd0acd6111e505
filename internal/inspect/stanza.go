package inspect

import (
	"cmp"
	"maps"
	"sort"
	"strings"
	"time"

	"xmppscope/session"
)

// Stanza is a message, a presence or an iq as a row of a table. Its texts are as they came
// from the wire.
type Stanza struct {
	Seq     uint64
	At      time.Time
	Dir     session.Dir
	Kind    string // message, presence, iq
	Type    string // "chat"; "" if it has none
	Peer    string // whom it is to, or from: of what is wrapped in it, if something is
	ID      string
	Size    int64
	Wrapped string // how what it tells of was wrapped: "archive", "carbon", "forwarded"; "" if it was not
	What    string // in a few words: the text of a message, what an iq asks for, a condition
	Failed  bool   // it is an error
	// Partner is the request that it answers, or its answer; 0 if it has none. RTT is what
	// lay between the two, and Waits says that it asks for an answer.
	Partner uint64
	RTT     time.Duration
	Waits   bool
}

// IsStanza says whether an event is a row of the table.
func IsStanza(e *session.Event) bool {
	_, element := e.Body.(session.StreamElement)
	return element && session.IsStanza(e.Name)
}

// NewStanza makes the row of an event, which must have been blanked if secrets are not to be
// shown; tree is its element, nil if it could not be read. Pair adds what it goes with.
func NewStanza(e *session.Event, tree *session.Element) Stanza {
	c := session.ColumnsOf(e, false)
	s := Stanza{
		Seq: e.Seq, At: e.At, Dir: e.Dir, Kind: e.Name, Type: c.Type, ID: c.ID, Size: e.Size,
		Peer: c.From, What: e.Summary, Failed: c.Type == "error", Waits: asks(e, c.Type),
	}
	if e.Dir == session.C2S {
		s.Peer = c.To
	}
	if tree == nil {
		return s
	}
	inner := tree
	for range maxWrapped {
		wrapped, how := unwrap(inner)
		if wrapped == nil {
			break
		}
		inner = wrapped
		if s.Wrapped == "" {
			s.Wrapped = how
		}
	}
	if inner != tree {
		s.Peer = inner.Attr("from")
		if s.Wrapped == "carbon sent" || s.Peer == "" {
			s.Peer = inner.Attr("to")
		}
	}
	switch s.What = payload(inner); {
	case s.What != "":
	case s.Kind == "presence" && s.Type == "":
		s.What = "available"
	case s.Kind == "iq" && s.Type == "result":
		s.What = "done"
	}
	return s
}

// asks says whether an event of this type is a request, which has to be answered.
func asks(e *session.Event, kind string) bool {
	return e.Name == "iq" && (kind == "get" || kind == "set")
}

// maxWrapped bounds how deep a stanza may lie in others.
const maxWrapped = 4

// The namespaces of what wraps stanzas; all have NSForward in them.
const (
	NSForward = "urn:xmpp:forward:0"
	nsCarbons = "urn:xmpp:carbons:2"
	nsArchive = "urn:xmpp:mam:"
)

// unwrap is the stanza that another one brings along (XEP-0280, XEP-0297, XEP-0313), and how.
func unwrap(el *session.Element) (inner *session.Element, how string) {
	for c := range el.Elements() {
		how, holder := "", c
		switch {
		case c.Name.Space == nsCarbons && c.Name.Local == "sent":
			how = "carbon sent"
		case c.Name.Space == nsCarbons:
			how = "carbon"
		case strings.HasPrefix(c.Name.Space, nsArchive) && c.Name.Local == "result":
			how = "archive"
		case c.Name.Space == NSForward:
			how, holder = "forwarded", el
		default:
			continue
		}
		if f := holder.Child(NSForward, "forwarded"); f != nil {
			for stanza := range f.Elements() {
				if session.IsStanza(stanza.Name.Local) {
					return stanza, how
				}
			}
		}
	}
	return nil, ""
}

// payload is what a stanza says in a few words, "" if nothing is in it.
func payload(el *session.Element) string {
	if el.Attr("type") == "error" {
		for c := range el.Elements() {
			if c.Name.Local != "error" {
				continue
			}
			for condition := range c.Elements() {
				return condition.Name.Local
			}
		}
	}
	first := ""
	for c := range el.Elements() {
		switch {
		case c.Name.Local == "body" || c.Name.Local == "subject" || c.Name.Local == "status":
			return `"` + session.Clip(c.Text(), maxWhat) + `"`
		case first == "" && c.Name.Local != "show" && c.Name.Local != "priority":
			first = c.Name.Local
			switch space := shortSpace(c.Name.Space); {
			case strings.HasPrefix(space, first):
				first = space
			case space != "":
				first += " " + space
			}
		case first == "" && c.Name.Local == "show":
			first = c.Text()
		}
	}
	return first
}

// maxWhat bounds the text of a message in its row.
const maxWhat = 200

// shortSpace is what tells a namespace apart: "disco#info" of http://jabber.org/protocol/disco#info,
// "roster" of jabber:iq:roster, "mam:2" of urn:xmpp:mam:2.
func shortSpace(space string) string {
	space = strings.TrimSuffix(space, "/")
	space = space[strings.LastIndexByte(space, '/')+1:]
	space = strings.TrimPrefix(strings.TrimPrefix(space, "urn:xmpp:"), "urn:ietf:params:xml:ns:")
	return strings.TrimPrefix(strings.TrimPrefix(space, "jabber:iq:"), "jabber:")
}

// pair is a request and its answer.
type pair struct {
	request, answer uint64
	took            time.Duration
}

// Pairs are the requests of a session that have been answered, by their numbers.
type Pairs map[uint64]pair

// Partner is the answer to a request, or the request that was answered, and the time between
// the two; 0 if there is none.
func (p Pairs) Partner(e *session.Event) (uint64, time.Duration) {
	if e.Answers > 0 {
		return e.Answers, e.RTT
	}
	found := p[e.Seq]
	return found.answer, found.took
}

// Partner is that of the pairs so far.
func (c *Conversation) Partner(e *session.Event) (uint64, time.Duration) { return c.known().Partner(e) }

// Pairs is a copy of the pairs so far, for a job.
func (c *Conversation) Pairs() Pairs { return maps.Clone(c.known()) }

// known brings the pairs by their requests up to date.
func (c *Conversation) known() Pairs {
	if c.answers == nil {
		c.answers = Pairs{}
	}
	for ; c.indexed < len(c.pairs); c.indexed++ {
		p := c.pairs[c.indexed]
		c.answers[p.request] = p
	}
	return c.answers
}

// Column is one that a table of stanzas can be sorted by.
type Column uint8

// The columns.
const (
	ByTime Column = iota
	ByRTT
	ByPeer
	ByKind
	ByType
	BySize
	ColumnCount
)

// ColumnNames are how the columns are called.
var ColumnNames = [...]string{ByTime: "time", ByRTT: "rtt", ByPeer: "peer", ByKind: "kind", ByType: "type", BySize: "size"}

// Order is what rows are sorted by; the zero value is the order of time.
type Order struct {
	By      Column
	Falling bool
}

// SortKey is what a stanza is sorted by: no more of it has to be held for that.
type SortKey struct {
	number int64
	text   string
}

// SortKeys makes those of a column. A text that comes again is held once.
type SortKeys struct {
	By    Column
	texts map[string]string
}

// Of is the key of a stanza.
func (k *SortKeys) Of(s *Stanza) SortKey {
	switch k.By {
	case ByRTT: // those that wait for ever are the slowest
		return SortKey{number: s.slowness()}
	case ByPeer:
		return k.text(s.Peer)
	case ByKind:
		return k.text(s.Kind)
	case ByType:
		return k.text(s.Type)
	case BySize:
		return SortKey{number: s.Size}
	}
	return SortKey{number: int64(s.Seq)}
}

func (k *SortKeys) text(s string) SortKey {
	held, ok := k.texts[s]
	if !ok {
		if k.texts == nil {
			k.texts = map[string]string{}
		}
		held = strings.Clone(s)
		k.texts[held] = held
	}
	return SortKey{text: held}
}

// Compare orders two keys of one column.
func (a SortKey) Compare(b SortKey) int {
	return cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text))
}

// slowness is what a row is sorted by that waits, or waited.
func (s *Stanza) slowness() int64 {
	switch {
	case s.Partner > 0:
		return int64(s.RTT)
	case s.Waits:
		return 1 << 62
	}
	return -1
}

// Unanswered says that a request has no answer, and gets none any more: the session has
// ended, or goes on for long without it.
func (c *Conversation) Unanswered(e *session.Event) bool {
	if !asks(e, session.ColumnsOf(e, false).Type) {
		return false
	}
	partner, _ := c.Partner(e)
	return partner == 0 && (c.Ended || c.Last.Sub(e.At) > patience)
}

// patience is how long a request may wait before it stands out.
const patience = 10 * time.Second

// UnfoldTo shows the phase again that holds the event with this number, if it is folded.
func (c *Conversation) UnfoldTo(seq uint64, events *Cache) {
	if len(c.folded) == 0 {
		return
	}
	at := sort.Search(c.All.Len(), func(i int) bool {
		e := events.At(c.All.At(i).Index())
		return e == nil || e.Seq >= seq
	})
	if at < c.All.Len() {
		c.Unfold(c.All.At(at).Index())
	}
}

// EventOf is the event of the session with this number, whether it is a row or not; nil if
// it cannot be found.
func (c *Conversation) EventOf(seq uint64, events *Cache) *session.Event {
	at := sort.Search(c.All.Len(), func(i int) bool {
		e := events.At(c.All.At(i).Index())
		return e == nil || e.Seq >= seq
	})
	for ; at < c.All.Len(); at++ {
		if e := events.At(c.All.At(at).Index()); e != nil && e.Seq == seq {
			return e
		} else if e != nil && e.Seq > seq {
			break
		}
	}
	return nil
}
