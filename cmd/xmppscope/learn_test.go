package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/capture"
	"xmppscope/session"
	"xmppscope/viewer"
)

// TestLessons: each question has its answer in the sessions that are really played.
func TestLessons(t *testing.T) {
	path := filepath.Join(t.TempDir(), "learn.jsonl")
	if err := scope(t, t.TempDir(), "demo", "--learn", "--plain", "--no-attach", "--save", path).Run(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log := session.NewLog()
	defer log.Close()
	if _, err := capture.Read(f, func(e session.Event) error { log.Append(e); return nil }); err != nil {
		t.Fatal(err)
	}
	all, err := lessons()
	if err != nil {
		t.Fatal(err)
	}
	room := &classroom{lessons: all}
	tasks := room.tasks()
	if len(all) < 4 || len(tasks) < 25 {
		t.Errorf("%d lessons, %d questions", len(all), len(tasks))
	}
	if err := viewer.CheckTasks(tasks, log, session.CompileFilter); err != nil {
		t.Error(err)
	}
	steps := ""
	for _, task := range tasks {
		steps += task.Ask + task.Text
		if n := len(task.Text); n == 0 || n > 160 || len(task.Ask) > 110 || len(task.Done) > 120 {
			t.Errorf("too long for a small screen, or empty: %+v", task)
		}
		wrong := task
		wrong.Session = 99
		if viewer.CheckTasks([]viewer.Task{wrong}, log, session.CompileFilter) == nil {
			t.Errorf("%q has an answer in a session that there is not", task.Ask)
		}
	}
	for _, n := range []string{"Step 1:", "Step 6:", "step 13", "Step 16:", "Steps 17 and 18"} {
		if !strings.Contains(steps, n) {
			t.Errorf("no question is about %s", n)
		}
	}
}
