package viewer

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"xmppscope/session"
)

// TestNotes stand on their rows, are listed, and go into exports; what is quit without is asked about.
func TestNotes(t *testing.T) {
	var got []session.Event
	o := Options{CompileFilter: session.CompileFilter}
	o.Formats = []Format{{Ext: ".txt", Title: "text"}}
	o.Export = func(_ context.Context, _ string, _ ExportOptions, events iter.Seq[session.Event]) error {
		got = nil
		for e := range events {
			got = append(got, e)
		}
		return nil
	}
	b := newBench(t, 120, 40, o).play(login(1), refused(2)).press("13<Enter>").press("aask Bob<Enter>").has("✎ ask Bob", "noted on #13").press("j").has("✎ ask Bob")
	b.press("m").press("A").has("Notes and marks", "#13", "◆", "logs in", "ask Bob").press("<Enter>")
	if b.seq() != 13 {
		t.Errorf("Enter goes to #%d", b.seq())
	}
	b.press("m").has("◆✎").press("e").press("w").press("<Enter>").has("written")
	said := ""
	for i := range got {
		if a := got[i].Annotation(); a != (session.Annotation{}) {
			said += fmt.Sprintf("%d#%d %+v ", got[i].Session, got[i].Seq, a)
		}
	}
	if said != "1#13 {Text:ask Bob Marked:true} 1#14 {Text: Marked:true} " {
		t.Errorf("exported: %s", said)
	}
	if b.press("q"); b.quits != 1 {
		t.Error("what has been saved is asked about")
	}
	b.press("14<Enter>").press("aagain<Enter>").press("q").has("1 session with notes of yours is saved nowhere", "with notes of yours").press("<Esc>")
	b.press("a<CtrlU><Enter>").has("was removed").lacks("✎ again").press("M").lacks("◆")
	b.press("v").press("a").press("table note<Enter>").has("✎ table note")
	newBench(t, 80, 24, Options{}).press("a").has("there is no event").press("A").has("no notes or marks yet")
}

// TestNotesComeBack from a file that they were saved in.
func TestNotesComeBack(t *testing.T) {
	s := login(1)
	s.events[12] = s.events[12].Annotated(session.Annotation{Text: "ask Bob", Marked: true})
	b := newBench(t, 120, 40, Options{}).play(s).has("◆✎", "✎ ask Bob", "1 marked").press("A").has("ask Bob").press("<Enter>").has("ask Bob")
	if b.press("q"); b.quits != 1 {
		t.Error("notes of the file are asked about")
	}
	b.press("a<CtrlU>other<Enter>").press("t").has("✎ other").lacks("ask Bob")
}

// TestEndingHasNotes: what keeps unsaved sessions writes the notes, too.
func TestEndingHasNotes(t *testing.T) {
	b := newBench(t, 120, 40, Options{Unsaved: true}).play(login(1)).press("13<Enter>").press("anote<Enter>")
	end := b.ui.ending()
	e, _ := b.ui.event()
	if said := end.Annotated(*e); len(end.Unsaved) != 1 || said.Annotation().Text != "note" {
		t.Errorf("%+v", end.Unsaved)
	}
}
