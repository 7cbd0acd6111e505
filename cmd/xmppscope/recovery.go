package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"xmppscope/capture"
	"xmppscope/internal/inspect"
	"xmppscope/internal/ownership"
	"xmppscope/session"
	"xmppscope/viewer"
)

// What the inspector showed and nobody saved, because nobody could be asked (a closed
// terminal, SIGTERM, a failure of ours), is kept in a file for a week, and offered once.
// That it was says an empty file beside it: its own name has been printed, and stays.

const (
	recoveryName  = "unsaved-" // before the time
	recoveryExt   = ".pcapng"
	offeredExt    = ".offered" // of the empty file
	recoveryStays = 7 * 24 * time.Hour
)

// stateDir is the folder for what outlives a run and is no configuration.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "xmppscope"), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		dir, err := os.UserConfigDir()
		return filepath.Join(dir, "xmppscope", "state"), err
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "xmppscope"), err
}

// recovery is the folder of such files; with "" nothing is kept and nothing offered.
type recovery struct{ dir string }

func addNoRecovery(f *pflag.FlagSet, off *bool) {
	f.BoolVar(off, "no-recovery", false, "keep nothing that is saved nowhere when nobody can be asked, and offer nothing that an earlier run has kept")
}

// openRecovery finds the folder, and removes from it what is older than a week.
func openRecovery(off bool) recovery {
	dir, err := stateDir()
	if off || err != nil {
		return recovery{}
	}
	r := recovery{dir}
	for _, path := range r.files() {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > recoveryStays {
			forget(path)
		}
	}
	return r
}

// forget removes such a file, and what says that it was offered.
func forget(path string) error {
	os.Remove(path + offeredExt)
	return os.Remove(path)
}

// files are those that are there, the oldest first.
func (r recovery) files() (out []string) {
	if r.dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(r.dir) // which may not be there yet
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasPrefix(e.Name(), recoveryName) && strings.HasSuffix(e.Name(), recoveryExt) {
			out = append(out, filepath.Join(r.dir, e.Name()))
		}
	}
	return out
}

// left is what the inspector offers; it is offered this once.
func (r recovery) left() (out []viewer.Left) {
	for _, path := range r.files() {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		offered, err := os.OpenFile(path+offeredExt, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) { // it was offered already
			continue
		}
		offered.Close() // a mark that cannot be made is no reason to keep silent
		out = append(out, viewer.Left{
			Name: "xmppscope-" + strings.TrimPrefix(filepath.Base(path), recoveryName),
			Lines: []string{
				fmt.Sprintf("that run was cut off on %s and could not ask; %s", info.ModTime().Format("2 January at 15:04"), inspect.Amount(info.Size())),
				"they are in " + path,
				"to look at them: xmppscope open FILE, in another terminal",
			},
			Keep: func(to string) error { return moveNew(path, fromHome(to)) },
			Drop: func() error { return forget(path) },
		})
	}
	return out
}

// moveNew moves a file to where there is none.
func moveNew(from, to string) error {
	switch _, err := os.Lstat(to); {
	case to == "":
		return errors.New("no file was named")
	case err == nil:
		return fmt.Errorf("%s is there already: choose another name", to)
	case !strings.EqualFold(filepath.Ext(to), recoveryExt):
		return fmt.Errorf("%s: want a name that ends in %s", to, recoveryExt)
	case !errors.Is(err, fs.ErrNotExist):
		return errors.New(inWords(err))
	}
	if os.Rename(from, to) == nil {
		os.Remove(from + offeredExt)
		return nil
	}
	content, err := os.ReadFile(from) // another file system
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		return errors.New(inWords(err))
	}
	return forget(from)
}

// keep writes the sessions that an inspector has left unsaved to a file, with what was said
// of their events, and tells which file it is.
func (r recovery) keep(log *session.Log, left viewer.Ending, now time.Time) (string, error) {
	if err := ownership.MakePrivate(r.dir); err != nil {
		return "", err
	}
	path := filepath.Join(r.dir, fmt.Sprintf("%s%s-%d%s", recoveryName, now.Format("20060102-150405"), os.Getpid(), recoveryExt))
	o := captureOptions(true)
	o.Packets = true
	f, err := capture.CreateWhole(path, false, o)
	if err != nil {
		return "", err
	}
	for at := 0; err == nil; {
		events, next := log.Read(at)
		if len(events) == 0 {
			break
		}
		var kept []session.Event // events are shared
		for i := range events {
			if e := events[i]; slices.Contains(left.Unsaved, e.Session) {
				if left.Annotated != nil {
					e = left.Annotated(e)
				}
				kept = append(kept, e)
			}
		}
		err, at = f.WriteAll(kept), next
	}
	if err != nil {
		f.Discard()
		return "", err
	}
	return path, f.Close()
}

// keepUnsaved keeps what the inspector has left unsaved, and says where.
func (l *live) keepUnsaved() { l.recovery.keepAndSay(l.log, l.inspect.ending) }

// keepAndSay keeps the sessions that are saved nowhere, if there are any, and says where.
func (r recovery) keepAndSay(log *session.Log, ending viewer.Ending) {
	unsaved := ending.Unsaved
	if len(unsaved) == 0 {
		return
	}
	said := session.Plural(len(unsaved), "session") + " saved nowhere"
	if r.dir == "" {
		say(os.Stderr, "%s: gone, as --no-recovery wants it", said)
		return
	}
	path, err := r.keep(log, ending, time.Now())
	if err != nil {
		say(os.Stderr, "%s, and they could not be kept: %s", said, inWords(err))
		return
	}
	say(os.Stderr, "%s: kept for a week in %s, which holds secrets and is readable by you alone", said, path)
	say(os.Stderr, "hint: xmppscope open %s", path)
}
