package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"xmppscope/capture"
	"xmppscope/session"
	"xmppscope/viewer"
)

// state gives the test a state folder of its own.
func state(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	return filepath.Join(dir, "xmppscope")
}

func logOf(t *testing.T, sessions ...int) *session.Log {
	t.Helper()
	log := session.NewLog()
	t.Cleanup(func() { log.Close() })
	for _, id := range sessions {
		e := session.Event{
			Seen: session.Seen{Session: id, Seq: 1, At: time.Now(), Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamElement{}, Name: "iq", Raw: []byte("<iq/>"), Size: 5},
			Said: session.Said{Done: true, Summary: "asks"},
		}
		log.Append(e)
	}
	return log
}

// TestRecoveryKeepsWhatNobodyWasAskedAbout, for its owner alone, and offers it once.
func TestRecoveryKeepsWhatNobodyWasAskedAbout(t *testing.T) {
	dir := state(t)
	l := &live{log: logOf(t, 1, 2, 3), recovery: openRecovery(false)}
	l.inspect.ending = viewer.Ending{Unsaved: []int{1, 3}}
	l.keepUnsaved()
	files := l.recovery.files()
	if len(files) != 1 || filepath.Dir(files[0]) != dir {
		t.Fatalf("kept in %v", files)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]os.FileMode{dir: 0o700, files[0]: 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
			}
		}
	}
	var got []int
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := capture.Read(f, func(e session.Event) error { got = append(got, e.Session); return nil }); err != nil || len(got) != 2 || got[0] != 1 || got[1] != 3 {
		t.Errorf("sessions %v, %v", got, err)
	}

	left := openRecovery(false).left()
	if len(left) != 1 || !strings.Contains(strings.Join(left[0].Lines, "\n"), dir) {
		t.Fatalf("offered: %+v", left)
	}
	if _, err := os.Stat(files[0]); err != nil {
		t.Errorf("its path was printed, and is no more: %v", err)
	}
	if again := openRecovery(false).left(); len(again) != 0 {
		t.Errorf("offered again: %+v", again)
	}
	there := filepath.Join(t.TempDir(), "there.pcapng")
	os.WriteFile(there, nil, 0o600)
	for _, bad := range []string{"", there, "x.txt", filepath.Join(dir, "no", "x.pcapng")} {
		if err := left[0].Keep(bad); err == nil {
			t.Errorf("kept as %q", bad)
		}
	}
	kept := filepath.Join(t.TempDir(), "kept.pcapng")
	if err := left[0].Keep(kept); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is still there", left)
	}
	if _, err := os.Stat(kept); err != nil || len(openRecovery(false).files()) != 0 {
		t.Errorf("kept: %v", err)
	}
}

// TestRecoveryGoes when it is declined, and after a week.
func TestRecoveryGoes(t *testing.T) {
	dir := state(t)
	log := logOf(t, 1)
	r := openRecovery(false)
	r.keep(log, viewer.Ending{Unsaved: []int{1}}, time.Now())
	if err := r.left()[0].Drop(); err != nil || len(r.files()) != 0 {
		t.Errorf("declined: %v, %v", err, r.files())
	}
	old, err := r.keep(log, viewer.Ending{Unsaved: []int{1}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "notes.pcapng")
	os.WriteFile(other, nil, 0o600)
	for age, want := range map[time.Duration]int{6 * 24 * time.Hour: 1, 8 * 24 * time.Hour: 0} {
		if want == 0 {
			then := time.Now().Add(-age)
			os.Chtimes(old, then, then)
			os.Chtimes(other, then, then)
		}
		if got := openRecovery(false).files(); want == 0 && len(got) != 0 {
			t.Errorf("after %v there are %v", age, got)
		}
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("what is not ours went too")
	}
}

// TestNoRecovery keeps nothing, offers nothing, and makes no folder.
func TestNoRecovery(t *testing.T) {
	dir := state(t)
	l := &live{log: logOf(t, 1), recovery: openRecovery(true)}
	l.inspect.ending = viewer.Ending{Unsaved: []int{1}}
	l.keepUnsaved()
	if _, err := os.Stat(dir); err == nil || l.recovery.left() != nil {
		t.Errorf("there is %s", dir)
	}
}

// TestBoard: what is said while the inspector has the screen is printed when it is gone.
func TestBoard(t *testing.T) {
	var out strings.Builder
	b := board{to: &out}
	end := b.begin()
	b.say("disk full: %s", "\x1b[2J")
	if got := b.told(); len(got) != 1 || got[0] != "disk full: ␛[2J" {
		t.Errorf("told %q", got)
	}
	if out.Len() != 0 {
		t.Errorf("written over the screen: %q", out.String())
	}
	end()
	b.say("later")
	if out.String() != "disk full: ␛[2J\nlater\n" {
		t.Errorf("printed %q", out.String())
	}
}
