package session

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// filterEnv is what a filter expression can name. Values are as shown: secrets
// are blanked before the expression sees them.
type filterEnv struct {
	Session  int                 `expr:"session"`
	Seq      int                 `expr:"seq"`
	Kind     string              `expr:"kind"`
	Leg      string              `expr:"leg"`
	Dir      string              `expr:"dir"`
	Name     string              `expr:"name"`
	NS       string              `expr:"ns"`
	Step     string              `expr:"step"`
	N        int                 `expr:"n"`
	Severity string              `expr:"severity"`
	Summary  string              `expr:"summary"`
	Raw      string              `expr:"raw"`
	Size     int                 `expr:"size"`
	Origin   string              `expr:"origin"`
	RTT      float64             `expr:"rtt"`
	Field    func(string) string `expr:"field"`
	Stanza   bool                `expr:"stanza"`
	From     string              `expr:"from"`
	To       string              `expr:"to"`
	ID       string              `expr:"id"`
	Type     string              `expr:"type"`
}

// FilterHelp says, in lines, what a filter can name.
const FilterHelp = `session seq kind leg dir name ns step n severity summary raw size origin
rtt (milliseconds) stanza (true for message, presence, iq) field("jid")
from to id type (of the element itself; field() finds its other attributes too)
examples: name == "iq" && raw contains "roster"   step startsWith "sasl"
          severity in ["warning", "error"]        dir == "c2s" && stanza`

// FilterNames lists the names that a filter can use, for completion.
func FilterNames() []string {
	var out []string
	env := reflect.TypeFor[filterEnv]()
	for i := range env.NumField() {
		name := env.Field(i).Tag.Get("expr")
		if env.Field(i).Type.Kind() == reflect.Func {
			name += `("`
		}
		out = append(out, name)
	}
	return out
}

// CompileFilter turns an expression (https://expr-lang.org) into a test of
// events. The test is not safe for use by several goroutines at once. An event on
// which the expression fails to run is not matched.
func CompileFilter(source string) (func(*Event) bool, error) {
	program, err := expr.Compile(source, expr.Env(filterEnv{}), expr.AsBool())
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%s, in the filter %q", first, source)
	}
	var machine vm.VM
	return func(e *Event) bool {
		out, err := machine.Run(program, envOf(e))
		ok, isBool := out.(bool)
		return err == nil && isBool && ok
	}, nil
}

func envOf(e *Event) filterEnv {
	shown := Blank(*e)
	env := filterEnv{
		Session: e.Session, Seq: int(e.Seq), Kind: e.Kind(), Leg: e.Leg.String(), Dir: e.Dir.String(),
		Name: e.Name, NS: e.Space, Severity: e.Worst().String(), Summary: e.Summary,
		Raw: string(shown.Raw), Size: int(e.Size), Origin: e.Origin, RTT: millis(e.RTT),
	}
	attrs := StartTag(shown.Raw)
	env.From, env.To, env.ID, env.Type = attrs["from"], attrs["to"], attrs["id"], attrs["type"]
	env.Field = func(name string) string {
		if v, ok := shown.Field(name); ok {
			return v
		}
		return attrs[name]
	}
	if e.Step != nil {
		env.Step, env.N = e.Step.ID, e.Step.N
	}
	switch e.Name {
	case "message", "presence", "iq":
		_, env.Stanza = e.Body.(StreamElement)
	}
	return env
}
