package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/internal/script"
	"xmppscope/proxy"
)

// scriptHelp is what xmppscope help script says.
const scriptHelp = `--script FILE has a script decide about what passes, in Starlark, a small language like
Python (https://github.com/bazelbuild/starlark). It has one or more of these functions:

  def on_session(s):       a session has begun
  def on_element(s, e):    an element, or a stream header, before it passes
  def on_step(s, e):       the same, where it is a step of a login
  def on_answer(s, e):     the same, where it answers a request

They return None, and it passes as it is, or one of

  drop(reason)             nothing goes on
  replace(xml, reason)     something else goes on in its place
  delay("2s", reason)      it goes on later

and may call, as often as they like,

  note(text)               it stands on the ladder, at the element
  inject(dir, xml)         something is said behind it, to the server (c2s) or the client (s2c)

  e.dir e.kind e.name e.ns e.raw e.step e.summary e.sender (from) e.to e.id e.type e.body
  e.answers                it answers a request
  e.fields                 what was decoded, a dict of texts, without secrets
  s.id                     the number of the session
  s.state                  a dict that stays as long as the session does
  state                    one for all sessions

e.raw has passwords in it as they passed. What a script does is recorded, what came and what
went on, each on its leg, with "script" beside it.

It runs in a process of its own, which is bounded: 200,000 steps and half a second for an
element, 256 MB in all. An error stands on the ladder, and the element passes as it came; a
script that is too slow or wants too much memory is asked no more. Elements of more than
1 MB pass unasked. For example:

  def on_step(s, e):
      if e.step == "sasl-auth" and e.fields.get("mechanism") == "PLAIN":
          note("this client sends its password")
`

func newScriptHelp() *cobra.Command {
	return &cobra.Command{Use: "script", Short: "what --script runs", Long: scriptHelp}
}

// scriptFlag is --script.
type scriptFlag struct {
	file string
	host *script.Host
}

func (s *scriptFlag) add(f *pflag.FlagSet) {
	f.StringVar(&s.file, "script", "", "have the Starlark script in `FILE` decide about what passes (see xmppscope help script)")
}

// scriptHost is the command that a script's process is: ourselves.
const scriptHost = "script-host"

// open starts the script, if there is one.
func (s *scriptFlag) open(control *proxy.Control) error {
	if s.file == "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	f, err := os.Open(s.file) // the script's process can tell of it as text alone
	if err == nil {
		f.Close()
		s.host, err = script.Start(scriptProcess(self, s.file))
	}
	if err != nil {
		return usageError{hinted{fmt.Errorf("--script: %w", err), "see xmppscope help script"}}
	}
	control.Use(s.host.Gate)
	return nil
}

// scriptProcess is the one that a script runs in.
func scriptProcess(self, file string) *exec.Cmd {
	cmd := exec.Command(self, scriptHost, "--", file)
	cmd.Args[0] = os.Args[0]
	cmd.Env = clientEnvironment()
	ownGroup(cmd) // Ctrl-C is for us
	return cmd
}

// close ends the script.
func (s *scriptFlag) close() {
	if s.host != nil {
		s.host.Close()
	}
}

// newScriptHost is for ourselves alone.
func newScriptHost() *cobra.Command {
	return &cobra.Command{
		Use: scriptHost + " FILE", Hidden: true, Args: takes(1, 1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error { return script.Serve(args[0], os.Stdin, os.Stdout) },
	}
}
