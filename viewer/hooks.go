package viewer

import (
	"context"
	"errors"
	"iter"
	"time"

	"xmppscope/session"
)

// Hooks are what the inspector can do beyond looking, given by whoever knows how.
// Each may be nil: then its key says that it is not available. All but Files and Ended are
// called in goroutines of their own, and get the events as the Log has them:
// secrets in the clear, unless they were saved without. When the inspector is
// left the events end.
type Hooks struct {
	// Formats are the kinds of file that Export writes. Those that can be opened again are
	// offered first.
	Formats []Format
	// Export writes events to a file, whose extension says the format. The error is
	// for the person, who is asked again; it is ErrExists if the file is there and
	// is not to be replaced. ctx is done when the events end too soon.
	Export func(ctx context.Context, path string, o ExportOptions, events iter.Seq[session.Event]) error
	// Verify keeps an account's password for the rest of the run, and holds the
	// events of one session against it. It must never be written anywhere.
	Verify func(jid, password string, events iter.Seq[session.Event]) Check
	// Diff compares two sessions. What it returns lays out what differs for a width in
	// columns, as often as it is asked, and holds no secret.
	Diff func(a, b []session.Event) func(width int) []DiffLine
	// Files tells, a line each, which files are being written and which have been
	// exported. It is called while the screen is drawn, so it must not wait for a disk.
	Files func() []string
	// Saves tells how the files stand that everything is being saved to; nil: none is.
	// It is called while the screen is drawn, so it must not wait for a disk.
	Saves func() []Save
	// Told is what was said, a line each, while the inspector had the screen. As Saves.
	Told func() []string
	// CommandLine is what prints one event, for a shell; "" if it lies in no file.
	CommandLine func(session int, seq uint64) string
	// Lend is told when the terminal is lent to another program, and when it is back: what is
	// typed meanwhile, Ctrl-C too, is for that program.
	Lend func(lent bool)
	// Ended is called when the inspector has ended, however it did.
	Ended func(Ending)
}

// Save is a file that everything is being saved to.
type Save struct {
	Name    string
	Keeps   bool      // what was saved there can be opened again
	Bytes   int64     // so far
	Events  int       // index of the Log below which all events are in it
	Problem string    // why saving has stopped, "" while it goes on
	At      time.Time // when it has
}

// Ending is what the inspector leaves.
type Ending struct {
	Sessions []session.Overview // all that it has seen
	// Unsaved are those of them, by their numbers, that lie in no file and whose loss
	// the person has not agreed to: nobody could be asked.
	Unsaved []int
	// Annotated is an event with what the person has said of it.
	Annotated func(session.Event) session.Event
}

// Left is what an earlier run has kept because nobody could be asked.
type Left struct {
	Lines []string                // what it is and where
	Name  string                  // a file to propose
	Keep  func(path string) error // moves it there
	Drop  func() error            // deletes it
}

// DiffLine is one line of a comparison.
type DiffLine struct {
	Text string
	Kind DiffKind
	A, B uint64 // the event of each session that it is about; 0 for none
}

// DiffKind says what a line of a comparison is, for its colour.
type DiffKind uint8

// The kinds of lines.
const (
	DiffPlain DiffKind = iota
	DiffHead           // what made the difference
	DiffStep           // a step in which something differs
	DiffA              // what the first session alone has
	DiffB              // what the second session alone has
	DiffFaint          // what does not matter
)

// ExportOptions say what an export is to hold. Without any, secrets are blanked but in
// formats that hold them by nature, and a file that is not empty stays.
type ExportOptions struct {
	Reveal       bool // keep secrets in a format that would blank them
	Redact       bool // blank them in one that would hold them
	Pseudonymise bool // replace names, addresses and texts; secrets are blanked, too
	Replace      bool // the file, if it is there
}

// ErrExists is in the error of an export that would have replaced a file.
var ErrExists = errors.New("exists and is not empty")

// Format is a kind of file that can be exported to.
type Format struct {
	Ext     string // with its dot: ".xml"
	Title   string // a few words
	Secrets bool   // holds secrets by nature
	Opens   bool   // can be opened again
}

// Check is what came of holding a session against a password.
type Check struct {
	Proofs []Proof
	// Why says why there are no Proofs; "" if there are some.
	Why string
	// Verdict and Advice are those on the session with the password known; "" if
	// there is none.
	Verdict, Advice string
	// Told says that the Log has them now.
	Told bool
}

// Proof is what one message says when it is held against a password.
type Proof struct {
	Seq  uint64        // of the event
	Step *session.Step // that it stands on; may be nil
	Note session.Note  // Value "fits" or what it does instead, Text in words
}
