package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/internal/bend"
	"xmppscope/proxy"
	"xmppscope/session"
)

// rulesFlag is --rules: what passes is changed by rules in a file.
type rulesFlag struct {
	file    string
	engine  bend.Engine
	filters session.Naming // which its conditions can name
	text    []byte         // of the file, as it was read last
	failed  string         // why it could not be, the last time
}

func (r *rulesFlag) add(f *pflag.FlagSet) {
	f.StringVar(&r.file, "rules", "", "change what passes by the rules in `FILE` (see xmppscope help rules); it is read again when it changes")
}

// rulesHelp is what xmppscope help rules says, before the list of actions.
const rulesHelp = `--rules FILE changes what passes. The file is TOML, and each table is a rule, with its name:

  [plain-only]
  when = 'name == "features"'
  do   = "mechanisms"
  only = ["PLAIN"]

  [slow-server]
  dir  = "s2c"
  do   = "delay"
  for  = "2s"
  jitter = "500ms"

Of which elements it speaks (all that are given have to be true):

  when         a filter (see xmppscope help filter), or "@NAME" for one that has a name
  step         a step of the ladder: "sasl-success", or "features" for any of them
  dir          "c2s" or "s2c"
  session      the number of one session
  after, first, every
               let so many pass first; speak of so many, in each session; of every so many
  probability, seed
               speak by chance, from 0 to 1; the same seed gives the same chances

Rules that ask for no kind speak of elements alone. They are asked in the order of the
file, and each gets what the one before has made. In templates (xml) {id}, {from}, {to} and
other attributes of the element are put in.

What it does (do):

`

// newRulesHelp is a help topic, not a command.
func newRulesHelp() *cobra.Command {
	var b strings.Builder
	b.WriteString(rulesHelp)
	for _, line := range bend.Help() {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	b.WriteString(`
The file is read again when it changes; a new version with something wrong in it is refused
with its place, and the rules of before still hold. What a rule has done stands on the
ladder with its name. Clients remember how a server was: do it with accounts that are made
for this.`)
	return &cobra.Command{Use: "rules", Short: "what --rules reads", Long: b.String()}
}

// open reads the rules, and has sessions bent by them.
func (r *rulesFlag) open(control *proxy.Control) error {
	control.Use(r.engine.Gate)
	r.filters = control.Filters
	if r.file == "" {
		return nil
	}
	set, _, err := r.read()
	if err != nil {
		return usageError{hinted{fmt.Errorf("--rules: %w", err), "see xmppscope help rules"}}
	}
	r.engine.Replace(set)
	return nil
}

// read reads the file; changed is false if it is as before.
func (r *rulesFlag) read() (set *bend.Set, changed bool, err error) {
	info, err := os.Stat(r.file)
	if err != nil {
		return nil, true, errors.New(inWords(err))
	}
	if !info.Mode().IsRegular() {
		return nil, true, fmt.Errorf("%s is no file", r.file)
	}
	f, err := os.Open(r.file)
	if err != nil {
		return nil, true, errors.New(inWords(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, bend.MaxFile+1))
	if err != nil {
		return nil, true, errors.New(inWords(err))
	}
	if r.text != nil && bytes.Equal(text, r.text) {
		return nil, false, nil
	}
	r.text = append([]byte{}, text...)
	set, err = bend.Parse(r.file, string(text), r.filters)
	return set, true, err
}

// reload takes what the file has become, and says so; the rules of before hold where
// something is wrong with it.
func (r *rulesFlag) reload(control *proxy.Control, say func(format string, a ...any)) {
	set, changed, err := r.read()
	switch {
	case err != nil && err.Error() != r.failed:
		r.failed = err.Error()
		say("the rules of before still hold: %v", err)
	case err != nil || !changed:
	default:
		r.failed = ""
		r.engine.Replace(set)
		control.Rearm()
		say("%s was read again: %s", r.file, session.Plural(len(set.Rules), "rule"))
		r.warn(say)
	}
}

// warn says what clients remember of what the rules do.
func (r *rulesFlag) warn(say func(format string, a ...any)) {
	if set := r.engine.Rules(); set != nil {
		for _, line := range set.Warnings() {
			say("warning: %s", line)
		}
	}
}

// rulesPause is how long a change of the file may stay unseen.
const rulesPause = 500 * time.Millisecond

// follow reads the file again when it changes, until ctx is done.
func (r *rulesFlag) follow(ctx context.Context, control *proxy.Control, say func(format string, a ...any)) {
	if r.file == "" {
		return
	}
	r.warn(say)
	go func() {
		tick := time.NewTicker(rulesPause)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.reload(control, say)
			}
		}
	}()
}
