package session

import "testing"

// TestAnnotations are notes that come first, and replace those of before.
func TestAnnotations(t *testing.T) {
	e := Event{Said: Said{Notes: []Note{{Rule: "x", Text: "explained"}}}}
	a := Annotation{Text: "ask Bob", Marked: true}
	said := e.Annotated(a)
	if got := said.Annotation(); got != a {
		t.Errorf("%+v", got)
	}
	if len(e.Notes) != 1 || len(said.Notes) != 3 || said.Notes[2].Text != "explained" || said.Worst() != Info {
		t.Errorf("%+v", said.Notes)
	}
	again := said.Annotated(Annotation{Text: "done"})
	if got := again.Annotation(); got != (Annotation{Text: "done"}) || len(again.Notes) != 2 {
		t.Errorf("%+v", again.Notes)
	}
	if got := again.Annotated(Annotation{}); len(got.Notes) != 1 {
		t.Errorf("%+v", got.Notes)
	}
	keep, err := CompileFilter(`field("note") contains "Bob" && field("mark") != ""`)
	if err != nil || !keep(&said) || keep(&e) {
		t.Errorf("a filter does not find it: %v", err)
	}
}
