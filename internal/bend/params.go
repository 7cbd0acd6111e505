package bend

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// params is what a rule's table holds. The first thing that is wrong is kept.
type params struct {
	table map[string]any
	used  map[string]bool
	bad   *wrong
	size  int // of the condition, with the filters that it names

	filters session.Naming
}

func (p *params) fail(key, format string, a ...any) {
	if p.bad == nil {
		p.bad = &wrong{key, fmt.Sprintf(format, a...)}
	}
}

func (p *params) get(key string) (any, bool) {
	p.used[key] = true
	v, ok := p.table[key]
	return v, ok
}

// text is a string, "" if there is none.
func (p *params) text(key string) string {
	v, ok := p.get(key)
	s, isText := v.(string)
	if ok && !isText {
		p.fail(key, "%s has to be text in quotes", key)
	}
	return s
}

// yes is true or false, false if there is none.
func (p *params) yes(key string) bool {
	v, ok := p.get(key)
	is, isBool := v.(bool)
	if ok && !isBool {
		p.fail(key, "%s has to be true or false", key)
	}
	return is
}

// needed is a string that has to be there.
func (p *params) needed(key string) string {
	s := p.text(key)
	if s == "" {
		p.fail("do", "it needs %s", key)
	}
	return s
}

// count is a number from 0 on, 0 if there is none.
func (p *params) count(key string) int {
	v, ok := p.get(key)
	n, isNumber := v.(int64)
	if ok && (!isNumber || n < 0 || n > 1<<31) {
		p.fail(key, "%s has to be a whole number, from 0 on", key)
	}
	return int(n)
}

func (p *params) fraction(key string, other float64) float64 {
	v, ok := p.get(key)
	if !ok {
		return other
	}
	f, isFloat := v.(float64)
	if n, isNumber := v.(int64); isNumber {
		f, isFloat = float64(n), true
	}
	if !isFloat || !(f >= 0 && f <= 1) {
		p.fail(key, "%s has to be a number from 0 to 1", key)
	}
	return f
}

// maxTime bounds how long a rule may make somebody wait.
const maxTime = 24 * time.Hour

// duration is a time such as "1.5s", 0 if there is none.
func (p *params) duration(key string) time.Duration {
	s := p.text(key)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxTime {
		p.fail(key, "%s has to be a time, such as \"1.5s\" or \"200ms\", of a day at most", key)
	}
	return d
}

// list is some strings.
func (p *params) list(key string) (out []string) {
	v, ok := p.get(key)
	if !ok {
		return nil
	}
	all, isList := v.([]any)
	for _, one := range all {
		s, isText := one.(string)
		isList = isList && isText
		out = append(out, s)
	}
	if !isList {
		p.fail(key, "%s has to be a list of texts: [\"a\", \"b\"]", key)
	}
	return out
}

// dir is a direction, NoDir if none is named.
func (p *params) dir(key string) session.Dir {
	d, ok := session.DirNamed(p.text(key))
	if !ok {
		p.fail(key, "%s has to be \"c2s\" or \"s2c\"", key)
	}
	return d
}

// word is one of some.
func (p *params) word(key string, of ...string) string {
	s := p.text(key)
	if s == "" {
		return of[0]
	}
	if !slices.Contains(of, s) {
		p.fail(key, "%s has to be one of %q", key, of)
	}
	return s
}

// action is a kind of thing to do.
type action struct {
	says    string   // what it does, in a line of help
	takes   []string // its keys
	warning string   // which clients remember it
	make    func(*params) do
}

var actions = map[string]action{}

// Actions are the names of all actions, in order.
func Actions() []string { return slices.Sorted(maps.Keys(actions)) }

// Help says, in lines, what actions there are and what they take.
func Help() (out []string) {
	for _, name := range Actions() {
		a := actions[name]
		line := fmt.Sprintf("%-11s %s", name, a.says)
		if len(a.takes) > 0 {
			line += fmt.Sprintf(" (%s)", strings.Join(a.takes, ", "))
		}
		out = append(out, line)
	}
	return out
}
