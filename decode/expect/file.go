// Package expect holds recorded logins against what was expected of them: a file
// in TOML (https://toml.io) names assertions, a Judge sees the events, and its
// Report says of each assertion whether it holds, with both values.
//
// An expectation is a table; its name is shown. Keys before the first table are an
// expectation without a name.
//
//	[login]
//	outcome = "success"
//	tls_at_least = "1.2"
//	never_mechanism = ["PLAIN"]
//	bound_within = "800ms"
//
// Every assertion is one entry of the list in assertions.go and its neighbours.
package expect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"xmppscope/internal/tomlfile"
	"xmppscope/session"
)

// File is a file of expectations that has been read and found to be right.
type File struct {
	Expectations []Expectation
	Warnings     []Problem // values that look like slips
}

// Expectation is one table of the file.
type Expectation struct {
	Name       string // "" for keys that stand before the first table
	About      string // what the user says it is for
	Sessions   Scope
	Optional   bool     // what cannot be judged is no failure
	most       *int     // sessions that there may be, nil for any number
	ignored    []string // rules whose findings do not count
	assertions []assertion
}

// assertion is one line of an expectation.
type assertion struct {
	key   string
	want  string // as it is shown
	judge judge
	match *matcher // for assertions on events, else nil
}

// Problem is what is wrong with a file of expectations.
type Problem struct {
	Line int // 1, 2, …; 0 if it is not one line
	Text string
	Hint string // what to do next, "" if there is nothing to say
}

// Error is the line and what is wrong there.
func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.Text
	}
	return fmt.Sprintf("line %d: %s", p.Line, p.Text)
}

// Parse reads a file of expectations. Rules are the ids that "ignore" may name.
// The error is a *Problem.
func Parse(text string, rules []string) (*File, error) {
	var tables map[string]any
	meta, places, bad := tomlfile.Decode(text, &tables)
	if bad != nil {
		return nil, &Problem{Line: bad.Line, Text: bad.Text}
	}
	r := &reader{places: places, rules: rules, tables: map[string]*Expectation{}}
	for _, k := range meta.Keys() {
		if err := r.key(k, tables); err != nil {
			return nil, err
		}
	}
	f := &File{Warnings: r.warnings}
	for _, name := range r.order {
		x := r.tables[name]
		if len(x.assertions) == 0 && x.most == nil {
			return nil, &Problem{Line: r.places[name].Line, Text: fmt.Sprintf("%s expects nothing", quoted(name)), Hint: "it needs an assertion, such as outcome = \"success\""}
		}
		f.Expectations = append(f.Expectations, *x)
	}
	if len(f.Expectations) == 0 {
		return nil, &Problem{Text: "it expects nothing", Hint: "write an assertion into it, such as outcome = \"success\""}
	}
	return f, nil
}

func quoted(name string) string {
	if name == "" {
		return "the file"
	}
	return fmt.Sprintf("[%s]", name)
}

// reader builds expectations from the keys of the file, in their order.
type reader struct {
	places tomlfile.Places
	rules  []string
	tables map[string]*Expectation
	order  []string

	warnings []Problem
}

func (r *reader) key(k toml.Key, tables map[string]any) error {
	value := lookup(tables, k)
	_, isTable := value.(map[string]any)
	_, isArray := value.([]map[string]any)
	switch {
	case isArray:
		return &Problem{Line: r.line(k...), Text: fmt.Sprintf("[[%s]]: an expectation is one table", k.String()), Hint: fmt.Sprintf("write [%s], and another name for each further one", k.String())}
	case len(k) == 1 && isTable:
		r.table(k[0])
		return nil
	case len(k) == 1:
		return r.set(r.table(""), "", k[0], value)
	case len(k) == 2 && !isTable:
		return r.set(r.table(k[0]), k[0], k[1], value)
	}
	p := &Problem{Line: r.line(k...), Text: fmt.Sprintf("%q: an expectation holds assertions, not tables", k.String()), Hint: "write each expectation as one table, such as [login]"}
	if near := session.Nearest(strings.Join(k[1:], "_"), keys()); near != "" && len(k) > 2 {
		p.Hint = fmt.Sprintf("did you mean %q? %s", near, p.Hint)
	}
	return p
}

func lookup(tables map[string]any, k toml.Key) any {
	var value any = tables
	for _, part := range k {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[part]
	}
	return value
}

func (r *reader) table(name string) *Expectation {
	x, ok := r.tables[name]
	if !ok {
		x = new(Expectation)
		x.Name = name
		r.tables[name] = x
		r.order = append(r.order, name)
	}
	return x
}

// line is where a key stands.
func (r *reader) line(path ...string) int { return r.places.Of(strings.Join(path, ".")).Line }

// set takes one key of an expectation: how it is to be judged, or an assertion.
func (r *reader) set(x *Expectation, table, key string, value any) error {
	line := r.places.Of(strings.TrimPrefix(table+"."+key, ".")).Line
	wrong := func(want string) error {
		return &Problem{Line: line, Text: fmt.Sprintf("%s: want %s, not %s", key, want, shown(value))}
	}
	var ok bool
	switch key {
	case "about":
		if x.About, ok = value.(string); !ok {
			return wrong("a text")
		}
		return nil
	case "optional":
		if x.Optional, ok = value.(bool); !ok {
			return wrong("true or false")
		}
		return nil
	case "sessions":
		if x.Sessions, ok = scopeOf(value); !ok {
			return wrong(scopeHelp)
		}
		return nil
	case mostSessions:
		n, ok := value.(int64)
		if !ok || n < 0 || n > 1e9 {
			return wrong("a number")
		}
		most := int(n)
		x.most = &most
		return nil
	case "ignore":
		ids, err := r.ruleIDs(key, value, line)
		x.ignored = ids
		return err
	case "no_rules":
		if _, err := r.ruleIDs(key, value, line); err != nil {
			return err
		}
	}
	return r.assert(x, key, value, line, wrong)
}

// assert adds what a key asserts.
func (r *reader) assert(x *Expectation, key string, value any, line int, wrong func(string) error) error {
	at := slices.IndexFunc(kinds, func(k kind) bool { return k.key == key })
	if at < 0 {
		return unknownKey(key, line)
	}
	made, err := kinds[at].make(value)
	if err != nil {
		var bad *Problem
		if errors.As(err, &bad) {
			return &Problem{Line: line, Text: key + ": " + bad.Text, Hint: bad.Hint}
		}
		return wrong(err.Error())
	}
	for i := range made {
		made[i].key = key
	}
	x.assertions = append(x.assertions, made...)
	r.warnings = append(r.warnings, doubts(key, value, line)...)
	return nil
}

// shown is a value as it stands in the file.
func shown(value any) string {
	if s, ok := value.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(value)
}

// keys are all that an expectation can hold.
func keys() []string {
	known := []string{"about", "optional", "sessions", mostSessions, "ignore"}
	for _, k := range kinds {
		known = append(known, k.key)
	}
	return known
}

func unknownKey(key string, line int) error {
	p := &Problem{Line: line, Text: fmt.Sprintf("there is no assertion %q", key), Hint: "xmppscope help expect lists them"}
	if near := session.Nearest(key, keys()); near != "" {
		p.Hint = fmt.Sprintf("did you mean %q? %s", near, p.Hint)
	}
	return p
}

// ruleIDs reads ids of rules.
func (r *reader) ruleIDs(key string, value any, line int) ([]string, error) {
	ids, ok := texts(value)
	if !ok {
		return nil, &Problem{Line: line, Text: fmt.Sprintf("%s: want ids of rules such as [\"T02\"], not %s", key, shown(value))}
	}
	for _, id := range ids {
		if len(r.rules) > 0 && !slices.Contains(r.rules, id) {
			p := &Problem{Line: line, Text: fmt.Sprintf("%s: there is no rule %q", key, id), Hint: "see xmppscope check --list"}
			if near := session.Nearest(id, r.rules); near != "" {
				p.Hint = fmt.Sprintf("did you mean %q? %s", near, p.Hint)
			}
			return nil, p
		}
	}
	return ids, nil
}
