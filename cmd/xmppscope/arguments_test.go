package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestArguments: whatever command is given too few arguments or too many says so in our
// words, with what to write instead, and the exit code of a wrong command line.
func TestArguments(t *testing.T) {
	refused := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, args := range [][]string{nil, slices.Repeat([]string{"nothing"}, 9)} {
			if !c.Runnable() || c.Hidden {
				continue
			}
			err := c.ValidateArgs(args)
			if err == nil {
				continue
			}
			refused++
			var h hinted
			if !errors.As(err, &h) || !strings.Contains(h.hint, c.CommandPath()) && !strings.Contains(h.hint, "xmppscope --help") {
				t.Errorf("%s %q: %v has no hint that names it", c.CommandPath(), args, err)
			}
			if code := report(new(bytes.Buffer), err); code != exitUsage {
				t.Errorf("%s %q: %v: exit code %d", c.CommandPath(), args, err, code)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
	if refused < 20 {
		t.Errorf("only %d command lines were refused", refused)
	}
}

// TestWrongCommandLine: what is wrong is told as a person would, and what to write instead.
func TestWrongCommandLine(t *testing.T) {
	for _, c := range []struct{ line, said, hint string }{
		{"expain login.pcapng", `unknown command or argument "expain"`, "did you mean explain? see xmppscope --help"},
		{"help expain", `unknown command or argument "expain"`, "did you mean explain? see xmppscope --help"},
		{"ca trsut", `unknown command or argument "trsut"`, "did you mean trust? see xmppscope ca --help"},
		{"help ca trsut", `unknown command or argument "trsut"`, "did you mean trust? see xmppscope ca --help"},
		{"ca qr", "ca qr takes one HOST:PORT, not 0", "usage: xmppscope ca qr HOST:PORT [flags], such as xmppscope ca qr 192.0.2.7:5222"},
		{"man", "man takes one folder, not 0", "usage: xmppscope man FOLDER [flags]"},
		{"attach 1 2", "attach takes one RUN at most, not 2", "such as xmppscope attach --list"},
		{"--upstream-cq x", "unknown flag: --upstream-cq", "did you mean --upstream-ca? see xmppscope --help"},
		{"proxy --save", "--save needs a value: FILE", "see xmppscope proxy --help"},
		{"--idle-timeout 5", `--idle-timeout "5": want a time with its unit, such as 30s or 5m`, "see xmppscope --help"},
		{"--max-sessions many", `--max-sessions "many": want a whole number`, "see xmppscope --help"},
		{"--json=maybe", `--json "maybe": want true or false`, "see xmppscope --help"},
		{"--backlog much", `--backlog "much": "much" is no size: want one such as 100MB or 4GiB`, "see xmppscope --help"},
	} {
		root := newRoot()
		root.SetArgs(strings.Fields(c.line))
		var out bytes.Buffer
		if code := report(&out, root.Execute()); code != exitUsage || !strings.Contains(out.String(), "xmppscope: "+c.said+"\n") || !strings.Contains(out.String(), c.hint+"\n") {
			t.Errorf("%s: exit code %d\n%s", c.line, code, &out)
		}
	}
}
