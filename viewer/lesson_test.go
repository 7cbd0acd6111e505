package viewer

import (
	"testing"

	"xmppscope/session"
)

// tasks are a lesson on login(1) and refused(2).
var tasks = []Task{
	{Lesson: "A login", Session: 1, Text: "There are events.", Ask: "Select the event with which the client asks for TLS.", Find: `name == "starttls"`, Done: "So it is encrypted."},
	{Lesson: "A login", Session: 1, Text: "The client picks a mechanism.", Ask: "Which one?", Of: `name == "auth"`, Value: "mechanism", Done: "It sends the password."},
	{Lesson: "A refusal", Session: 2, Text: "The server refuses.", Ask: "How does its answer begin?", Of: `name == "failure"`, Value: "name", First: 4},
}

// TestLesson: right and wrong answers, given by selecting and by typing; what is shown; the end.
func TestLesson(t *testing.T) {
	b := newBench(t, 80, 24, Options{Live: true, CompileFilter: session.CompileFilter, Tasks: tasks})
	b.press("L").has("has not got that far yet")
	b.play(login(1), refused(2)).has("Lesson 1 of 3 · A login · session 1", "Select the event with which", "L: this one").lacks("FOLLOW", "session 2 has failed", "first client", "first login")
	if b.ui.current().ID != 1 {
		t.Errorf("session %d is selected", b.ui.current().ID)
	}
	b.press("L").has("✗ not that one").press("jjjjjL").has("✓ right. So it is encrypted.", "Lesson 2 of 3", "Which one?", "L: answer")
	b.press("Lscram<Enter>").has("✗ not that one").press("L plain <Enter>").has("✓ right. It sends the password.", "Lesson 3 of 3 · A refusal · session 2")
	if b.ui.current().ID != 2 {
		t.Errorf("session %d is selected", b.ui.current().ID)
	}
	b.press("Lfail<Enter>").has("✓ right.", "Lesson · done", "That was all: 1 of 3 right at the first try.").press("LV").has("that was the last lesson")

	b = newBench(t, 80, 24, Options{CompileFilter: session.CompileFilter, Tasks: tasks}).play(login(1), refused(2))
	if b.press("V").has("→ it was #6. So it is"); b.seq() != 6 {
		t.Errorf("the answer is shown at #%d", b.seq())
	}
	b.press("V").has("→ it was PLAIN, in #").press("V").has("→ it was fail, in #", "0 of 3 right")
	newBench(t, 80, 24, Options{}).press("L").has("demo --learn gives lessons").press("V").has("demo --learn gives lessons")
	newBench(t, 20, 5, Options{CompileFilter: session.CompileFilter, Tasks: tasks}).play(login(1)).press("LV<Tab>")
}

// TestCheckTasks: a question without an answer is found.
func TestCheckTasks(t *testing.T) {
	log := session.NewLog()
	defer log.Close()
	for _, s := range []*script{login(1), refused(2)} {
		for _, e := range s.events {
			log.Append(e)
		}
	}
	if err := CheckTasks(tasks, log, session.CompileFilter); err != nil {
		t.Error(err)
	}
	for _, wrong := range []Task{
		{Session: 3, Find: "true"}, {Session: 1, Find: `name == "nothing"`}, {Session: 1, Find: "name =="}, {Session: 1}, {Session: 1, Of: "true"},
		{Session: 1, Of: `name == "auth"`, Value: "nothing"}, {Session: 1, Of: "true", Value: "name", Find: "true"},
	} {
		if CheckTasks([]Task{wrong}, log, session.CompileFilter) == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}
