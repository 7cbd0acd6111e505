package viewer

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"go.uber.org/goleak"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// stage is an inspector that runs for real, on a simulated screen.
type stage struct {
	*testing.T
	app    *app
	log    *session.Log
	screen *endedScreen
	result chan error

	mu    sync.Mutex
	cond  *sync.Cond
	shown string // the screen as it was drawn last
	over  bool
}

// endedScreen counts how often the terminal was restored.
type endedScreen struct {
	tcell.SimulationScreen
	mu   sync.Mutex
	fini int
}

func (s *endedScreen) Fini() {
	s.mu.Lock()
	s.fini++
	s.mu.Unlock()
	s.SimulationScreen.Fini()
}

func (s *endedScreen) restored() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fini > 0
}

// run starts an inspector; the test ends only when it has.
func run(t *testing.T, ctx context.Context, o Options) *stage {
	t.Helper()
	s := &stage{T: t, log: session.NewLog(), screen: &endedScreen{SimulationScreen: tcell.NewSimulationScreen("UTF-8")}, result: make(chan error, 1)}
	s.cond = sync.NewCond(&s.mu)
	o.Log, o.Title, o.Screen, o.Pretty = s.log, "xmppscope test", s.screen, simplePretty
	s.app = newApp(ctx, o, time.Now)
	s.app.drawn = func(screen tcell.Screen) {
		text := screenText(screen)
		s.mu.Lock()
		s.shown = text
		s.cond.Broadcast()
		s.mu.Unlock()
	}
	go func() {
		err := s.app.run()
		s.mu.Lock()
		s.over = true
		s.cond.Broadcast()
		s.mu.Unlock()
		s.result <- err
	}()
	t.Cleanup(func() {
		s.app.stop()
		s.log.Close()
	})
	return s
}

// until waits for text on the screen.
func (s *stage) until(want string) {
	s.Helper()
	timer := time.AfterFunc(20*time.Second, func() {
		s.mu.Lock()
		s.over = true
		s.cond.Broadcast()
		s.mu.Unlock()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !strings.Contains(s.shown, want) {
		if s.over {
			s.Fatalf("%q never came; the last screen:\n%s", want, s.shown)
		}
		s.cond.Wait()
	}
}

func (s *stage) press(r rune) { s.screen.InjectKey(tcell.KeyRune, r, tcell.ModNone) }

// ended waits for the end.
func (s *stage) ended() error {
	s.Helper()
	select {
	case err := <-s.result:
		if !s.screen.restored() {
			s.Error("the terminal was not restored")
		}
		return err
	case <-time.After(20 * time.Second):
		s.Fatal("the inspector does not end")
		return nil
	}
}

func TestWaysToEnd(t *testing.T) {
	for name, end := range map[string]func(s *stage, cancel func(), done chan struct{}){
		"q":      func(s *stage, _ func(), _ chan struct{}) { s.press('q'); s.press('q') }, // once if no session was seen yet
		"Ctrl-C": func(s *stage, _ func(), _ chan struct{}) { s.screen.InjectKey(tcell.KeyCtrlC, 0, tcell.ModCtrl) },
		"ctx":    func(_ *stage, cancel func(), _ chan struct{}) { cancel() },
		"Done":   func(_ *stage, _ func(), done chan struct{}) { close(done) },
	} {
		t.Run(name, func(t *testing.T) {
			leak := goleak.IgnoreCurrent()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan struct{})
			s := run(t, ctx, Options{Live: true, Done: done})
			s.until("waiting for the first client")
			for _, e := range login(1).events {
				s.log.Append(e)
			}
			end(s, cancel, done)
			if err := s.ended(); err != nil {
				t.Errorf("ended with %v", err)
			}
			s.log.Close()
			goleak.VerifyNone(t, leak)
		})
	}
}

func TestEndBeforeTheFirstDraw(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(t, ctx, Options{Live: true}).ended(); err != nil {
		t.Error(err)
	}
}

func TestLive(t *testing.T) {
	s := run(t, t.Context(), Options{Live: true, Start: startLines, CompileFilter: byName})
	s.until("port       5222")
	for _, e := range login(1).events {
		s.log.Append(e)
	}
	s.until("white space: a keep-alive")
	for _, e := range refused(2).events {
		s.log.Append(e)
	}
	s.until("the server refused the login with PLAIN")
	for _, r := range "Fiq\r" {
		if r == '\r' {
			s.screen.InjectKey(tcell.KeyEnter, 0, tcell.ModNone)
			continue
		}
		s.press(r)
	}
	s.until("no event of this session passes the filter")
	s.press('[')
	s.until("gets its address")
	s.press('/')
	s.press('s')
	s.press('1')
	s.screen.InjectKey(tcell.KeyEnter, 0, tcell.ModNone)
	s.until("A relic of RFC 3921.")
	s.press('q')
	s.until("q again quits")
	s.press('q')
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

func TestAPanicRestoresTheTerminal(t *testing.T) {
	for name, o := range map[string]Options{
		"while drawing": {Pretty: nil},
		"in a key":      {CompileFilter: func(string) (func(*session.Event) bool, error) { panic("boom") }},
	} {
		t.Run(name, func(t *testing.T) {
			leak := goleak.IgnoreCurrent()
			s := run(t, t.Context(), o)
			s.until("no sessions")
			if o.CompileFilter != nil {
				s.press('F')
				s.press('x')
				s.screen.InjectKey(tcell.KeyEnter, 0, tcell.ModNone)
			} else {
				s.app.tv.QueueUpdate(func() {
					s.app.ui.options.Pretty = func([]byte) iter.Seq[session.Line] { panic("boom") }
				})
				s.log.Append(login(1).events[2])
			}
			err := s.ended()
			if err == nil || !strings.Contains(err.Error(), "the inspector has failed: boom") || !strings.Contains(err.Error(), "goroutine") {
				t.Errorf("ended with %v, want the panic and its stack", err)
			}
			s.log.Close()
			goleak.VerifyNone(t, leak)
		})
	}
}

func TestResizeStorm(t *testing.T) {
	s := run(t, t.Context(), Options{Live: true, Start: startLines})
	s.until("waiting for the first client")
	events := login(1).events
	for i := range 300 {
		s.screen.SetSize(1+i*37%211, 1+i*13%60)
		s.log.Append(events[i%len(events)])
		s.press([]rune("jkgGfwtxhs?i")[i%12])
	}
	s.screen.SetSize(132, 43)
	for _, e := range distrust(9).events {
		s.log.Append(e)
	}
	// Which page is shown now depends on when the first client was seen; Esc leads
	// from each of them to the sessions.
	for range 3 {
		s.screen.InjectKey(tcell.KeyEscape, 0, tcell.ModNone)
	}
	s.until("Session")
	s.press('q')
	s.until("q again quits")
	s.press('q')
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

func TestNoLogIsAnError(t *testing.T) {
	if err := Run(t.Context(), Options{}); err == nil || !strings.HasPrefix(err.Error(), "viewer: ") {
		t.Errorf("got %v", err)
	}
}

// TestManyEvents: the feed keeps up with what an opened file brings at once.
func TestManyEvents(t *testing.T) {
	s := run(t, t.Context(), Options{})
	const many = 30_000
	for i := range many {
		s.log.Append(session.Event{Seen: session.Seen{Session: 1, Seq: uint64(i + 1), At: began, Dir: session.C2S, Body: session.StreamElement{}, Name: "message"}, Said: session.Said{Done: true, Summary: fmt.Sprint("message number ", i)}})
	}
	s.until("/" + inspect.Number(many))
	s.press('G')
	s.until(fmt.Sprint("message number ", many-1))
	s.press('q')
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}
