package viewer

import (
	"strings"

	"github.com/gdamore/tcell/v2"
)

// Reading is a file, or a pipe, that is read into the Log while that is looked at.
// The zero value says that nothing is. Both functions may be called from any
// goroutine and return at once.
type Reading struct {
	State func() ReadingState
	// Stop ends the reading; what was read stays.
	Stop func()
}

// ReadingState is how far a reading has come.
type ReadingState struct {
	Going   bool
	Stopped bool     // by Stop, before its end
	Where   string   // "34 % of 812.0 MB"
	Problem string   // why it ended before its end, "" if it did not
	Said    []string // what the person should know of what was read, in lines
	Opened  []string // what is read, for the start screen; it stands in place of Options.Start
}

// reading is how far the reading has come.
func (u *ui) reading() ReadingState {
	if u.options.Reading.State == nil {
		return ReadingState{}
	}
	return u.options.Reading.State()
}

// live says whether sessions come in now.
func (u *ui) live() bool {
	return u.options.Live && (u.options.Reading.State == nil || u.reading().Going)
}

// readingMode is the flag about the reading, on the first line.
func (u *ui) readingMode() (clean, tcell.Style) {
	switch r := u.reading(); {
	case r.Going && !u.interrupted:
		return wiref(" READING %s ", r.Where), u.theme.notice.Reverse(true)
	case u.interrupted && (r.Going || r.Stopped):
		return wiref(" STOPPED AT %s ", r.Where), u.theme.warning.Reverse(true)
	case r.Problem != "":
		return " CUT OFF ", u.theme.failure.Reverse(true)
	}
	return "", u.theme.text
}

// hear shows what was said of the reading since it was asked last; welcome does at the
// end.
func (u *ui) hear() {
	r := u.reading()
	said := r.Said
	if !r.Going {
		return
	}
	if fresh := said[min(u.heard, len(said)):]; len(fresh) > 0 {
		u.say(notice, "%s", strings.Join(fresh, "; "))
	}
	u.heard = len(said)
}
