package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/internal/inspect"
	"xmppscope/session"
	"xmppscope/viewer"
)

// toStdout is the --save that goes to standard output, as pcapng.
const toStdout = "-"

// saveHelp is what xmppscope help save says.
const saveHelp = `--save FILE records all sessions, in the format of FILE's extension (xmppscope help
export lists them). It can be repeated: --save login.pcapng --save login.html.

--save - writes pcapng to standard output as it happens; events are then printed
on standard error:

  xmppscope --plain --save - | wireshark -k -i -

Each packet is there at once. (What is written to a pipe has blocks of a type of its
own for the explanations: Wireshark would be late by a packet for each of the usual
ones. xmppscope reads both.)

What is on disk when: each event is handed to the system when it has been explained,
and what the system has taken survives even kill -9 (a crash of the whole machine may
still cost what it had not written out). What has been seen and waits to be explained
for more than about half a second lies in FILE.unexplained (beside the first FILE that
can be opened again; readable by you alone, secrets in the clear): it is gone after an
orderly end, and after another one xmppscope open FILE explains it and goes on; of a
long session over WebSocket or BOSH, or a compressed one, it tells how much is missing.
A .pcapng keeps the newest packet of a session back for 50 ms, for the explanation
beside it, and a TLS handshake until it has ended. In a .html or .md, what stands on top
is drawn anew every 50 ms. All files open at any time, up to their last whole event.

At the end all that was seen is explained and saved first; how far it is is told each
second. A second Ctrl-C ends that, with exit code 1; SIGTERM ends it after --drain.

--save-rotate 100MB,1h goes on in another file when one has 100 MB or is an hour
old: login-00001.pcapng, login-00002.pcapng and so on. Each opens alone: it repeats
the connections, TLS keys and login steps of the sessions that are under way. A file
has its name from when that is in it; .unfinished is one whose run was killed before,
and holds nothing that no other file has. Standard output is never rotated. What
Wireshark cannot do is decrypt a leg whose handshake lies in an earlier file: look
at the interface "decoded" there.

What is saved nowhere is asked about when the inspector is left. Where nobody can be
asked (a closed terminal, SIGTERM), it is kept for a week in ~/.local/state/xmppscope
(below XDG_STATE_HOME where that is set), with secrets, readable by you alone: the path
is printed, and the next start offers it once. --no-recovery keeps nothing.

.pcapng, .pcap and .keylog hold secrets; all files are readable by you alone. With
--redact they are blanked there too, with --pseudonymise names and texts as well.`

// newSaveHelp is a help topic, not a command.
func newSaveHelp() *cobra.Command {
	return &cobra.Command{Use: "save", Short: "what --save keeps, and when", Long: saveHelp}
}

// openFiles makes the files of --save ready.
func (l *live) openFiles() error {
	options, err := l.share.options(l.out.reveal)
	if err != nil {
		return err
	}
	var rotate capture.Rotate
	if l.rotate != "" {
		if rotate, err = capture.ParseRotate(l.rotate); err != nil {
			return usageError{hinted{err, "see xmppscope help save"}}
		}
		if !slices.ContainsFunc(l.saves, func(path string) bool { return path != toStdout }) {
			return usageError{hinted{errors.New("--save-rotate goes on in further files, and no --save names one"), "add --save FILE, such as --save login.pcapng; standard output is never rotated"}}
		}
	}
	if first := slices.Index(l.saves, toStdout); first >= 0 && slices.Contains(l.saves[first+1:], toStdout) {
		return usageError{errors.New("--save - is there twice: standard output takes one capture")}
	}
	for _, path := range l.saves {
		var f *capture.File
		if path == toStdout {
			f, err = l.openStdout(options)
		} else {
			f, err = capture.CreateRotating(path, l.replace, options, rotate)
		}
		if err != nil {
			return usageError{err}
		}
		l.files = append(l.files, f)
		l.savers = append(l.savers, &follower{doing: "saving " + f.Path(), written: f.Written, patient: f != l.piped, keeps: f != l.piped})
		if err := l.keepBeside(path, f.Format()); err != nil {
			return err
		}
		if f.Secrets() {
			name, reader := path, "it is readable by you alone"
			if path == toStdout {
				name, reader = "standard output", "whoever reads it has them"
			}
			say(os.Stderr, "%s will hold secrets (passwords, keys); %s: think before you share it", name, reader)
		}
	}
	return nil
}

// keepBeside has what a crash must not lose kept beside the first recording that can be
// read back.
func (l *live) keepBeside(path string, format capture.Format) error {
	if l.unexplained != "" || path == toStdout || format.Read == nil {
		return nil
	}
	name := path + session.UnexplainedExt
	if _, err := os.Lstat(name); err == nil {
		if !l.replace {
			return usageError{hinted{fmt.Errorf("%s is there: the run that wrote it did not come to its end", name), fmt.Sprintf("xmppscope open %s shows what is in it; then remove it, or use --overwrite", path)}}
		}
		if err := os.Remove(name); err != nil {
			return usageError{err}
		}
	}
	l.unexplained = name
	return nil
}

// saving tells how the files of --save stand. It asks none of them for its path, since
// that may wait for the disk.
func (l *live) saving() (out []string) {
	for i, f := range l.files {
		switch path, by := l.saves[i], l.savers[i]; {
		case by.failed.Load() != nil:
			failed := by.failed.Load()
			out = append(out, fmt.Sprintf("%s: saving stopped at %s: %s; the first %s of %s are in it", path, failed.at.Format("15:04:05"), failed.why, inspect.Number(int(by.taken.Load())), inspect.Count(l.log.Len(), "event")))
		case path == toStdout:
			out = append(out, fmt.Sprintf("standard output gets the packets: %d bytes so far", f.Written()))
		case l.rotate != "":
			out = append(out, fmt.Sprintf("%s is being written, in numbered files: %d bytes in the newest", path, f.Written()))
		default:
			out = append(out, fmt.Sprintf("%s is being written: %d bytes so far", path, f.Written()))
		}
	}
	return out
}

// saveStates is saving for the inspector's first line.
func (l *live) saveStates() (out []viewer.Save) {
	for i, f := range l.files {
		by := l.savers[i]
		s := viewer.Save{
			Name: filepath.Base(l.saves[i]), Keeps: f.Format().Read != nil && f != l.piped,
			Bytes: f.Written(), Events: int(by.taken.Load()),
		}
		if f == l.piped {
			s.Name = "standard output"
		}
		if failed := by.failed.Load(); failed != nil {
			s.Problem, s.At = failed.why, failed.at
		}
		out = append(out, s)
	}
	return out
}

// openStdout takes standard output for a capture, if it is not the screen.
func (l *live) openStdout(o capture.Options) (*capture.File, error) {
	if isTerminal(os.Stdout) {
		return nil, hinted{errors.New("--save - writes packets to standard output, which is a terminal"), "pipe it: xmppscope --plain --save - | wireshark -k -i -"}
	}
	o.Piped = true
	var err error
	l.piped, err = capture.Attach(os.Stdout, "standard output.pcapng", o)
	return l.piped, err
}

// printTo is where events are printed: standard output, unless it is a capture.
func (l *live) printTo() *os.File {
	if l.piped != nil {
		return os.Stderr
	}
	return os.Stdout
}

func (l *live) printName() string {
	if l.piped != nil {
		return "standard error"
	}
	return "standard output"
}

// save writes events to a file until the log ends. When the file fails the rest
// of the run goes on without it.
func (l *live) save(by *follower, f *capture.File) error {
	err := l.pull(by, f.WriteAll, func() error {
		if !l.log.Ended() { // a wake-up and a write for each few events would cost the wire more than they do
			time.Sleep(gatherTime)
		}
		return nil
	})
	if err != nil {
		by.failed.Store(&failure{rootOf(err), time.Now()})
	}
	switch {
	case err == nil:
		if err = f.Close(); err == nil && f != l.piped {
			l.inspect.wrote("saved to %s", f.Path())
		}
		return err
	case f == l.piped && errors.Is(err, syscall.EPIPE): // Wireshark was closed
		l.board.say("standard output was closed: nothing more is saved there; the sessions go on")
		f.Close()
		return nil
	}
	l.board.say("%s: nothing more is saved there; the sessions go on", inWords(err))
	f.Close()
	return errSaid
}

// rootOf is the cause of an error, without what it happened to.
func rootOf(err error) string {
	for {
		next := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			next = joined.Unwrap()[0] // the others came of it
		}
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

func (l *live) closeFiles() {
	for _, f := range l.files {
		f.Close()
	}
}
