package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"xmppscope/capture"
	"xmppscope/session"
)

// longCapture is a .pcap of many stanzas: far more than fits into a pipe.
func longCapture(t *testing.T) []byte {
	t.Helper()
	events, size := everyday()
	format, err := capture.ForPath("x.pcap")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := format.New(&out, captureOptions(false))
	if err != nil {
		t.Fatal(err)
	}
	explain := prepared().NewSession(new(session.Book))
	for range 1<<20/size + 1 {
		for _, e := range events {
			if err := w.Write(explain.Explain(e)); err != nil {
				t.Fatal(err)
			}
			if _, header := e.Body.(session.StreamOpened); header {
				events = events[1:] // once
			}
		}
	}
	return out.Bytes()
}

// TestStopReading: Ctrl-C while a capture comes in ends every command at once, with
// a line on how far it came and the exit code 130; what was read is there.
func TestStopReading(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // programs cannot be sent Ctrl-C by others
	}
	long := longCapture(t)
	for _, c := range []struct{ name, args, became, out string }{
		{"print", "print --json -", "it is printed up to there", ""},
		{"export", "export - -o out.jsonl", "out.jsonl holds what was read", "out.jsonl"},
		{"export xml", "export - -o out.xml", "out.xml holds what was read", "out.xml"},
		{"check", "check -", "only what was read before it was checked", ""},
		{"diff", "diff - other.pcap", "nothing was compared", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			var stdout, stderr bytes.Buffer
			cmd := scope(t, dir, strings.Fields(c.args)...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := stdin.Write(long); err != nil { // returns when all but the last was read
				t.Fatal(err)
			}
			cmd.Process.Signal(os.Interrupt)
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitStopped {
				t.Errorf("ended with %v, want code %d", err, exitStopped)
			}
			want := `(?m)^xmppscope: standard input: reading was stopped at [0-9.]+ MB, after [0-9]+ events; ` + regexp.QuoteMeta(c.became) + `$`
			if !regexp.MustCompile(want).Match(stderr.Bytes()) {
				t.Errorf("standard error:\n%s", stderr.String())
			}
			written := stdout.Bytes()
			if c.out != "" {
				if written, err = os.ReadFile(filepath.Join(dir, c.out)); err != nil {
					t.Fatal(err)
				}
			}
			if c.out == "" && c.name != "print" {
				return
			}
			events := 0
			if _, err := capture.Read(bytes.NewReader(written), func(session.Event) error { events++; return nil }); err != nil || events < 100 {
				t.Errorf("%d events come back, error %v", events, err)
			}
		})
	}
}

// scope is this program, in a folder of its own.
func scope(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Args = append([]string{"xmppscope"}, args...) // see TestMain
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	return cmd
}

// TestPrintFollowsPipe: what comes through a pipe is printed when it has come, not
// when the pipe ends.
func TestPrintFollowsPipe(t *testing.T) {
	cmd := scope(t, t.TempDir(), "print", "--json", "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	part := longCapture(t)[:20_000]
	stdin.Write(part)
	got := make([]byte, 4096)
	var printed []byte
	for !bytes.Contains(printed, []byte(`"id":"stream-reply-1"`)) {
		n, err := stdout.Read(got)
		if printed = append(printed, got[:n]...); err != nil {
			t.Fatalf("%v, after %q", err, printed)
		}
	}
	stdin.Close()
	io.Copy(io.Discard, stdout)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestStoppedBeforeItListensForSignals: who is ended while it still starts ends, though no signal
// comes to it any more.
func TestStoppedBeforeItListensForSignals(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd := newRoot()
	cmd.SetArgs([]string{"proxy", "--json", "--no-attach", "--listen", "127.0.0.1:0", "--ca-dir", t.TempDir()})
	if err := cmd.ExecuteContext(ctx); err != nil {
		t.Error(err)
	}
}
