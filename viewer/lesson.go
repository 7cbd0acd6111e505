package viewer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// Task is one question of a lesson. It is answered on a real session: by selecting an event, or
// by typing a value that an event has.
type Task struct {
	Lesson  string // its title
	Session int    // that it is about
	Text    string // what there is to know
	Ask     string // the question
	Done    string // what is said when it was right
	Find    string // a filter that the selected event has to pass; "": a value is asked for
	Of      string // a filter for the event that has the value
	Value   string // the name of a decoded field, or of what a filter can name
	First   int    // so many characters of it are enough; 0: all of them
}

// lesson is where the person stands in the tasks.
type lesson struct {
	at    int
	said  clean // what became of the last answer
	right bool
	tries int // at this task
	sure  int // tasks that were right at once
}

// lessonHeight is how many lines a lesson takes, with its title.
const lessonHeight = 7

// task is the one to answer; nil if there is no lesson, or all is done.
func (u *ui) task() *Task {
	if u.lesson.at >= len(u.options.Tasks) {
		return nil
	}
	return &u.options.Tasks[u.lesson.at]
}

// taskSession is the session that a task is about; nil if that has not come yet.
func (u *ui) taskSession(t *Task) *inspect.Conversation {
	if i := slices.IndexFunc(u.model.Sessions, func(c *inspect.Conversation) bool { return c.ID == t.Session }); i >= 0 {
		return u.model.Sessions[i]
	}
	return nil
}

// passing are the events of a session that pass a filter, in their order.
func (u *ui) passing(c *inspect.Conversation, expr string) (out []*session.Event) {
	keep, err := u.options.CompileFilter(expr)
	if err != nil {
		return nil
	}
	for index := c.Begin; index < c.End; index++ {
		if e := u.events.At(index); e != nil && e.Session == c.ID && keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// taskEvents are the events that a task is about.
func (u *ui) taskEvents(t *Task) []*session.Event {
	c := u.taskSession(t)
	if c == nil || u.options.CompileFilter == nil {
		return nil
	}
	return u.passing(c, t.Find+t.Of)
}

// valueOf is the answer to a task that asks for a value, as the session has it.
func (t *Task) valueOf(e *session.Event) string {
	shown := session.Blank(*e)
	value, ok := shown.Field(t.Value)
	if !ok {
		value = session.FilterValues(&shown)(t.Value)
	}
	if r := []rune(value); t.First > 0 && len(r) > t.First {
		value = string(r[:t.First])
	}
	return value
}

// answerTask answers the task: by the selected event, or by what is typed.
func (u *ui) answerTask() {
	t := u.task()
	switch {
	case len(u.options.Tasks) == 0:
		u.say(notice, "xmppscope demo --learn gives lessons")
	case t == nil:
		u.say(notice, "that was the last lesson; q quits")
	case len(u.taskEvents(t)) == 0:
		u.say(notice, "the session of this lesson has not got that far yet")
	case t.Find != "":
		e, _ := u.event()
		u.judge(e != nil && slices.ContainsFunc(u.taskEvents(t), func(r *session.Event) bool { return r.Session == e.Session && r.Seq == e.Seq }))
	default:
		u.ask(question{title: "Lesson", label: "answer:", help: func(string) []line { return line{{" " + wire(t.Ask), u.theme.text}}.wrap(u.plan.hints.w-1, 1) },
			done: func(answer string) {
				right := t.valueOf(u.taskEvents(t)[0])
				u.judge(strings.EqualFold(strings.TrimSpace(answer), right) && right != "")
			}})
	}
}

// judge says whether an answer was right, and goes on if so.
func (u *ui) judge(right bool) {
	l := &u.lesson
	l.right = right
	if !right {
		l.tries++
		l.said = "✗ not that one: try again, or V shows the answer"
		return
	}
	if l.tries == 0 {
		l.sure++
	}
	u.nextTask("✓ right. ")
}

// nextTask goes on, and says something of the one before.
func (u *ui) nextTask(said clean) {
	t := u.task()
	u.lesson.said = said + wire(t.Done)
	u.lesson.at, u.lesson.tries = u.lesson.at+1, 0
	if next := u.task(); next != nil && next.Session != t.Session {
		u.toTask(next)
	}
}

// toTask goes to the session of a task.
func (u *ui) toTask(t *Task) {
	c := u.taskSession(t)
	if c == nil {
		return
	}
	u.overlay, u.follow = noOverlay, false
	if i := slices.Index(u.listed, c); i >= 0 {
		u.list.choose(i, 1)
	}
	u.ladder.home()
}

// showAnswer gives the answer to the task, and goes on.
func (u *ui) showAnswer() {
	t := u.task()
	if t == nil {
		u.answerTask() // which says why not
		return
	}
	all := u.taskEvents(t)
	if len(all) == 0 {
		u.say(notice, "the session of this lesson has not got that far yet")
		return
	}
	u.lesson.right = true
	said := wiref("→ it was #%d. ", all[0].Seq)
	if t.Find == "" {
		said = wiref("→ it was %s, in #%d. ", t.valueOf(all[0]), all[0].Seq)
	}
	u.visit(u.taskSession(t), all[0].Seq)
	u.nextTask(said)
}

// lessonLines are the task, below what became of the one before.
func (u *ui) lessonLines(width int) (out []line) {
	l, style := &u.lesson, u.theme.good
	if !l.right {
		style = u.theme.warning
	}
	if l.said != "" {
		out = append(out, line{{" " + l.said, style}}.wrap(width, 3)...)
	}
	t := u.task()
	if t == nil {
		said := wiref(" That was all: %d of %d right at the first try. Look around (? lists the keys), or q leaves.", l.sure, len(u.options.Tasks))
		return append(out, line{{said, u.theme.strong}}.wrap(width, 1)...)
	}
	out = append(out, line{{" " + wire(t.Text), u.theme.text}}.wrap(width, 1)...)
	how := "  L: this one"
	if t.Find == "" {
		how = "  L: answer"
	}
	return append(out, line{{" " + wire(t.Ask), u.theme.strong}, {wire(how + "  V: show it"), u.theme.faint}}.wrap(width, 1)...)
}

// lessonCaption says which task it is.
func (u *ui) lessonCaption(int) line {
	t := u.task()
	if t == nil {
		return line{{"Lesson · done", u.theme.focused}}
	}
	return line{{wiref("Lesson %d of %d · %s", u.lesson.at+1, len(u.options.Tasks), t.Lesson), u.theme.focused}, {wiref(" · session %d", t.Session), u.theme.faint}}
}

// drawLesson draws the lesson below the panes.
func (u *ui) drawLesson(screen tcell.Screen) {
	at := u.plan.lesson
	if at.h == 0 {
		return
	}
	p := pane{rect: at, caption: u.lessonCaption}
	p.drawTitle(screen, &u.theme, true)
	for i, l := range u.lessonLines(at.w - 1) {
		if i < at.h-1 {
			l.put(screen, at.x, at.y+1+i, at.w, asIs)
		}
	}
}

// CheckTasks says what is wrong with tasks: each has to have an answer among the events.
func CheckTasks(tasks []Task, log *session.Log, compile func(string) (func(*session.Event) bool, error)) error {
	u := newUI(Options{Log: log, Tasks: tasks, CompileFilter: compile}, true, time.Now)
	feed := &inspect.Feed{Log: log}
	for at := 0; ; {
		var b inspect.Batch
		if b, at = feed.Pull(at, inspect.Filter{}); len(b.Items) == 0 {
			break
		}
		for _, it := range b.Items {
			u.model.Add(it.Index, it.Event, it.Shown)
		}
	}
	for i := range tasks {
		t := &tasks[i]
		switch all := u.taskEvents(t); {
		case t.Find == "" && (t.Of == "" || t.Value == "") || t.Find != "" && t.Of != "":
			return fmt.Errorf("%q: want either find, or of and value", t.Ask)
		case len(all) == 0:
			return fmt.Errorf("%q: no event of session %d is the answer", t.Ask, t.Session)
		case t.Find == "" && t.valueOf(all[0]) == "":
			return fmt.Errorf("%q: #%d of session %d has no %s", t.Ask, all[0].Seq, t.Session, t.Value)
		}
	}
	return nil
}
