package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"xmppscope/capture"
	"xmppscope/certs"
	"xmppscope/internal/demo"
	"xmppscope/internal/experiment"
	"xmppscope/proxy"
	"xmppscope/tlsintercept"
)

// choices are the values that flags may have, and words the arguments of commands, for the
// completion of shells. What is not here is a file.
var (
	choices = map[string]func() []string{
		"client-tls": func() []string { return []string{"mirror", string(proxy.WithoutTLS), string(proxy.RequireTLS)} },
		"ask-client-cert": func() []string {
			return []string{"mirror", string(tlsintercept.AskAlways), string(tlsintercept.AskNever)}
		},
		"profile":    func() []string { return []string{"login", "stanzas", "servers"} },
		"inspect-in": func() []string { return []string{"tmux"} },
		"scenario": func() (out []string) {
			for _, s := range demo.Scenarios() {
				out = append(out, s.Name+"\t"+s.Title)
			}
			return out
		},
		"format": func() (out []string) {
			for _, f := range capture.Formats() {
				out = append(out, strings.TrimPrefix(f.Ext, "."))
			}
			return out
		},
	}
	words = map[string]func() []string{
		"xmppscope try": func() []string {
			out := []string{"all"}
			for _, x := range experiment.All() {
				out = append(out, x.Name+"\t"+x.Title)
			}
			return out
		},
		"xmppscope ca trust": func() (out []string) {
			for _, g := range certs.Guides("") {
				name, _, _ := strings.Cut(strings.ToLower(g.For), " ")
				out = append(out, strings.Trim(name, ",:")+"\t"+g.For)
			}
			return slices.Compact(out)
		},
	}
)

// completes has a command and those below it complete what is known.
func completes(cmd *cobra.Command) {
	for flag, values := range choices {
		if cmd.LocalNonPersistentFlags().Lookup(flag) != nil {
			// It fails where it was done before.
			cmd.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return values(), cobra.ShellCompDirectiveNoFileComp
			})
		}
	}
	if values := words[cmd.CommandPath()]; values != nil {
		cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if cmd.Name() == "try" && len(args) > 0 { // the client's own
				return nil, cobra.ShellCompDirectiveDefault
			}
			return values(), cobra.ShellCompDirectiveNoFileComp
		}
	}
	for _, c := range cmd.Commands() {
		completes(c)
	}
}
