package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"xmppscope/capture"
	"xmppscope/decode"
	"xmppscope/decode/compare"
	"xmppscope/internal/attach"
	"xmppscope/session"
	"xmppscope/viewer"
)

// inspection is what the inspector can do beyond looking, on a live run and on
// opened files alike: check passwords, write files, tell at the end how it went.
type inspection struct {
	accounts accounts
	book     session.Book
	shared   decode.Run           // what the sessions know of each other
	log      *session.Log         // where a verdict goes that a password has changed; nil: nowhere
	inUse    []string             // files that are being read or written
	saving   func() []string      // what is being saved, in words; nil: nothing
	saves    func() []viewer.Save // the same in figures
	board    *board               // what was said meanwhile; nil: nothing is kept there

	mu     sync.Mutex
	saved  []string // the files that were written, in words; guarded by mu
	ending viewer.Ending
}

// hooks are what the inspector calls.
func (i *inspection) hooks() viewer.Hooks {
	h := viewer.Hooks{
		Export: i.export, Verify: i.verify,
		Ended: func(e viewer.Ending) { i.ending = e },
		Diff:  compareSessions, Files: i.files, Saves: i.saves, Lend: lendTerminal, CommandLine: i.commandLine,
	}
	if i.board != nil {
		h.Told = i.board.told
	}
	for _, f := range capture.Formats() {
		h.Formats = append(h.Formats, viewer.Format{Ext: f.Ext, Title: f.Title, Secrets: f.Secrets, Opens: f.Read != nil})
	}
	return h
}

// compareSessions is the comparison of diff, for the inspector.
func compareSessions(a, b []session.Event) func(width int) []viewer.DiffLine {
	r := compare.Sessions(a, b, compare.Options{})
	return func(width int) (out []viewer.DiffLine) {
		for _, l := range compare.Render(r, compare.Layout{Width: width, Times: true}) {
			out = append(out, viewer.DiffLine{Text: l.Text, Kind: diffKinds[l.Kind], A: l.A, B: l.B})
		}
		return out
	}
}

var diffKinds = map[compare.LineKind]viewer.DiffKind{
	compare.Plain: viewer.DiffPlain, compare.Headline: viewer.DiffHead, compare.Step: viewer.DiffStep,
	compare.FromA: viewer.DiffA, compare.FromB: viewer.DiffB, compare.Faint: viewer.DiffFaint,
}

// treeOf is the element of a stanza, as it stands in a stream of clients.
func treeOf(raw []byte) *session.Element {
	el, _ := decode.Parse(raw, decode.UsualScope())
	return el
}

// runInspector opens the inspector; instead says what to do where there is no terminal
// for it.
func runInspector(ctx context.Context, o viewer.Options, instead string) error {
	o.Memory = remember()
	err := viewer.Run(ctx, o)
	if t := new(viewer.TerminalError); errors.As(err, &t) {
		return usageError{hinted{err, "set TERM to what your terminal is, such as TERM=xterm-256color, or " + instead}}
	}
	return err
}

// export writes events to a new file. What was begun and failed is taken away
// again, so that the same name can be tried once more.
func (i *inspection) export(ctx context.Context, path string, o viewer.ExportOptions, events iter.Seq[session.Event]) error {
	path = fromHome(path)
	info, err := os.Stat(path)
	_, noFolder := os.Stat(filepath.Dir(path))
	switch {
	case path == "-":
		return errors.New("standard output is the screen: name a file")
	case capture.SameFile(path, i.inUse...):
		return fmt.Errorf("%s is being read or written by this run: choose another name", path)
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder: name a file in it", path)
	case err == nil && info.Size() > 0 && !o.Replace:
		return fmt.Errorf("%s %w: choose another name", path, viewer.ErrExists)
	case noFolder != nil:
		return fmt.Errorf("there is no folder %s", filepath.Dir(path))
	}
	share := captureOptions(o.Reveal)
	share.Redact, share.Pseudonymise, share.Packets = o.Redact || o.Pseudonymise, o.Pseudonymise, true
	f, err := capture.CreateWhole(path, o.Replace, share)
	if err != nil {
		return errors.New(inWords(err))
	}
	n := 0
	for e := range events {
		if err = f.Write(e); err != nil {
			break
		}
		if session.Numbered(e.Body) {
			n++
		}
	}
	if err != nil {
		f.Discard()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	said := fmt.Sprintf("exported %d events to %s", n, path)
	if ctx.Err() != nil {
		said += ", and no more: the inspector was left before all were written"
	}
	i.wrote("%s", said)
	return nil
}

// commandLine is a command that prints one event of the files that are read or written.
func (i *inspection) commandLine(session int, seq uint64) string {
	if len(i.inUse) == 0 {
		return ""
	}
	files := i.inUse
	if i.saves != nil { // each of them has all
		files = files[:1]
	}
	line := "xmppscope print"
	for _, f := range files {
		if f == "-" {
			return ""
		}
		line += " " + shellWord(f)
	}
	return fmt.Sprintf("%s --filter 'session == %d && seq == %d'", line, session, seq)
}

// shellWord is a text that a shell takes as one word, whatever is in it.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-") == "" && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// wrote notes a file for the report.
func (i *inspection) wrote(format string, args ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.saved = append(i.saved, fmt.Sprintf(format, args...))
}

// files tells of those that are being written, and of those that were.
func (i *inspection) files() (out []string) {
	if i.saving != nil {
		out = i.saving()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return append(out, i.saved...)
}

// fromHome is a path in which ~/ is the home folder, as in a shell.
func fromHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	home, err := os.UserHomeDir()
	if !ok || err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

// verify explains a session once more, with the password known. The log keeps the
// events as they were.
func (i *inspection) verify(jid, password string, events iter.Seq[session.Event]) viewer.Check {
	i.accounts.learn(jid, password)
	var out viewer.Check
	var asked []string // accounts whose password was wanted
	redacted, mechanism := false, ""
	var before session.Overview
	verdictAt := uint64(0) // where the one before stands
	judged, legs := session.Note{}, 0
	d := prepared().NewSession(&i.book)
	d.KnowPasswords(func(user, domain string) (string, bool) {
		asked = append(asked, user+"@"+domain)
		return i.accounts.find(user, domain)
	})
	for e := range events {
		redacted = redacted || e.Redacted
		old := before.Verdict
		if before.Apply(&e); before.Verdict != old {
			verdictAt = e.Seq
		}
		switch e.Body.(type) {
		case session.TCPOpened:
			legs++
		case session.TCPClosed:
			legs--
		case session.RelayVerdict:
			continue
		}
		e = d.Explain(e.Seen)
		for k := range e.Notes {
			switch n := e.Notes[k]; {
			case n.Rule == decode.RuleVerify && n.Text != "":
				out.Proofs = append(out.Proofs, viewer.Proof{Seq: e.Seq, Step: e.Step, Note: n})
			case n.Name == session.FieldVerdict:
				out.Verdict, out.Advice, judged = n.Value, n.Text, n
			case n.Name == "mechanism" && e.Dir == session.C2S:
				mechanism = n.Value
			}
		}
	}
	if len(out.Proofs) == 0 {
		out.Verdict, out.Advice = "", "" // nothing new, and worse if secrets are missing
		out.Why = whyUnchecked(jid, redacted, asked, mechanism)
	}
	if out.Verdict != "" && out.Verdict != before.Verdict && before.Ended && legs <= 0 && i.log != nil { // nothing else will have its number
		i.log.Append(session.Event{
			Seen: session.Seen{Session: before.ID, Seq: before.Newest + 1, At: before.Last, Body: session.RelayVerdict{Replaces: verdictAt}},
			Said: session.Said{Done: true, Summary: session.VerdictSummary, Notes: []session.Note{judged}},
		})
		out.Told = true
	}
	return out
}

// whyUnchecked says why a password told nothing about a session.
func whyUnchecked(jid string, redacted bool, asked []string, mechanism string) string {
	for _, other := range asked {
		if !strings.EqualFold(other, jid) {
			return fmt.Sprintf("this session logs in as %s, not as %s", other, jid)
		}
	}
	switch {
	case redacted:
		return "this recording was saved without its secrets, so there is nothing left to hold against a password: record the login to .pcapng, or with --reveal"
	case mechanism == "":
		return "no login was begun in this session"
	case len(asked) == 0:
		return fmt.Sprintf("%s computes nothing from a password, or did not get so far", mechanism)
	}
	return fmt.Sprintf("the login by %s did not get so far that something could be checked", mechanism)
}

// reportedSessions bounds the lines at the end of a run.
const reportedSessions = 20

// report tells at the end how each session went, and which files there are.
func (i *inspection) report(w io.Writer) {
	shown := i.ending.Sessions[max(0, len(i.ending.Sessions)-reportedSessions):]
	if more := len(i.ending.Sessions) - len(shown); more > 0 {
		say(w, "%d sessions before these", more)
	}
	for k := range shown {
		o := &shown[k]
		said := o.Verdict
		switch {
		case said != "":
		case o.Reason != "":
			said = o.State.String() + ": " + o.Reason
		default:
			said = o.State.String()
		}
		say(w, "session %d: %s", o.ID, said)
	}
	for _, said := range i.saved {
		say(w, "%s", said)
	}
}

// openTitle names opened files as briefly as one can tell them by.
func openTitle(paths []string) string {
	title := "xmppscope " + filepath.Base(paths[0])
	if more := len(paths) - 1; more > 0 {
		title += fmt.Sprintf(" +%d", more)
	}
	return title
}

// recording is the inspector's start screen for opened files: which they are.
func recording(files []opened) []string {
	out := []string{"Opened:"}
	for _, f := range files {
		line := "  " + nameOf(f.path)
		if f.path == "-" {
			line += ": packets are shown as they come in"
		} else if attach.IsSocket(f.path) {
			line += ": what a run has seen, and sees"
		} else if info, err := os.Stat(f.path); err == nil {
			line += fmt.Sprintf("   %d bytes, of %s", info.Size(), info.ModTime().Format("2006-01-02 15:04"))
		}
		switch {
		case f.going:
		case f.to < f.from:
			line += ": no session"
		case len(files) == 1:
		case f.to == f.from:
			line += fmt.Sprintf(": session %d", f.from)
		default:
			line += fmt.Sprintf(": sessions %d to %d", f.from, f.to)
		}
		out = append(out, line)
	}
	return out
}
