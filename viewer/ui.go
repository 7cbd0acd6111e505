package viewer

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// ui is the whole inspector as one tview primitive: its state, its panes, and
// how they are drawn. It belongs to the goroutine of the event loop.
type ui struct {
	*tview.Box
	options Options
	theme   theme
	mono    bool // without colours
	now     func() time.Time
	stop    func() // asks for the end; set by whoever runs the ui
	// spawn runs a job: look in a goroutine, then done in the event loop.
	spawn   func(look, done func(context.Context)) context.CancelFunc
	suspend func(func(context.Context)) bool // gives the terminal away while a function runs; nil: that cannot be done
	filters chan inspect.Filter              // the newest filter for the feed

	model  *inspect.Model
	events *inspect.Cache
	fed    int    // events below this index have passed the filter in use, or not
	sought int    // index of the event to select when it comes in again, or -1
	filter int    // number of the filter in use
	expr   string // and its text, "" if none was typed

	listed  []*inspect.Conversation // the sessions of the list, in its order
	listing inspect.Listing         // which, and what the order is
	narrow  string                  // what was typed to make them fewer

	list, ladder, detail, page *pane
	stood                      *inspect.Conversation // the one whose rows the ladder is at
	stands                     map[*inspect.Conversation]*stand
	plan                       plan
	want                       wish
	overlay                    overlay
	prompt                     *prompt           // nil while none is open
	edit                       *edit             // nil while nothing is edited
	drafts                     map[uint64]string // what was typed of held elements and not sent, by their ids

	clock   clock
	view    view
	follow  bool
	reveal  bool
	bare    bool           // noise is hidden
	table   bool           // stanzas are a table
	sorted  inspect.Column // by which the table is sorted
	falling bool           // the largest come first

	remarks    map[spot]remark                // what the person has said of events
	noted      map[*inspect.Conversation]bool // has notes that lie in no file
	marks      map[int]bool                   // events that are marked, by their indexes
	compared   *inspect.Conversation          // marked to be compared with another; nil: none
	looked     int                            // the session that Options.Look has been told
	exporting  bool                           // an export is being written
	exportExt  string                         // the extension that was used last
	welcomed   bool                           // what was opened has been told
	leaving    bool                           // q was pressed while something would be lost
	discarded  bool                           // what is saved nowhere is not wanted
	saved      map[*inspect.Conversation]int  // below which index of the Log a session was exported
	ignored    map[string]bool                // checks that are, by their rules
	read       map[string]bool                // failed saves that have been read of, by their names
	told       int                            // lines of Options.Told that were shown
	sheet      sheet
	field      chosenField
	findingsBy int    // of findingSorts
	stats      *stats // the newest statistics that were asked for

	downs       [2][2]int // where the mouse was pressed the last two times
	keys        keymap    // what the keys do
	own         []action  // the person's own commands
	chosen      []string  // columns of the table, if somebody has chosen them
	unsorted    bool      // the table is still to be sorted as the settings want it
	pressed     rune      // the character for which something is being done
	done        *action   // what that is
	repeated    bool      // it was what was done before
	copied      []byte    // for the clipboard, at the next draw
	redraw      bool      // the terminal is to be drawn anew
	interrupted bool      // Ctrl-C has stopped the reading
	heard       int       // lines about it that were shown

	littered sync.Mutex
	folders  []string // made for programs of others, gone at the end; guarded by littered

	search search
	lesson lesson
	flash  flash
	hits   []hit
	lines  detailCache
	// pageLines is the text of the overlay, as it was drawn last.
	pageLines []line
	places    []place // what can be chosen on it
	picked    int     // which of them is, on a sheet
}

// stand is where the person was in a session when another one was chosen.
type stand struct {
	cursor  int // index of the event that was selected
	top     int // the row on top
	stopped int // index of the event at which following has stopped, -1 for none
}

// stand is that of a session, which begins at its top.
func (u *ui) stand(c *inspect.Conversation) *stand {
	at := u.stands[c]
	if at == nil {
		at = &stand{stopped: -1}
		u.stands[c] = at
	}
	return at
}

// overlay is a page over the panes.
type overlay uint8

const (
	noOverlay overlay = iota
	helpPage
	setupPage
	sheetPage
)

// detailCache is the detail pane's text, and what it was made for.
type detailCache struct {
	index, width int
	view         view
	reveal       bool
	table        bool
	partner      uint64 // that is shown with it
	field        int    // that is chosen, -1 for none
	about        []about
	lines        []line
}

// hit is a place on the last line that can be clicked.
type hit struct {
	from, to int
	of       *bound
}

func newUI(o Options, mono bool, now func() time.Time) *ui {
	u := &ui{
		Box: tview.NewBox(), options: o, mono: mono, now: now,
		filters: make(chan inspect.Filter, 1),
		stands:  map[*inspect.Conversation]*stand{},
		model:   inspect.NewModel(), events: inspect.NewCache(o.Log),
		follow: o.Live && len(o.Tasks) == 0, reveal: o.Reveal, sought: -1, marks: map[int]bool{}, remarks: map[spot]remark{}, noted: map[*inspect.Conversation]bool{},
		drafts: map[uint64]string{}, saved: map[*inspect.Conversation]int{}, read: map[string]bool{}, ignored: map[string]bool{},
	}
	u.options.Formats = slices.Clone(o.Formats)
	slices.SortStableFunc(u.options.Formats, func(a, b Format) int {
		switch {
		case a.Opens == b.Opens:
			return 0
		case a.Opens:
			return -1
		}
		return 1
	})
	u.want.focus = ladderPane
	u.settle()
	if o.Filter != nil {
		u.setFilter("", o.Filter)
	} else if expr := o.Settings.Filter; expr != "" && o.CompileFilter != nil {
		if keep, err := o.CompileFilter(expr); err == nil {
			u.setFilter(expr, keep)
		}
	}
	if o.Live {
		u.overlay = setupPage
	}
	u.list = &pane{
		cursor: true, tall: 2,
		count: func() int { return len(u.listed) },
		item:  u.sessionItem, caption: u.listCaption, moved: u.sessionChosen,
	}
	u.ladder = &pane{
		cursor: true, heading: u.ladderHeading, above: u.storyAbove, below: u.storyBelow,
		count: u.rowCount, item: u.ladderRow, caption: u.ladderCaption,
		skip: func(i int) bool {
			rows := u.current().Rows
			return i < rows.Len() && rows.At(i).Has(inspect.Restart)
		},
		moved: u.rowChosen,
	}
	u.detail = &pane{
		count: func() int { return len(u.detailText()) },
		item:  func(i, _ int) []line { return []line{u.lit(u.detailText()[i])} }, caption: u.detailCaption,
	}
	u.page = &pane{
		count: func() int { return len(u.pageLines) },
		item:  func(i, _ int) []line { return u.pageLines[i : i+1] }, caption: u.pageCaption,
	}
	return u
}

// panes lists the panes by their indexes.
func (u *ui) panes() [3]*pane { return [3]*pane{u.list, u.ladder, u.detail} }

// focused is the pane that the keys go to.
func (u *ui) focused() *pane {
	if u.overlay != noOverlay {
		return u.page
	}
	return u.panes()[u.want.focus]
}

// current is the selected session; never nil, but it may be an empty one.
func (u *ui) current() *inspect.Conversation {
	if i := u.list.selected; i < len(u.listed) {
		c := u.listed[i]
		c.Show(u.look())
		return c
	}
	return &inspect.Conversation{}
}

func (u *ui) rowCount() int { return u.current().Rows.Len() }

// event is the selected event and its index in the Log; nil if there is none.
func (u *ui) event() (*session.Event, int) {
	rows := u.current().Rows
	if i := u.ladder.selected; i >= 0 && i < rows.Len() && !rows.At(i).Has(inspect.Folded) {
		return u.events.At(rows.At(i).Index()), rows.At(i).Index()
	}
	return nil, -1
}

// detailText is the text of the detail pane, made anew only when something that
// it depends on is another.
func (u *ui) detailText() []line {
	e, index := u.event()
	width := u.detail.w - 1
	made := detailCache{index: index, width: width, view: u.view, reveal: u.reveal, table: u.table, partner: u.partner(e), field: u.fieldChosen(index)}
	if have := u.lines; have.lines != nil && have.index == index && have.width == width && have.view == u.view && have.reveal == u.reveal && have.table == u.table && have.partner == made.partner && have.field == made.field {
		return have.lines
	}
	if e == nil {
		return line{{u.nothing(), u.theme.faint}}.wrap(max(1, width), 1)
	}
	shown := session.Shown(e, u.reveal)
	if made.lines = u.pairText(e, width); made.lines == nil {
		made.lines = u.detailLines(&shown, width)
		made.about = u.lines.about
	}
	u.lines = made
	return made.lines
}

// nothing says why no event is selected.
func (u *ui) nothing() clean {
	switch {
	case u.onFolded():
		return " this phase is folded: Enter or z shows it again, Z all of them"
	case len(u.model.Sessions) == 0:
		if r := u.reading(); !r.Going && len(r.Said) > 0 {
			return wire(" " + r.Said[0])
		}
		return " there is no session yet"
	case len(u.listed) == 0:
		return " no session is in the list now: F there clears its filter"
	case u.options.Filter != nil:
		elsewhere := 0
		for _, c := range u.model.Sessions {
			if c.All.Len() > 0 {
				elsewhere++
			}
		}
		if elsewhere > 0 {
			return wiref(" no event of this session passes the filter, but some of %s: ] and [; F clears the filter", session.Plural(elsewhere, "other"))
		}
		return " no event of this session passes the filter; F clears the filter"
	}
	if u.table {
		return " no message, presence or iq in this session yet; v shows the ladder"
	}
	return " this session has no events to show"
}

// take adds what the feed has pulled, and moves on with it when following.
func (u *ui) take(b inspect.Batch) {
	if b.Filter != u.filter {
		return // pulled for the filter before; it comes again
	}
	if b.Problem != "" {
		u.say(failure, "the filter has failed: %s", b.Problem)
	}
	u.hear()
	u.hearTold()
	u.askLeft()
	before, failed, entered, limit := len(u.model.Sessions), u.model.Failed, u.model.Entered, u.model.Limit
	for _, it := range b.Items {
		u.model.Add(it.Index, it.Event, it.Shown)
		u.recall(it.Index, it.Event)
		u.fed = it.Index + 1
	}
	u.relist()
	if before == 0 && len(u.model.Sessions) > 0 {
		u.firstCame()
	}
	if u.model.Entered != entered {
		u.worked(u.model.Entered)
	}
	if u.model.Failed != failed {
		u.elsewhere(u.model.Failed)
	}
	if now := u.model.Limit; now != limit && now != "" {
		u.say(warning, "▲ %s", now)
	}
	u.welcome(len(b.Items) < inspect.PullLimit)
	u.sortAsSet()
	switch n := len(u.model.Sessions); {
	case u.follow && n > before && u.listing.Passes(u.model.Sessions[n-1]): // or else the list would not stay as it was asked for
		u.selectSession(u.model.Sessions[n-1])
	case u.follow:
		u.toEnd()
	case u.sought >= 0:
		u.seek()
	}
}

// seek brings the selection to the event where it was before the filter changed,
// or to the nearest one that has come in so far.
func (u *ui) seek() {
	rows := u.current().Rows
	row := u.current().Find(u.sought)
	if row < 0 {
		return
	}
	u.ladder.selected, u.ladder.free = row, false
	if u.ladder.skip(row) {
		u.ladder.selected = min(row+1, rows.Len()-1)
	}
	if rows.At(u.ladder.selected).Index() >= u.sought {
		u.sought = -1
	}
}

// toEnd selects the newest event of the session without a word to anyone; in one
// that has failed, once, the event where it did: what comes after is but its end.
func (u *ui) toEnd() {
	u.ladder.free = false
	c := u.current()
	goal := c.Rows.Len() - 1
	if u.stopped() {
		return // it has been shown; now the person may look around
	}
	if at := c.Decisive(); c.State == session.Failed && at >= 0 {
		u.stand(c).stopped = at
		goal = c.Find(at)
	}
	if goal >= 0 && goal != u.ladder.selected {
		u.ladder.selected = goal
		u.detail.top = 0
	}
}

// stopped says that following has stopped where the session failed, until the next one comes.
func (u *ui) stopped() bool {
	c := u.current()
	at := c.Decisive()
	return c.State == session.Failed && at >= 0 && u.stand(c).stopped == at
}

// Draw draws the inspector; see tview.Primitive.
func (u *ui) Draw(screen tcell.Screen) {
	u.theme.spelled = isPlain(screen)
	_, _, w, h := u.GetRect()
	var below []line
	if u.overlay == noOverlay {
		below = u.stateLines(w, h)
	}
	below = append(u.heldLines(), below...)
	u.want.judge, u.want.table = len(below), u.table
	u.want.below = 0
	if len(u.options.Tasks) > 0 {
		u.want.below = lessonHeight
	}
	u.plan = layout(w, h, u.want)
	for i, p := range u.panes() {
		p.rect = u.plan.panes[i]
	}
	u.dressList()
	u.page.rect = rect{0, u.plan.bar.h, w, max(0, h-u.plan.bar.h-u.plan.hints.h)}
	u.drawBar(screen, below)
	switch {
	case u.edit != nil:
		u.drawEdit(screen, u.page.rect)
	case u.overlay != noOverlay:
		u.pageLines = u.pageText()
		u.page.draw(screen, &u.theme, true)
	default:
		for i, p := range u.panes() {
			p.draw(screen, &u.theme, i == u.want.focus)
		}
		for _, d := range u.plan.divider {
			for y := d.y; y < d.y+d.h; y++ {
				line{{"│", u.theme.lifeline}}.put(screen, d.x, y, d.w, asIs)
			}
		}
	}
	if u.overlay == noOverlay {
		u.drawLesson(screen)
	}
	u.drawHints(screen)
	if u.copied != nil {
		screen.SetClipboard(u.copied)
		u.copied = nil
	}
	if u.redraw {
		u.redraw = false
		screen.Sync()
	}
}
