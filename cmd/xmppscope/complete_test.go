package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/internal/demo"
)

// TestComplete: shells are told the values of flags and the names that commands take, and where
// a file is meant, that.
func TestComplete(t *testing.T) {
	for line, want := range map[string]string{
		"proxy --client-tls ":     "mirror off required :4",
		"run --ask-client-cert ":  "mirror always never :4",
		"--client-tls ":           "mirror off required :4",
		"demo --scenario ":        "scram",
		"ca trust ":               "gajim",
		"try ":                    "all",
		"try all ":                ":0",
		"export x --format ":      "pcapng",
		"run --inspect-in ":       "tmux",
		"open --profile ":         "stanzas",
		"export --upstream-cert ": ":0",
		"proxy --upstream-ca ":    ":0",
	} {
		root := newRoot()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(new(bytes.Buffer))
		root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, strings.Split(line, " ")...))
		if err := root.Execute(); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		var got []string
		for l := range strings.Lines(out.String()) {
			name, _, _ := strings.Cut(strings.TrimSpace(l), "\t")
			got = append(got, name)
		}
		if all := " " + strings.Join(got, " ") + " "; !strings.Contains(all, " "+want+" ") {
			t.Errorf("%s: %q lacks %q", line, all, want)
		}
	}
}

// TestChoices: what is completed is a flag or a command that there is, and is accepted.
func TestChoices(t *testing.T) {
	flags, commands := map[string]bool{}, map[string]bool{}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		commands[c.CommandPath()] = true
		for flag := range choices {
			flags[flag] = flags[flag] || c.Flags().Lookup(flag) != nil
		}
		for _, below := range c.Commands() {
			visit(below)
		}
	}
	visit(newRoot())
	for flag := range choices {
		if !flags[flag] {
			t.Errorf("no command has --%s", flag)
		}
	}
	for path := range words {
		if !commands[path] {
			t.Errorf("there is no %q", path)
		}
	}
	for _, v := range choices["client-tls"]() {
		if _, err := (&proxyFlags{toClient: v}).clientTLS(); err != nil {
			t.Error(err)
		}
	}
	for _, v := range choices["ask-client-cert"]() {
		if _, err := askClients(v); err != nil {
			t.Error(err)
		}
	}
	for _, v := range choices["format"]() {
		if _, err := capture.ForPath("x." + v); err != nil {
			t.Error(err)
		}
	}
	for _, v := range choices["scenario"]() {
		name, _, _ := strings.Cut(v, "\t")
		if _, err := demo.Find(name); err != nil {
			t.Error(err)
		}
	}
}
