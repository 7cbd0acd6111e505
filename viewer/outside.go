package viewer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"xmppscope/internal/inspect"
	"xmppscope/session"
)

// Programs of others that look at an event: the person's own commands, a pager, an editor.
// What comes from the wire reaches them in a file and in environment variables only, never in
// the text of a command. Secrets are blanked unless they are on the screen too.

// Command is a command of the person's own, on a key.
type Command struct {
	Name string `toml:"name"`
	Key  string `toml:"key"` // one or more, with blanks between them; "": it is in the palette alone
	Run  string `toml:"run"` // for the shell
	Show string `toml:"show"`
}

// What becomes of the output of a command.
const (
	showTerminal = "terminal" // it has the terminal until it ends
	showPage     = "page"     // it is shown on a page
	showNothing  = "nothing"
)

// check says what is wrong with a command, and in which part of it.
func (c *Command) check() (where string, err error) {
	shows := []string{showTerminal, showPage, showNothing}
	_, keys := parseKeys(c.Key)
	switch {
	case c.Name == "":
		return "", errors.New("a command needs a name")
	case actionOf(c.Name) != nil:
		return ".name", fmt.Errorf("there is an action %q already", c.Name)
	case strings.TrimSpace(c.Run) == "":
		return "", fmt.Errorf("the command %q lacks run: what the shell is to do", c.Name)
	case keys != nil:
		return ".key", keys
	case c.Show != "" && c.Show != showTerminal && c.Show != showPage && c.Show != showNothing:
		return ".show", unknown("way to show", c.Show, shows)
	}
	return "", nil
}

// commandVariables are what a command knows of the event. All but $FILE are harmless in a
// terminal; what cannot be in a variable is not in it.
var commandVariables = []struct {
	name, does string
	value      func(x *outsider) string
}{
	{"FILE", "a file with the event's text as it was on the wire; it is gone when the command has ended", func(x *outsider) string { return x.path }},
	{"XML", "the same text, as far as a variable can hold it", func(x *outsider) string { return session.Safe(string(x.text[:min(len(x.text), variableMax)])) }},
	{"JID", "the other side", func(x *outsider) string { return x.stanza.Peer }},
	{"BARE", "the same without its resource", func(x *outsider) string { return x.of("bare") }},
	{"FROM", "as the stanza says", func(x *outsider) string { return x.of("from") }},
	{"TO", "as the stanza says", func(x *outsider) string { return x.of("to") }},
	{"ID", "the stanza's id", func(x *outsider) string { return x.of("id") }},
	{"TYPE", "the stanza's type", func(x *outsider) string { return x.of("type") }},
	{"NAME", "the element's name", func(x *outsider) string { return x.of("name") }},
	{"NS", "the namespace of what is in it, or its own", func(x *outsider) string { return cmp.Or(x.of("payload"), x.of("ns")) }},
	{"BODY", "a message's text", func(x *outsider) string { return x.of("body") }},
	{"CONDITION", "why it was refused", func(x *outsider) string { return x.of("condition") }},
	{"SUMMARY", "the event in a sentence", func(x *outsider) string { return x.of("summary") }},
	{"DIRECTION", "c2s or s2c", func(x *outsider) string { return x.of("dir") }},
	{"SESSION", "the number of the session", func(x *outsider) string { return x.of("session") }},
	{"SEQ", "the number of the event in it", func(x *outsider) string { return x.of("seq") }},
	{"ACCOUNT", "who logs in", func(x *outsider) string { return x.account }},
}

// variableMax bounds what is put into one variable: systems take 128 KiB.
const variableMax = 64 << 10

// outsider is an event as programs of others get it.
type outsider struct {
	path    string // of the file; its folder is ours alone
	text    []byte
	of      func(name string) string
	stanza  inspect.Stanza
	account string
}

// outsider writes the selected event to a file; nil, and it is said, if that cannot be done.
func (u *ui) outsider() *outsider {
	e, _ := u.event()
	if e == nil {
		u.say(notice, "there is no event yet")
		return nil
	}
	shown := session.Shown(e, u.reveal)
	x := &outsider{text: shown.Raw, of: session.FilterValues(&shown), stanza: u.stanza(u.current(), e, u.reveal), account: inspect.Account(&u.current().Overview)}
	name := fmt.Sprintf("event-%d.xml", e.Seq)
	if len(x.text) == 0 {
		x.text, name = []byte(shown.Summary+"\n"), fmt.Sprintf("event-%d.txt", e.Seq)
	}
	path, err := privateFile(name, x.text)
	if err != nil {
		u.say(failure, "the event could not be written to a file: %v", err)
		return nil
	}
	x.path = path
	return x
}

// gone removes the file.
func (x *outsider) gone() { removePrivate(x.path) }

// privateFile writes a file for a program of others, in a folder of its own that nobody else
// can look into.
func privateFile(name string, text []byte) (path string, err error) {
	folder, err := privateFolder()
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, name)
	if err = os.WriteFile(path, text, 0o600); err != nil {
		os.RemoveAll(folder)
	}
	return path, err
}

func privateFolder() (string, error) { return os.MkdirTemp("", "xmppscope-") } // 0700

// removePrivate removes a file with its folder.
func removePrivate(path string) { os.RemoveAll(filepath.Dir(path)) }

// environment is ours with the variables of the event.
func (x *outsider) environment() []string {
	env := os.Environ()
	for _, v := range commandVariables {
		value := v.value(x)
		if v.name != "XML" && v.name != "FILE" {
			value = session.SafeLine(value)
		}
		env = append(env, v.name+"="+strings.ReplaceAll(value, "\x00", "\ufffd"))
	}
	return env
}

// shell is what carries out a text that the person wrote.
func shell(ctx context.Context, text string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.CommandContext(ctx, "cmd", "/C", text)
	}
	return exec.CommandContext(ctx, "sh", "-c", text)
}

// runCommand runs one of the person's own commands on the selected event.
func (u *ui) runCommand(c *Command) {
	x := u.outsider()
	if x == nil {
		return
	}
	env := x.environment()
	if c.Show == "" || c.Show == showTerminal {
		defer x.gone()
		u.outside(c.Name, func(ctx context.Context) *exec.Cmd {
			cmd := shell(ctx, c.Run)
			cmd.Env = env
			return cmd
		})
		return
	}
	var out limited
	var err error
	u.say(notice, "%s …", c.Name)
	u.spawn(func(ctx context.Context) {
		defer x.gone()
		cmd := shell(ctx, c.Run)
		cmd.Env, cmd.WaitDelay = env, time.Second
		if c.Show == showPage {
			cmd.Stdout, cmd.Stderr = &out, &out
		}
		err = cmd.Run()
	}, func(context.Context) {
		switch {
		case c.Show == showPage:
			u.showOutput(c.Name, out.String(), err)
		case err != nil:
			u.say(warning, "%s: %v", c.Name, err)
		default:
			u.say(notice, "%s is done", c.Name)
		}
	})
}

// showOutput is a page with what a command has said.
func (u *ui) showOutput(name, text string, err error) {
	u.show(sheet{title: wire(name), text: func(p *textBlock) {
		p.gap()
		if err != nil {
			p.add(3, span{wiref(" ✗ %v", err), p.theme.failure})
		}
		for l := range strings.Lines(strings.ReplaceAll(text, "\t", "    ")) {
			p.add(1, span{" " + wire(strings.TrimRight(l, "\r\n")), p.theme.text})
		}
		if text == "" && err == nil {
			p.add(1, span{" it printed nothing", p.theme.faint})
		}
	}})
}

// limited keeps the beginning of what is written to it.
type limited struct{ bytes.Buffer }

// outputMax bounds what is kept of the output of a command.
const outputMax = 1 << 20

func (l *limited) Write(p []byte) (int, error) {
	l.Buffer.Write(p[:min(len(p), max(0, outputMax-l.Len()))])
	return len(p), nil
}

// outside lends the terminal to another program until it ends.
func (u *ui) outside(name string, program func(context.Context) *exec.Cmd) {
	var err error
	lent := u.suspend != nil && u.suspend(func(ctx context.Context) {
		if lend := u.options.Lend; lend != nil {
			lend(true)
			defer lend(false)
		}
		cmd := program(ctx)
		tty, closed := ownTerminal()
		defer closed()
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
		err = cmd.Run()
	})
	u.redraw = true
	switch exit := new(exec.ExitError); {
	case !lent:
		u.say(failure, "the terminal cannot be handed to %s", name)
	case errors.As(err, &exit):
		u.say(warning, "%s: %v", name, err)
	case err != nil:
		u.say(failure, "%s could not be started: %v", name, err)
	}
}

// ownTerminal is the terminal for a program of others; standard input may be a capture.
func ownTerminal() (tty *os.File, closed func()) {
	if f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); err == nil {
		return f, func() { f.Close() }
	}
	return os.Stdin, func() {}
}
