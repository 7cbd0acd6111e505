package viewer

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/tview"

	"xmppscope/decode"
	"xmppscope/internal/inspect"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// bench is an inspector without an event loop: what it is told is done at once.
type bench struct {
	*testing.T
	ui     *ui
	log    *session.Log
	screen tcell.SimulationScreen
	feed   *inspect.Feed
	keep   inspect.Filter
	at     int
	quits  int
	later  time.Duration // what the clock shows beyond the usual
}

func newBench(t *testing.T, w, h int, o Options) *bench {
	t.Helper()
	log := session.NewLog()
	t.Cleanup(func() { log.Close() })
	o.Log, o.Title, o.Pretty = log, "xmppscope test", simplePretty
	o.Tree = func(raw []byte) *session.Element { el, _ := decode.Parse(raw, decode.UsualScope()); return el }
	b := &bench{T: t, log: log, screen: tcell.NewSimulationScreen("UTF-8")}
	if err := b.screen.Init(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.screen.Fini)
	b.ui = newUI(o, false, func() time.Time { return began.Add(65*time.Second + b.later) })
	b.ui.stop = func() { b.quits++ }
	b.ui.spawn = func(look, done func(context.Context)) context.CancelFunc {
		ctx, cancel := context.WithCancel(context.Background())
		look(ctx)
		done(ctx)
		return cancel
	}
	b.ui.suspend = func(f func(context.Context)) bool { f(context.Background()); return true }
	b.feed = &inspect.Feed{Log: log, Filters: b.ui.filters}
	b.size(w, h)
	return b
}

func (b *bench) size(w, h int) {
	b.screen.SetSize(w, h)
	b.ui.SetRect(0, 0, w, h)
}

// play appends the events of scripts and lets the inspector take them.
func (b *bench) play(scripts ...*script) *bench {
	for _, s := range scripts {
		for _, e := range s.events {
			b.log.Append(e)
		}
	}
	b.pull()
	return b
}

// pull does what the feed does, until there is no more.
func (b *bench) pull() {
	for {
		select {
		case b.keep = <-b.ui.filters:
			b.at = 0
		default:
		}
		var got inspect.Batch
		got, b.at = b.feed.Pull(b.at, b.keep)
		if len(got.Items) == 0 {
			return
		}
		b.ui.take(got)
	}
}

// press presses keys: single characters, or names in angle brackets.
func (b *bench) press(keys string) *bench {
	named := map[string]tcell.Key{
		"Enter": tcell.KeyEnter, "Esc": tcell.KeyEscape, "Tab": tcell.KeyTab, "BackTab": tcell.KeyBacktab,
		"Up": tcell.KeyUp, "Down": tcell.KeyDown, "PgUp": tcell.KeyPgUp, "PgDn": tcell.KeyPgDn, "CtrlU": tcell.KeyCtrlU, "CtrlR": tcell.KeyCtrlR, "CtrlS": tcell.KeyCtrlS,
		"CtrlD": tcell.KeyCtrlD, "CtrlL": tcell.KeyCtrlL, "CtrlO": tcell.KeyCtrlO, "CtrlP": tcell.KeyCtrlP, "F2": tcell.KeyF2, "F3": tcell.KeyF3, "F7": tcell.KeyF7, "F10": tcell.KeyF10,
	}
	for len(keys) > 0 {
		event := tcell.NewEventKey(tcell.KeyRune, rune(keys[0]), tcell.ModNone)
		if name, rest, ok := strings.Cut(keys[1:], ">"); keys[0] == '<' && ok && named[name] != 0 {
			event = tcell.NewEventKey(named[name], 0, tcell.ModNone)
			keys = ">" + rest
		}
		b.ui.Draw(b.screen) // places are known only once they have been drawn
		b.ui.InputHandler()(event, nil)
		keys = keys[1:]
	}
	b.pull()
	return b
}

func (b *bench) mouse(action tview.MouseAction, x, y int) {
	b.ui.Draw(b.screen)
	b.ui.MouseHandler()(action, tcell.NewEventMouse(x, y, tcell.ButtonPrimary, tcell.ModNone), nil)
}

// show draws and returns the screen as text.
func (b *bench) show() string {
	b.screen.Clear()
	b.ui.Draw(b.screen)
	return screenText(b.screen)
}

func screenText(screen tcell.Screen) string {
	var out strings.Builder
	w, h := screen.Size()
	for y := range h {
		var row strings.Builder
		for x := 0; x < w; {
			text, _, width := screen.Get(x, y)
			if text == "" {
				text = " "
			}
			row.WriteString(text)
			x += max(1, width)
		}
		out.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return out.String()
}

// golden compares the screen with a file in testdata.
func (b *bench) golden(name string) {
	b.Helper()
	xmpptest.Golden(b, filepath.Join("testdata", name+".txt"), b.show())
}

// has and lacks look for text on the screen.
func (b *bench) has(want ...string) *bench {
	b.Helper()
	got := b.show()
	for _, w := range want {
		if !strings.Contains(got, w) {
			b.Errorf("%q is not on the screen:\n%s", w, got)
		}
	}
	return b
}

func (b *bench) lacks(unwanted ...string) *bench {
	b.Helper()
	got := b.show()
	for _, w := range unwanted {
		if strings.Contains(got, w) {
			b.Errorf("%q is on the screen:\n%s", w, got)
		}
	}
	return b
}

// rung is the number of the selected event's rung, 0 if it has none.
func (b *bench) rung() int {
	if e, _ := b.ui.event(); e != nil && e.Step != nil {
		return e.Step.N
	}
	return 0
}
