package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"xmppscope/session"
)

// TestPatient: a read that nothing comes of is given up when that is asked for, and
// what had come is there.
func TestPatient(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	idle := 0
	p := &patient{ctx: ctx, r: r, idle: func() { idle++ }, came: make(chan came, 1)}
	go w.Write([]byte("abc"))
	got := make([]byte, 2)
	for _, want := range []string{"ab", "c"} {
		if n, err := p.Read(got); string(got[:n]) != want || err != nil {
			t.Fatalf("%q, %v, want %q", got[:n], err, want)
		}
	}
	stop()
	if n, err := p.Read(got); n != 0 || err != errEnough {
		t.Errorf("%d bytes, %v", n, err)
	}
	if idle != 2 {
		t.Errorf("%d waits, want 2", idle)
	}
}

// TestReadingStops: what the inspector shows comes in while a file is read, and
// stays when the reading is stopped.
func TestReadingStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.pcap")
	capture := longCapture(t)
	if err := os.WriteFile(path, capture, 0o600); err != nil {
		t.Fatal(err)
	}
	log := session.NewLog()
	defer log.Close()
	r := read(t.Context(), new(inputFlags), []string{path}, log, false)
	log.Since(t.Context(), 0) // the first have come
	if s := r.state(); s.Going && !strings.HasSuffix(s.Where, fmt.Sprintf(" %% of %.1f MB", float64(len(capture))/1e6)) {
		t.Errorf("while it is read: %+v", s)
	}
	r.wait()
	switch s := r.state(); {
	case r.failed == nil: // it was faster
	case !s.Stopped || s.Going || !strings.Contains(s.Problem, "reading was stopped at"):
		t.Errorf("when it was stopped: %+v", s)
	}
	if r.empty || r.fruitless() {
		t.Error("nothing was read")
	}
}

// TestReadingFails: a file that cannot be read brings its error at once, and
// nothing to look at.
func TestReadingFails(t *testing.T) {
	log := session.NewLog()
	defer log.Close()
	r := read(t.Context(), new(inputFlags), []string{filepath.Join(t.TempDir(), "none.pcap")}, log, false)
	<-r.done
	var usage usageError
	if !r.fruitless() || !errors.As(r.failed, &usage) {
		t.Errorf("fruitless %v, error %v", r.fruitless(), r.failed)
	}
	if s := r.state(); s.Going || s.Stopped || !strings.Contains(s.Problem, "none.pcap") {
		t.Errorf("%+v", s)
	}
}

// TestStopped: only an interruption is told what became of what was read.
func TestStopped(t *testing.T) {
	err := fmt.Errorf("disk full")
	if got := stopped(err, "it is gone"); got != err {
		t.Errorf("%v", got)
	}
	i := &interruption{"big.pcap", "34 % of 812.0 MB", 1}
	const want = "big.pcap: reading was stopped at 34 % of 812.0 MB, after 1 event; it is printed"
	if got := stopped(i, "it is printed"); got.Error() != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestOpenHoldsPasswordsAgainstRecordings: --password-file does in the inspector what it
// does when the recording is printed.
func TestOpenHoldsPasswordsAgainstRecordings(t *testing.T) {
	dir := t.TempDir()
	if out, err := scope(t, dir, "demo", "--plain", "--scenario", "badpw", "--reveal", "--save", "bad.jsonl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte("made up\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, flags := new(openFlags), pflag.NewFlagSet("", 0)
	o.add(flags)
	o.in.add(flags)
	if err := flags.Parse(strings.Fields("open --password-file alice@xmpp.example=" + file)); err != nil {
		t.Fatal(err)
	}
	log := session.NewLog()
	defer log.Close()
	r := read(t.Context(), &o.in, []string{filepath.Join(dir, "bad.jsonl")}, log, false)
	<-r.done
	r.wait()
	events, _ := log.Read(0)
	proofs := 0
	for _, e := range events {
		for _, n := range e.Notes {
			if n.Name == "proof-check" && n.Value == "does not fit" {
				proofs++
			}
		}
	}
	if proofs != 1 || len(o.in.who.unused()) != 0 {
		t.Errorf("%d proofs were checked, %v: %q", proofs, r.failed, o.in.who.unused())
	}
}

// TestWhatPassesOnce is asked about when the inspector is left: a pipe, not a file.
func TestWhatPassesOnce(t *testing.T) {
	stdin := os.Stdin
	t.Cleanup(func() { os.Stdin = stdin })
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	for want, in := range map[bool]*os.File{true: read, false: file} {
		if os.Stdin = in; passesOnce("-") != want {
			t.Errorf("%s: passes once %v", in.Name(), !want)
		}
	}
	if passesOnce(path) || passesOnce(path+".none") {
		t.Error("a file passes once")
	}
}
