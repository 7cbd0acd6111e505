package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"xmppscope/decode"
	"xmppscope/decode/core"
	"xmppscope/decode/sasl"
	"xmppscope/decode/verdict"
	"xmppscope/decode/xep"
	"xmppscope/session"
)

// rules are all that xmppscope can say, in the order in which it is said.
func rules() []decode.Rule {
	return slices.Concat(core.Rules(), sasl.Rules(), xep.Rules(), verdict.Rules())
}

// prepared are the rules for all sessions.
var prepared = sync.OnceValue(func() *decode.Prepared { return decode.Prepare(rules()) })

// ruleIDs are all ids that findings can have.
func ruleIDs() (out []string) {
	for _, l := range decode.Lints() {
		out = append(out, l.ID)
	}
	for _, r := range remarks() {
		out = append(out, r.ID)
	}
	return out
}

// knownRule finds the id that is meant; upper and lower case are the same.
func knownRule(id string, known []string) (string, error) {
	for _, k := range known {
		if strings.EqualFold(k, id) {
			return k, nil
		}
	}
	hint := "see xmppscope check --list"
	if near := session.Nearest(id, known); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", near, hint)
	}
	return "", usageError{hinted{fmt.Errorf("check: there is no rule %q to ignore", id), hint}}
}

// remarks are the rules whose notes are findings though they have no number.
func remarks() (out []sasl.Remark) {
	for _, r := range rules() {
		if r.ID != session.RuleVerdict {
			out = append(out, sasl.Remark{ID: r.ID, Title: r.Title})
		}
	}
	return append(out, sasl.Remarks()...)
}

// listLints prints the numbered checks, and then the rules whose remarks can be
// findings too, by their ids.
func listLints(w io.Writer, asJSON bool) error {
	for _, l := range decode.Lints() {
		if asJSON {
			line, err := json.Marshal(l)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\n", line)
			continue
		}
		fmt.Fprintf(w, "%s  %-7s  %-19s %s\n", l.ID, l.Severity, l.Ref, l.Text)
	}
	if asJSON {
		return nil
	}
	fmt.Fprintln(w, "\nOther remarks are silenced by the id of the rule that makes them:")
	for _, r := range remarks() {
		fmt.Fprintf(w, "%-20s %s\n", r.ID, r.Title)
	}
	return nil
}
