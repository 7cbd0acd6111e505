package viewer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

var errDisk = errors.New("no space left on device")

// unsaved is an inspector on sessions that lie nowhere but in its Log.
func unsaved(w *written, saves func() []Save) Options {
	o := exporting(w)
	o.Live, o.Unsaved, o.Where, o.Saves = true, true, "127.0.0.1:5222 → xmpp.example.net:5222", saves
	o.Formats = append(slices.Clip(o.Formats), Format{Ext: ".keeps", Title: "all of it", Secrets: true, Opens: true})
	return o
}

// TestQuitAsksAboutWhatIsSavedNowhere: q and Ctrl-C alike; nothing goes before a person
// has said so.
func TestQuitAsksAboutWhatIsSavedNowhere(t *testing.T) {
	var w written
	b := newBench(t, 100, 30, unsaved(&w, nil)).play(login(1), refused(2))
	b.has("not saved").press("q").has("Quit? 2 sessions are saved nowhere", "1 ysong.lee@gmail.com/home  logged in, still open  26 events", "2 ysong.lee@gmail.com  failed  17 events",
		"s  save all and quit", "q  quit without saving", "Esc")
	if b.press("q"); b.quits != 0 {
		t.Fatal("the rest of a paste quits")
	}
	b.later += time.Second
	if b.press("xyz<Enter>").has("Quit?").press("<Esc>").lacks("Quit?"); b.quits != 0 {
		t.Fatal("other keys quit")
	}
	if got := b.ui.ending().Unsaved; fmt.Sprint(got) != "[1 2]" {
		t.Errorf("unsaved: %v", got)
	}
	b.ui.interrupt()
	b.has("Quit? 2 sessions").press("<Esc>")
	b.press("q")
	b.later += time.Second
	if b.press("q"); b.quits != 1 || len(b.ui.ending().Unsaved) != 0 {
		t.Errorf("q after q: quits %d times, %v is to be kept", b.quits, b.ui.ending().Unsaved)
	}
	b = newBench(t, 100, 30, unsaved(&w, nil)).play(login(1)).press("q")
	b.later += time.Second
	b.play(refused(2)).press("q").has("Quit? 2 sessions are saved nowhere", "2 ysong.lee@gmail.com  failed")
	b.later += time.Second
	if b.press("q"); b.quits != 1 || len(b.ui.ending().Unsaved) != 0 {
		t.Errorf("a session that came meanwhile is asked about: quits %d times", b.quits)
	}
	b = newBench(t, 100, 30, unsaved(&w, nil)).play(login(1))
	b.ui.interrupt()
	if b.ui.interrupt(); b.quits != 1 || len(b.ui.ending().Unsaved) != 1 {
		t.Errorf("Ctrl-C twice: quits %d times, %v is to be kept", b.quits, b.ui.ending().Unsaved)
	}
	if b := newBench(t, 80, 24, unsaved(&w, nil)).press("q"); b.quits != 1 {
		t.Error("without a session there is something to ask")
	}
	scan := newScript(1)
	scan.connect()
	scan.add(0, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}})
	if b := newBench(t, 80, 24, unsaved(&w, nil)).play(scan).press("q"); b.quits != 1 {
		t.Error("a connection in which nothing was said is asked about")
	}
	many := newBench(t, 80, 24, unsaved(&w, nil))
	for id := range 20 {
		many.play(refused(id + 1))
	}
	many.press("q").has("Quit? 20 sessions are saved nowhere", "… and 12 more")
}

// TestSaveAllAndQuit: the file can be opened again, and quitting waits for it.
func TestSaveAllAndQuit(t *testing.T) {
	var w written
	o := unsaved(&w, nil)
	fails := true
	write := o.Export
	o.Export = func(ctx context.Context, path string, x ExportOptions, events iter.Seq[session.Event]) error {
		if fails {
			return errDisk
		}
		return write(ctx, path, x, events)
	}
	b := newBench(t, 100, 30, o).play(login(1)).press("q")
	b.later += time.Second
	b.press("s").has("to file: xmppscope-20261122-143", ".keeps always contains passwords and keys")
	if b.press("<Enter>").has("✗ no space left on device", "to file:"); b.quits != 0 {
		t.Fatal("an export that failed quits")
	}
	fails = false
	if b.press("<Enter>"); b.quits != 1 || len(w.seqs) != 26 || len(b.ui.ending().Unsaved) != 0 {
		t.Errorf("%d events written, quits %d times, unsaved %v", len(w.seqs), b.quits, b.ui.ending().Unsaved)
	}
}

// TestWhatWasExportedIsSaved, as long as nothing new has come; a part of it is not.
func TestWhatWasExportedIsSaved(t *testing.T) {
	var w written
	b := newBench(t, 100, 30, unsaved(&w, nil)).play(refused(1), refused(2))
	b.press("mem<Enter>")
	if n := len(b.ui.unsaved()); n != 2 {
		t.Errorf("after an export of one event %d sessions are unsaved", n)
	}
	b.press("es<Enter>")
	if n := len(b.ui.unsaved()); n != 1 {
		t.Errorf("after an export of one session %d are unsaved", n)
	}
	b.press("ew<CtrlU>all.xml<Enter>")
	if b.press("q"); b.quits != 1 {
		t.Error("after an export of all q does not quit")
	}
	s := refused(1)
	s.events = nil
	s.element(time.Second, session.S2C, "<late/>", "comes late")
	b.play(s).press("q").has("Quit? 1 session is saved nowhere", "some of them saved")
}

// TestSavingIsSaid: what is being saved and how far, and a save that failed, until it was
// read of.
func TestSavingIsSaid(t *testing.T) {
	var w written
	saves := []Save{{Name: "a.pcapng", Keeps: true, Bytes: 12_345, Events: 26}}
	told := []string{}
	o := unsaved(&w, func() []Save { return saves })
	o.Told = func() []string { return told }
	b := newBench(t, 120, 30, o).play(login(1))
	b.has("127.0.0.1:5222 → xmpp.example.net:5222", "1 session, 26 events", "saving a.pcapng, 12.3 kB").lacks("behind")
	saves = append(saves, Save{Name: "b.html", Bytes: 1})
	b.has("saving 2 files, 12.3 kB")
	saves = saves[:1]
	saves[0].Events = -2000
	b.has("2,026 events behind")
	saves[0] = Save{Name: "a.pcapng", Keeps: true, Bytes: 12_345, Events: 20, Problem: "disk full", At: began}
	told = []string{"a.pcapng: disk full: nothing more is saved there\x1b[31m"}
	b.ui.take(inspect.Batch{})
	b.has("✗ SAVE STOPPED 14:30:05 a.pcapng: disk full (i)", "▲ a.pcapng: disk full: nothing more is saved there␛")
	b.later += time.Minute
	b.press("jj").has("✗ SAVE STOPPED").press("i").has("Messages", "nothing more is saved there").press("i")
	b.has("✗ a.pcapng is not saved any more").lacks("SAVE STOPPED")
	b.press("q").has("Quit? 1 session is saved nowhere")
	for _, size := range [][2]int{{80, 24}, {80, 12}, {40, 10}} {
		small := newBench(t, size[0], size[1], o).play(login(1))
		if !strings.Contains(small.show(), "✗") || size[0] >= 80 && !strings.Contains(small.show(), "SAVE STOPPED") {
			t.Errorf("%v: the failed save is not on the screen:\n%s", size, small.show())
		}
	}
	saves[0].Problem, saves[0].Keeps = "", false
	b.press("<Esc>q").has("Quit? 1 session is saved nowhere")
	saves[0].Keeps = true
	b.press("<Esc>").press("q").has("1 open session would be cut off")
}

// TestPastedTextIsNoCommand, through the terminal.
func TestPastedTextIsNoCommand(t *testing.T) {
	s := run(t, t.Context(), Options{Live: true, Unsaved: true})
	s.until("waiting for the first client")
	for _, e := range login(1).events {
		s.log.Append(e)
	}
	s.until("logged in")
	s.screen.PostEvent(tcell.NewEventPaste(true))
	for _, r := range "?qqxq" {
		s.press(r)
	}
	s.screen.PostEvent(tcell.NewEventPaste(false))
	s.press('t')
	s.until("+time")
	s.screen.InjectKey(tcell.KeyCtrlC, 0, tcell.ModCtrl)
	s.until("Quit? 1 session is saved nowhere")
	s.screen.InjectKey(tcell.KeyCtrlC, 0, tcell.ModCtrl)
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

// TestEndedTellsWhatIsUnsaved: also where nobody could be asked, and where the inspector
// itself has failed.
func TestEndedTellsWhatIsUnsaved(t *testing.T) {
	for _, panics := range []bool{false, true} {
		ended := make(chan Ending, 1)
		ctx, cancel := context.WithCancel(t.Context())
		o := Options{Live: true, Unsaved: true, Hooks: Hooks{Ended: func(e Ending) { ended <- e }}}
		s := run(t, ctx, o)
		s.until("waiting for the first client")
		for _, e := range login(1).events {
			s.log.Append(e)
		}
		s.until("logged in")
		if panics {
			s.app.tv.QueueUpdateDraw(func() {
				s.app.ui.ladder.caption = func(int) line { panic("oh") }
			})
		} else {
			cancel()
		}
		if err := s.ended(); (err != nil) != panics {
			t.Errorf("ended with %v", err)
		}
		cancel()
		if e := <-ended; fmt.Sprint(e.Unsaved) != "[1]" {
			t.Errorf("panics %v: unsaved %v", panics, e.Unsaved)
		}
	}
}

// TestWhatAnEarlierRunHasLeft is offered, one after the other.
func TestWhatAnEarlierRunHasLeft(t *testing.T) {
	var did []string
	left := func(name string) Left {
		return Left{
			Lines: []string{"it lies in " + name}, Name: name + ".pcapng",
			Keep: func(path string) error {
				if path == "there.pcapng" {
					return errors.New("it is there already")
				}
				did = append(did, "keep "+name+" "+path)
				return nil
			},
			Drop: func() error { did = append(did, "drop "+name); return nil },
		}
	}
	b := newBench(t, 100, 30, Options{Live: true, Start: startLines, Left: []Left{left("one"), left("two"), left("three")}})
	b.ui.take(inspect.Batch{})
	b.has("Left over from an earlier run: sessions that were not saved", "it lies in one", "k  keep them", "d  delete them").press("d").has("it lies in one")
	b.later += time.Second
	b.press("d").has("it lies in two")
	b.later += time.Second
	b.press("k").has("to file: two.pcapng", "it holds passwords").press("<CtrlU>there.pcapng<Enter>").has("✗ it is there already").press("<CtrlU>kept.pcapng<Enter>").has("it lies in three")
	b.later += time.Second
	b.press("<Esc>").lacks("Left over from an earlier run")
	if got := strings.Join(did, ", "); got != "drop one, keep two kept.pcapng" {
		t.Errorf("did %s", got)
	}
}
