package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"xmppscope/session"
)

// noArgs is for commands that take no argument, and for names of commands that there are not.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := seeHelp(cmd)
	if near := session.Nearest(args[0], namesBelow(cmd)); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return usageError{hinted{fmt.Errorf("unknown command or argument %q", args[0]), hint}}
}

// namesBelow are the commands of a command, and the topics of help.
func namesBelow(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// someFiles wants at least one file name.
func someFiles(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return nil
	}
	return usageError{hinted{fmt.Errorf("%s: no file is named", cmd.Name()), usageOf(cmd)}}
}

// takes wants from least to most arguments, which are what.
func takes(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if n := len(args); n < least || n > most {
			return usageError{hinted{fmt.Errorf("%s takes %s, not %d", strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "), what, n), usageOf(cmd)}}
		}
		return nil
	}
}

func seeHelp(cmd *cobra.Command) string { return "see " + cmd.CommandPath() + " --help" }

// usageOf is how a command line is written, with an example if there is one.
func usageOf(cmd *cobra.Command) string {
	hint := "usage: " + cmd.UseLine()
	if first, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n"); first != "" {
		hint += ", such as " + first
	}
	return hint
}

// wrongFlag says what is wrong with a flag, and what to write instead.
func wrongFlag(cmd *cobra.Command, err error) error {
	hint := seeHelp(cmd)
	var unknown *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var unfit *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near := session.Nearest(unknown.GetSpecifiedName(), known); near != "" {
			hint = "did you mean --" + near + "? " + hint
		}
	case errors.As(err, &empty):
		name, _ := pflag.UnquoteUsage(empty.GetFlag())
		err = fmt.Errorf("--%s needs a value: %s", empty.GetFlag().Name, name)
	case errors.As(err, &unfit):
		err = fmt.Errorf("--%s %q: %s", unfit.GetFlag().Name, unfit.GetValue(), unfitFor(unfit.GetFlag(), unfit.Unwrap()))
	}
	return usageError{hinted{err, hint}}
}

// unfitFor says what a flag wants that its value is not.
func unfitFor(f *pflag.Flag, err error) string {
	switch f.Value.Type() {
	case "bool":
		return "want true or false"
	case "int":
		return "want a whole number"
	case "duration":
		return "want a time with its unit, such as 30s or 5m"
	}
	return inWords(err)
}

// complete prints the script for a shell, to where output goes when it is run: the library's
// own commands write to where it went when they were made.
func complete(shell *cobra.Command, _ []string) error {
	root, out := shell.Root(), shell.OutOrStdout()
	bare, err := shell.Flags().GetBool("no-descriptions")
	switch name := shell.Name(); {
	case err != nil:
		return err
	case name == "bash":
		return root.GenBashCompletionV2(out, !bare)
	case name == "fish":
		return root.GenFishCompletion(out, !bare)
	case name == "zsh" && bare:
		return root.GenZshCompletionNoDesc(out)
	case name == "zsh":
		return root.GenZshCompletion(out)
	case bare:
		return root.GenPowerShellCompletion(out)
	}
	return root.GenPowerShellCompletionWithDesc(out)
}

// helpOf lets "help" say that there is no such command, as every command does, and
// "completion" that there is no such shell.
func helpOf(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Short, c.Args = "print what your shell needs to complete commands and flags", noArgs
			c.RunE = func(*cobra.Command, []string) error {
				return usageError{hinted{errors.New("completion: which shell?"), c.CommandPath() + " " + strings.Join(namesBelow(c), "|")}}
			}
			for _, shell := range c.Commands() {
				shell.Args, shell.RunE = noArgs, complete
			}
		case "help":
			c.Short = "help about a command, or one of the topics below"
			c.Args = func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil {
					return err
				}
				return noArgs(about, rest)
			}
		}
	}
}
