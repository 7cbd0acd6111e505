package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/capture"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestWiresharkReadsPipe: what --save - writes goes into a packet reader as it is,
// and is decrypted there.
func TestWiresharkReadsPipe(t *testing.T) {
	xmpptest.Need(t, "tshark")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	scope := exec.Command(exe)
	scope.Args = []string{"xmppscope", "demo", "--plain", "--save", "-"} // see TestMain
	scope.Dir, scope.Env = dir, []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	shark := exec.Command("tshark", "-n", "-r", "-", "-Y", "xmpp", "-T", "fields", "-e", "frame.interface_name", "-e", "_ws.col.Info")
	var text, problems, packets bytes.Buffer
	scope.Stderr, shark.Stderr, shark.Stdout = &text, &problems, &packets
	if shark.Stdin, err = scope.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := scope.Start(); err != nil {
		t.Fatal(err)
	}
	sharkErr := shark.Run()
	if err := scope.Wait(); err != nil || sharkErr != nil {
		t.Fatalf("%v, %v\n%s\n%s", err, sharkErr, text.String(), problems.String())
	}
	if !strings.Contains(text.String(), "step 18 session-result") {
		t.Errorf("standard error has no events:\n%s", text.String())
	}
	for _, leg := range []string{"client-leg", "server-leg", "decoded"} {
		if !strings.Contains(packets.String(), leg+"\tAUTH") {
			t.Errorf("no login on %s:\n%s", leg, packets.String())
		}
	}
}

// TestEveryTranscriptComesBack: what is written of any dialogue can be read again,
// in each format that can be read.
func TestEveryTranscriptComesBack(t *testing.T) {
	dir := t.TempDir()
	same := cmp.Options{
		cmp.Comparer(bytes.Equal),
		cmp.Comparer(func(a, b session.Span) bool { return a == b || a.Len() == 0 && b.Len() == 0 }), // an empty one points nowhere
	}
	huntingGround(t, func(name string, events []session.Event) {
		var blanked []session.Event
		for _, e := range events {
			blanked = append(blanked, session.Blank(e))
		}
		for _, f := range capture.Formats() {
			if f.Read == nil {
				continue
			}
			for _, clear := range []bool{true, false} {
				want := events
				if !clear {
					want = blanked
				}
				o := captureOptions(clear && !f.Secrets)
				o.Redact = !clear
				written(t, dir, f.Ext, o, events)
				var got []session.Event
				err := new(inputFlags).read(t.Context(), []string{filepath.Join(dir, "x"+f.Ext)}, func(e session.Event) error {
					got = append(got, e)
					return nil
				})
				if diff := cmp.Diff(want, got, same); err != nil || diff != "" {
					t.Errorf("%s, %s, in the clear %v: %v (-written +read)\n%.1500s", name, f.Ext, clear, err, diff)
				}
			}
		}
	})
}

// TestReportsOfEveryTranscript: the documents for people can be made of anything,
// and name each session and its steps.
func TestReportsOfEveryTranscript(t *testing.T) {
	dir := t.TempDir()
	huntingGround(t, func(name string, events []session.Event) {
		last := ""
		for _, e := range events {
			if e.Step != nil {
				last = e.Step.ID
			}
		}
		for _, f := range capture.Formats() {
			if f.Read != nil || f.Wire {
				continue
			}
			file := string(written(t, dir, f.Ext, captureOptions(false), events)[0])
			if !strings.Contains(strings.ToLower(file), "session 1") || !strings.Contains(file, last) {
				t.Errorf("%s: the %s does not name %q:\n%.500s", name, f.Ext, last, file)
			}
		}
	})
}
