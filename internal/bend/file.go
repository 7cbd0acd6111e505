package bend

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/internal/tomlfile"
	"xmppscope/session"
)

// Set is the rules of a file, in their order.
type Set struct{ Rules []*Rule }

// Warnings say which rules make clients remember something, or distrust.
func (s *Set) Warnings() (out []string) {
	for _, r := range s.Rules {
		if r.Warning != "" {
			out = append(out, fmt.Sprintf("rule %s: %s", r.Name, r.Warning))
		}
	}
	return out
}

// Problem is what is wrong in a file, and where; Line and Column count from 1, and are 0 if
// it is the file as a whole.
type Problem struct {
	File         string
	Line, Column int
	Text, Hint   string
}

// Error is where, and what.
func (p *Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where += fmt.Sprintf(":%d:%d", p.Line, max(p.Column, 1))
	}
	text := p.Text
	if p.Hint != "" {
		text += ": " + p.Hint
	}
	return where + ": " + text
}

// Bounds of a file: every rule is asked about every element.
const (
	MaxFile  = 1 << 20
	maxRules = 1000
	maxWhen  = 256 << 10 // bytes of conditions, with the filters in them that they name
)

// Parse reads rules, whose conditions can name filters. The error is a *Problem.
func Parse(file, text string, filters session.Naming) (*Set, error) {
	if len(text) > MaxFile {
		return nil, &Problem{File: file, Text: fmt.Sprintf("it has %d bytes, and %d are the most", len(text), MaxFile)}
	}
	var tables map[string]any
	meta, at, bad := tomlfile.Decode(text, &tables)
	if bad != nil {
		return nil, &Problem{File: file, Line: bad.Line, Column: bad.Column, Text: bad.Text}
	}
	problem := func(path, format string, a ...any) *Problem {
		p := at.Of(path)
		return &Problem{File: file, Line: p.Line, Column: p.Column, Text: fmt.Sprintf(format, a...)}
	}
	set, size := new(Set), 0
	for _, k := range meta.Keys() {
		if len(k) != 1 {
			continue
		}
		table, ok := tables[k[0]].(map[string]any)
		if !ok {
			p := problem(k[0], "%q stands in no rule", k[0])
			p.Hint = "each rule is a table that begins with its name: [my-rule]"
			return nil, p
		}
		if strings.ContainsAny(k[0], ", ") || session.SafeLine(k[0]) != k[0] || len(k[0]) > 60 || k[0] == "" {
			return nil, problem(k[0], "%q is no name for a rule: letters, digits, - and _", session.ShortLine(k[0]))
		}
		p := &params{table: table, used: map[string]bool{}, filters: filters}
		rule, bad := p.rule(k[0])
		if bad != nil {
			return nil, problem(strings.TrimSuffix(k[0]+"."+bad.key, "."), "rule %s: %s", k[0], bad.text)
		}
		if set.Rules = append(set.Rules, rule); len(set.Rules) > maxRules {
			return nil, problem(k[0], "there are more than %d rules", maxRules)
		}
		if size += p.size; size > maxWhen {
			return nil, problem(k[0], "the conditions of all rules, with the filters that they name, have more than %d bytes", maxWhen)
		}
	}
	return set, nil
}

// wrong is what is wrong with a rule, at one of its keys; "" is the rule as a whole.
type wrong struct{ key, text string }

// rule makes a rule of its table.
func (p *params) rule(name string) (*Rule, *wrong) {
	r := &Rule{Name: name, step: p.text("step"), session: p.count("session"), after: p.count("after"),
		first: p.count("first"), every: p.count("every"), probability: p.fraction("probability", 1), seed: uint64(p.count("seed"))}
	r.dir = p.dir("dir")
	when := p.text("when")
	if when != "" {
		var err error
		if when, err = p.filters.Put(when); err == nil {
			r.is, err = session.CompileFilter(when)
		}
		if err != nil {
			p.fail("when", "%v", err)
		}
	}
	p.size = len(when)
	r.kinds = strings.Contains(when, "kind") || strings.HasPrefix(r.step, "stream-")
	r.Action = p.text("do")
	a, known := actions[r.Action]
	switch {
	case r.Action == "":
		p.fail("", "it does nothing: it needs do = \"drop\", or another of %s", strings.Join(Actions(), ", "))
	case !known:
		p.fail("do", "there is no action %q: %s", r.Action, session.Suggest(r.Action, Actions()))
	}
	if p.bad != nil {
		return nil, p.bad
	}
	r.do = a.make(p)
	r.Warning = a.warning
	for key := range p.table {
		if !p.used[key] {
			words := append(slices.Clone(common), a.takes...)
			hint := "it takes " + strings.Join(words, ", ")
			if near := session.Nearest(key, words); near != "" {
				hint = "did you mean " + near + "?"
			}
			p.fail(key, "%s knows no %q: %s", r.Action, key, hint)
		}
	}
	if p.bad != nil {
		return nil, p.bad
	}
	return r, nil
}

// common are the keys that every rule may have.
var common = []string{"when", "step", "dir", "session", "after", "first", "every", "probability", "seed", "do"}
