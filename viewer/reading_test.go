package viewer

import (
	"testing"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
)

// TestReading: how far a file has been read stands on the first line; Ctrl-C ends
// the reading first, and the inspector the second time.
func TestReading(t *testing.T) {
	state, stops := ReadingState{Going: true, Where: "34 % of 812.0 MB"}, 0
	reading := Reading{State: func() ReadingState { return state }, Stop: func() { stops++ }}
	b := newBench(t, 100, 30, Options{Reading: reading}).play(login(1)).has("READING 34 % of 812.0 MB")
	b.ui.interrupt()
	b.has("STOPPED AT 34 % of 812.0 MB").has("reading stopped at 34 % of 812.0 MB: this is what was read")
	state = ReadingState{Stopped: true, Where: "35 % of 812.0 MB", Problem: "reading was stopped"}
	b.press("j").has("STOPPED AT 35 % of 812.0 MB")
	if stops != 1 || b.quits != 0 {
		t.Errorf("reading stopped %d times, the inspector %d times", stops, b.quits)
	}
	if b.ui.interrupt(); stops != 1 || b.quits != 1 {
		t.Errorf("then reading stopped %d times, the inspector %d times", stops, b.quits)
	}

	state = ReadingState{Where: "812.0 MB"}
	b = newBench(t, 100, 30, Options{Live: true, Reading: reading}).lacks("READING").lacks("waiting for the first client")
	if b.ui.interrupt(); b.quits != 1 {
		t.Error("Ctrl-C does not end the inspector when all was read")
	}
	state.Problem, state.Said = "it ends too early", []string{"warning: \x1b[2Jold.pcap: no XMPP in it"}
	b.ui.overlay = noOverlay
	b.ui.take(inspect.Batch{})
	b.has("CUT OFF").has("warning: ␛[2Jold.pcap: no XMPP in it")
}

// TestInterruptedForReal: Ctrl-C reaches the reading through the terminal.
func TestInterruptedForReal(t *testing.T) {
	state, stopped := make(chan ReadingState, 1), make(chan struct{})
	state <- ReadingState{Going: true, Where: "3.1 kB"}
	s := run(t, t.Context(), Options{Reading: Reading{
		State: func() ReadingState { now := <-state; state <- now; return now },
		Stop:  func() { <-state; state <- ReadingState{Stopped: true, Where: "3.1 kB"}; close(stopped) },
	}})
	s.until("READING 3.1 kB")
	s.screen.InjectKey(tcell.KeyCtrlC, 0, tcell.ModCtrl)
	<-stopped
	s.until("STOPPED AT 3.1 kB")
	s.screen.InjectKey(tcell.KeyCtrlC, 0, tcell.ModCtrl)
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}
