package proxy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Control is the one way from a screen, a script or a program back to the wire. It knows
// the sessions under way, the breakpoints, and what is held. Its methods may be called by
// any goroutine, and wait for no socket.
type Control struct {
	// Explain makes what explains a session, for filters that ask for more than an element's
	// name: its step on the ladder, what was decoded. nil: there is none.
	Explain func() *decode.Session
	// Filters knows those that breakpoints can name.
	Filters session.Naming

	armed atomic.Int32 // breakpoints

	mu      sync.Mutex
	makers  []maker
	pumps   map[int]*pump
	breaks  []Breakpoint
	last    int // breakpoint
	held    []Held
	holds   uint64 // so many elements were held
	changed chan struct{}
	ledgers ledgers
	room    room
}

// maker makes a session's gate of a kind.
type maker func(session int, look *Look) Gate

// Held is an element that waits for somebody to decide.
type Held struct {
	Session int
	ID      uint64 // of the hold, in the run
	Dir     session.Dir
	Since   time.Time
	Reason  string // at which breakpoint
	Name    string
	Space   string
	XML     []byte // as it stands; nobody may change it
	Shown   []byte // the same without its secrets; nil if it is not known which there are
	Behind  []Behind
	// Ended says which sides have finished sending since: the one that has said the element,
	// and the one that would get it.
	Ended [2]bool
	wait  uint64 // of its session
	pump  *pump
}

// Behind is something that has come behind a held element and waits with it. It has not been
// explained, so nobody knows which secrets are in it.
type Behind struct {
	Name string // "" for what is no element, or is not whole
	XML  []byte
}

// Breakpoint is a condition on which elements are held.
type Breakpoint struct {
	ID   int
	Text string // as it was asked for
	Hits int    // elements that were held there
	Once bool
	is   func(*session.Event) bool
}

// NewControl makes one for a run.
func NewControl() *Control {
	return &Control{pumps: map[int]*pump{}, changed: make(chan struct{})}
}

// Use has every session that begins from now on ask another gate, behind those that were
// named before and before what is held. A maker that returns nil has none.
func (c *Control) Use(make func(session int, look *Look) Gate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.makers = append(c.makers, make)
}

// Rearm says that gates may want what they have not wanted before.
func (c *Control) Rearm() { c.all(Armed{}) }

// Ready waits until all sessions under way are looked at as somebody wants it: what they
// say from then on is decided about. A session that was free has passed without being looked
// at before, and what was seen of it has to be explained first.
func (c *Control) Ready(ctx context.Context) error {
	c.mu.Lock()
	pumps := slices.Collect(maps.Values(c.pumps))
	c.mu.Unlock()
	for _, p := range pumps {
		p.armed(ctx)
	}
	return ctx.Err()
}

// armed waits until the directions are looked at, if somebody wants that.
func (p *pump) armed(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer context.AfterFunc(ctx, func() {
		p.mu.Lock()
		p.change.Broadcast()
		p.mu.Unlock()
	})()
	for ctx.Err() == nil && !p.closing && !p.over && p.relay.unlooked() {
		p.change.Wait()
	}
}

// Changed is closed when something is held or decided, a breakpoint changes, or a session ends.
func (c *Control) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// tell says that something has changed. The caller holds mu.
func (c *Control) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// enter takes a session that begins, and makes its gates.
func (c *Control) enter(id int, p *pump) {
	c.mu.Lock()
	c.pumps[id] = p
	makers := c.makers
	c.mu.Unlock()
	look := NewLook(c.Explain)
	var gates []Gate
	for _, make := range makers {
		if g := make(id, look); g != nil {
			gates = append(gates, g)
		}
	}
	gates = append(gates, &breakGate{c: c, id: id, look: look})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.relay.ledger.recall, p.relay.room, p.shown = c.recall, &c.room, look
	p.relay.Handle(Armed{gates})
}

// recall finds the counts of a session that is to be resumed.
func (c *Control) recall(id string) *ledger {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ledgers.of[id]
}

// leave takes a session that has ended.
func (c *Control) leave(id int, p *pump) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pumps, id)
	l := p.relay.ledger
	c.ledgers.keep(&l)
	c.held = slices.DeleteFunc(slices.Clone(c.held), func(h Held) bool { return h.pump == p })
	c.tell()
}

// all gives every session an input.
func (c *Control) all(in Input) {
	c.mu.Lock()
	pumps := slices.Collect(maps.Values(c.pumps))
	c.mu.Unlock()
	for _, p := range pumps {
		p.post(in)
	}
}

// Sessions are those under way, in order.
func (c *Control) Sessions() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[int]bool{}
	for _, p := range c.pumps {
		all[int(p.session.Load())] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// ErrOver says that a session is not under way.
var ErrOver = errors.New("is not under way")

// find finds a session, or the newest of its connections; 0 is the newest one.
func (c *Control) find(id int) (int, *pump, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id == 0 {
		for _, other := range c.pumps {
			id = max(id, int(other.session.Load()))
		}
	}
	newest := 0
	for conn, other := range c.pumps {
		if int(other.session.Load()) == id {
			newest = max(newest, conn)
		}
	}
	p := c.pumps[newest]
	switch {
	case id == 0:
		return 0, nil, fmt.Errorf("a session %w", ErrOver)
	case p == nil:
		return id, nil, fmt.Errorf("session %d %w", id, ErrOver)
	}
	return id, p, nil
}

// HandOver takes where a direction of a session stood at a session.StreamMark.
func (c *Control) HandOver(id int, dir session.Dir, lane decode.Lane) {
	if _, p, err := c.find(id); err == nil && id > 0 {
		p.post(Handed{dir, lane})
	}
}

// MaxSending bounds what is sent at once.
const MaxSending = 1 << 20

// maxPieces bounds the elements, and the white space between them, that are sent at once: they
// are looked at one by one while the session waits.
const maxPieces = 1000

// sendable says why something is not sent at once; nil if it may be. What is sent in an
// element's place may have as many bytes as that.
func sendable(xml []byte, place int) error {
	if most := max(MaxSending, place); len(xml) > most {
		return fmt.Errorf("%d bytes are too many to send at once: %d at most", len(xml), most)
	}
	var s decode.Stream
	if _, _, ok := s.Next(session.C2S, []byte("<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>")); !ok {
		panic("proxy: a stream header is none")
	}
	for pieces := 0; ; pieces++ {
		n, _, ok := s.Next(session.C2S, xml)
		if !ok {
			return nil
		}
		if xml = xml[n:]; pieces == maxPieces {
			return fmt.Errorf("more than %d elements, and spaces between them, are too many to send at once", maxPieces)
		}
	}
}

// Inject says something in a session, as soon as its direction stands between two elements;
// session 0 is the newest. The bytes go as they are.
func (c *Control) Inject(id int, s Sending) error {
	switch {
	case len(s.XML) == 0:
		return errors.New("there is nothing to send")
	case s.Dir != session.C2S && s.Dir != session.S2C:
		return errors.New("it has to be said whom it goes to: c2s or s2c")
	}
	if err := sendable(s.XML, 0); err != nil {
		return err
	}
	_, p, err := c.find(id)
	switch {
	case err != nil:
		return err
	case p.whyNot() != "":
		return fmt.Errorf("nothing can be said in it: %s", p.whyNot())
	case p.crowded(s.Dir):
		return fmt.Errorf("the %s does not take what is sent to it: try again later", s.Dir.Opposite().Sender())
	case c.room.full(len(s.XML)):
		return errors.New("too much waits to be sent in all sessions: try again later")
	}
	s.Reason = cmp.Or(s.Reason, "it was asked for")
	p.post(Injected{s})
	return nil
}

// Bend does something to a session's connections.
func (c *Control) Bend(id int, b Bend) error {
	_, p, err := c.find(id)
	if err != nil {
		return err
	}
	p.post(Bent{b})
	return nil
}

// Held are the elements that are held now, the oldest first.
func (c *Control) Held() []Held {
	c.mu.Lock()
	held := slices.Clone(c.held)
	c.mu.Unlock()
	for i := range held[:min(len(held), maxLookedBehind)] {
		p := held[i].pump
		p.mu.Lock()
		p.relay.lookBehind(&held[i])
		p.mu.Unlock()
	}
	return held
}

// Unheld is a session in which nothing can be held or changed, nor anything put in, and why.
type Unheld struct {
	Session int
	Why     string
}

// Unheld are those under way, in order: who waits for an element of theirs waits in vain.
func (c *Control) Unheld() (out []Unheld) {
	for _, id := range c.Sessions() {
		if _, p, err := c.find(id); err == nil {
			if why := p.whyNot(); why != "" {
				out = append(out, Unheld{id, why})
			}
		}
	}
	return out
}

func (p *pump) whyNot() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.relay.whyNot()
}

// maxLookedBehind bounds the held elements of which it is told what waits behind them.
const maxLookedBehind = 64

// ErrDecided says that nothing is held under a number.
var ErrDecided = errors.New("is not held: somebody has decided about it, or its session has ended")

// Decide decides about what is held. What is done is recorded, with how long it was held.
func (c *Control) Decide(id uint64, d Decision) error {
	if err := sendable(d.XML, 0); err != nil {
		return err
	}
	c.mu.Lock()
	at := slices.IndexFunc(c.held, func(h Held) bool { return h.ID == id })
	if at < 0 {
		c.mu.Unlock()
		return fmt.Errorf("element %d %w", id, ErrDecided)
	}
	h := c.held[at]
	c.held = slices.Delete(slices.Clone(c.held), at, at+1)
	c.tell()
	c.mu.Unlock()
	d.Hold, d.Later = "", nil
	held := "held for " + session.ShortTime(time.Since(h.Since)) + " (" + h.Reason + ")"
	switch {
	case d.Reason != "":
		d.Reason = held + ": " + d.Reason
	case d.Drop:
		d.Reason = "not passed on; " + held
	case d.XML != nil:
		d.Reason = "changed; " + held
	case d.Copies > 0:
		d.Bent, d.Reason = true, fmt.Sprintf("passed on %d times; %s", d.Copies+1, held)
	default:
		d.Bent, d.Reason = true, held
		if d.Delay > 0 {
			d.Reason += ", then delayed by " + session.ShortTime(d.Delay)
		}
	}
	h.pump.post(Decided{h.Dir, h.wait, d})
	return nil
}

// hold takes what is held from now on.
func (c *Control) hold(h Held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds++
	h.ID = c.holds
	c.held = append(c.held, h)
	c.tell()
}

// Break holds what an expression of the filter language is true of, or the element before
// which a step of the ladder begins: "before sasl-success".
func (c *Control) Break(text string, once bool) (b Breakpoint, err error) {
	b = Breakpoint{Text: strings.TrimSpace(text), Once: once}
	expr := cmp.Or(b.Text, "true")
	if step, ok := strings.CutPrefix(b.Text, "before "); ok {
		step = strings.TrimSpace(step)
		if step == "" || strings.ContainsAny(step, "\"\\ \t") {
			return b, fmt.Errorf("%q names no step: such as before sasl-success", b.Text)
		}
		expr = fmt.Sprintf("step == %q || step startsWith %q", step, step+"-")
	}
	if b.is, err = c.Filters.Compile(expr); err != nil {
		return b, err
	}
	c.mu.Lock()
	if len(c.breaks) >= maxBreaks {
		c.mu.Unlock()
		return b, fmt.Errorf("there are %d breakpoints, which is the most: take one away first", maxBreaks)
	}
	c.last++
	b.ID = c.last
	c.breaks = append(slices.Clone(c.breaks), b)
	c.armed.Store(int32(len(c.breaks)))
	c.tell()
	c.mu.Unlock()
	c.Rearm()
	return b, nil
}

// maxBreaks bounds the breakpoints: each is asked about every element.
const maxBreaks = 100

// Unbreak takes a breakpoint away; 0 takes all. What is held stays held.
func (c *Control) Unbreak(id int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unbreak(id)
}

func (c *Control) unbreak(id int) bool {
	n := len(c.breaks)
	c.breaks = slices.DeleteFunc(slices.Clone(c.breaks), func(b Breakpoint) bool { return id == 0 || b.ID == id })
	c.armed.Store(int32(len(c.breaks)))
	c.tell()
	return len(c.breaks) < n
}

// Breakpoints are those that there are.
func (c *Control) Breakpoints() []Breakpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.breaks)
}

// hit says that an element is going to be held at a breakpoint.
func (c *Control) hit(id int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.breaks {
		if c.breaks[i].ID == id {
			c.breaks[i].Hits++
			if c.breaks[i].Once {
				c.unbreak(id)
			}
			return true
		}
	}
	return false
}

// Look says of a piece what filters ask for. It is shared by the gates of a session, and
// used with the session's lock held.
type Look struct {
	explain func() *decode.Session
	by      *decode.Session
	dir     session.Dir
	offset  int64
	event   session.Event
	raw     []byte // of the event, as it was explained
	is      bool
	joined  int // the session that its connection is one of, if it was another's at first
}

// NewLook makes one, with what makes its explainer; nil is none.
func NewLook(explain func() *decode.Session) *Look { return &Look{explain: explain} }

// Event is a piece as an event that has been explained, as far as it can be by then. It is
// borrowed until the next piece.
func (l *Look) Event(id int, p *decode.Piece) *session.Event {
	if l.is && p.Dir == l.dir && p.Offset == l.offset && p.Kind.Body() == l.event.Body {
		l.event.Raw = p.Raw
		return &l.event
	}
	seen := p.Frame.Event(p.Dir)
	seen.Session, seen.At = cmp.Or(l.joined, id), time.Now()
	if l.by == nil && l.explain != nil {
		l.by = l.explain()
	}
	l.event = session.Event{Seen: seen}
	if l.by != nil {
		l.event = l.by.Explain(seen)
	}
	l.dir, l.offset, l.is, l.raw = p.Dir, p.Offset, true, append(l.raw[:0], p.Raw...)
	return &l.event
}

// Shown is the piece that was looked at last without its secrets.
func (l *Look) Shown() []byte {
	switch {
	case !l.event.Done:
		return nil
	case !bytes.Equal(l.event.Raw, l.raw): // it was changed, and its secrets stand elsewhere
		return decode.Screened(l.event.Raw)
	}
	return bytes.Clone(session.Blank(l.event).Raw)
}

// breakGate holds what breakpoints say.
type breakGate struct {
	c    *Control
	id   int
	look *Look
}

// Wants implements Gate.
func (g *breakGate) Wants(session.Dir) bool { return g.c.armed.Load() > 0 }

// Consider implements Gate.
func (g *breakGate) Consider(p *decode.Piece) Decision {
	e := g.look.Event(g.id, p)
	g.c.mu.Lock()
	breaks := g.c.breaks
	g.c.mu.Unlock()
	if p.Kind == decode.Whitespace {
		return Decision{}
	}
	for i := range breaks {
		if breaks[i].is(e) && g.c.hit(breaks[i].ID) {
			return Decision{Hold: "breakpoint " + session.ShortLine(breaks[i].Text), Shown: g.look.Shown()}
		}
	}
	return Decision{}
}
