package session

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// filterEnv is what a filter expression can name. Values are as shown: secrets
// are blanked before the expression sees them.
type filterEnv struct {
	Session   int                 `expr:"session"`
	Seq       int                 `expr:"seq"`
	Kind      string              `expr:"kind"`
	Leg       string              `expr:"leg"`
	Conn      int                 `expr:"conn"`
	Dir       string              `expr:"dir"`
	Name      string              `expr:"name"`
	NS        string              `expr:"ns"`
	From      string              `expr:"from"`
	To        string              `expr:"to"`
	Bare      string              `expr:"bare"`
	ID        string              `expr:"id"`
	Type      string              `expr:"type"`
	Body      string              `expr:"body"`
	Payload   string              `expr:"payload"`
	Condition string              `expr:"condition"`
	Step      string              `expr:"step"`
	N         int                 `expr:"n"`
	Severity  string              `expr:"severity"`
	Summary   string              `expr:"summary"`
	Raw       string              `expr:"raw"`
	Size      int                 `expr:"size"`
	Origin    string              `expr:"origin"`
	RTT       float64             `expr:"rtt"`
	Field     func(string) string `expr:"field"`
	Stanza    bool                `expr:"stanza"`
}

// FilterHelp says, in lines, what a filter can name.
const FilterHelp = `session seq kind leg dir name ns step n severity summary raw size origin
conn: which connection, where a session (of BOSH) has several
from to id type: attributes of the element
bare: the peer without its resource      body: a message's text
payload: the first child's namespace, or else its name
condition: why it was refused            rtt: milliseconds since the request
stanza: it is a message, presence or iq  field("jid"): what was decoded
@errors @slow @messages @presence, and @NAME: a filter that was saved by a name
examples: name == "iq" && payload == "jabber:iq:roster"
          bare == "romeo@montague.example" && body != ""
          severity in ["warning", "error"]      dir == "c2s" && stanza
          step startsWith "sasl"                rtt > 200`

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

// maxFilter bounds an expression: what its parser takes grows faster than it is long.
const maxFilter = 16 << 10

// CompileFilter turns an expression (https://expr-lang.org) into a test of
// events, which several goroutines may use at once. An event on which the expression fails to
// run is not matched. Of named filters it knows CommonFilters; Naming knows more.
func CompileFilter(source string) (func(*Event) bool, error) {
	if len(source) > maxFilter {
		return nil, fmt.Errorf("a filter has at most %d bytes, and this one has %d", maxFilter, len(source))
	}
	source, err := Naming(nil).Put(source)
	if err != nil {
		return nil, err
	}
	program, err := expr.Compile(source, expr.Env(new(filterEnv)), expr.AsBool())
	if err != nil {
		return nil, fmt.Errorf("%s (in the filter %q)", whyNot(source, err), source)
	}
	words := wordsOf(program.Node())
	if words.nested {
		return nil, fmt.Errorf("one loop inside another takes too long where there are many events (in the filter %q)", source)
	}
	var wants wants
	for _, word := range slices.AppendSeq(words.used, maps.Keys(words.fields)) {
		wants.add(word)
	}
	rooms := sync.Pool{New: func() any {
		f := &filter{wants: wants}
		f.env.Field = f.field
		return f
	}}
	return func(e *Event) bool {
		f := rooms.Get().(*filter)
		f.set(e)
		out, err := f.machine.Run(program, &f.env)
		f.shown = Event{} // nothing of it is held
		rooms.Put(f)
		is, isBool := out.(bool)
		return err == nil && isBool && is
	}, nil
}

// whyNot says what is wrong with an expression, and what a name in it that is not known
// was probably meant to be.
func whyNot(source string, wrong error) string {
	first, _, _ := strings.Cut(wrong.Error(), "\n")
	tree, err := parser.Parse(source)
	if err != nil {
		if strings.Contains(first, "unexpected token EOF") {
			return "it ends where something is missing"
		}
		for wrote, meant := range slips {
			if strings.Contains(first, wrote) {
				return first + ": did you mean " + meant + "?"
			}
		}
		return first
	}
	names := wordsOf(tree.Node)
	for _, word := range names.used {
		if filterIndex[word] > 0 || names.declared[word] {
			continue
		}
		if names.compared[word] {
			return fmt.Sprintf("there is no %q: did you mean the text, in quotes?", word)
		}
		if near := Nearest(word, slices.Sorted(maps.Keys(filterIndex))); near != "" {
			return fmt.Sprintf("there is no %q: did you mean %s?", word, near)
		}
		return fmt.Sprintf("there is no %q", word)
	}
	return first
}

// slips are what people write who think of other languages, as the parser tells of it.
var slips = map[string]string{
	`Operator("=")`: "==", `Operator("&")`: "&&", `Operator("!")`: "!=", `Operator(">")`: "!=",
	`Identifier("AND")`: "and", `Identifier("OR")`: "or", `Identifier("is")`: "==",
}

// words are the names in an expression.
type words struct {
	used     []string
	fields   map[string]bool // that field() is asked for
	declared map[string]bool // by let, and the functions of the language
	compared map[string]bool // what something is compared with
	nested   bool            // something is looped over inside of a loop
}

func wordsOf(node ast.Node) words {
	w := words{declared: map[string]bool{}, fields: map[string]bool{}, compared: map[string]bool{}}
	for _, f := range builtin.Builtins {
		w.declared[f.Name] = true
	}
	ast.Walk(&node, &w)
	return w
}

// Visit implements ast.Visitor.
func (w *words) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		w.used = append(w.used, n.Value)
	case *ast.BinaryNode:
		if right, ok := n.Right.(*ast.IdentifierNode); ok {
			w.compared[right.Value] = true
		}
	case *ast.VariableDeclaratorNode:
		w.declared[n.Name] = true
	case *ast.PredicateNode:
		loops := 0
		ast.Walk(node, counter{&loops})
		w.nested = w.nested || loops > 1
	case *ast.CallNode:
		if f, ok := n.Callee.(*ast.IdentifierNode); !ok || f.Value != "field" {
			return
		}
		w.fields[fieldAsked(n)] = true
	}
}

// counter counts loops.
type counter struct{ loops *int }

// Visit implements ast.Visitor.
func (c counter) Visit(node *ast.Node) {
	if _, ok := (*node).(*ast.PredicateNode); ok {
		*c.loops++
	}
}

// fieldAsked is the name that field() is called with, "$env" if only the event will tell.
func fieldAsked(call *ast.CallNode) string {
	for _, arg := range call.Arguments {
		if s, ok := arg.(*ast.StringNode); ok {
			return s.Value
		}
	}
	return "$env"
}

// filterIndex is where filterEnv has a name, counted from 1.
var filterIndex = func() map[string]int {
	at := map[string]int{}
	env := reflect.TypeFor[filterEnv]()
	for i := range env.NumField() {
		at[env.Field(i).Tag.Get("expr")] = i + 1
	}
	return at
}()

// filter is an expression, with what it is asked about. Values are worked out only as far
// as the expression names them: a million events are to be asked within seconds.
type filter struct {
	env     filterEnv
	machine vm.VM
	shown   Event // the event that is asked about, without its secrets
	wants   wants
}

// wants is what an expression needs that takes time to work out.
type wants struct{ blanked, columns, children, severity, condition, raw bool }

func (w *wants) add(word string) {
	switch word {
	case "from", "to", "bare", "id", "type":
		w.blanked, w.columns = true, true
	case "body", "payload":
		w.blanked, w.columns, w.children = true, true, true
	case "condition":
		w.blanked, w.condition = true, true
	case "raw":
		w.blanked, w.raw = true, true
	case "summary", "field":
		w.blanked = true
	case "severity":
		w.severity = true
	case "$env": // any of them
		*w = wants{true, true, true, true, true, true}
	}
}

// set makes the environment that of an event.
func (f *filter) set(e *Event) {
	f.shown = *e
	if f.wants.blanked {
		f.shown = Blank(*e)
	}
	env := &f.env
	*env = filterEnv{
		Session: e.Session, Seq: int(e.Seq), Kind: e.Kind(), Leg: e.Leg.String(), Conn: int(e.Conn), Dir: e.Dir.String(),
		Name: e.Name, NS: e.Space, Summary: f.shown.Summary, Size: int(e.Size), Origin: e.Origin, RTT: millis(e.RTT), Field: env.Field,
	}
	if f.wants.severity {
		env.Severity = e.Worst().String()
	}
	if f.wants.raw {
		env.Raw = string(f.shown.Raw)
	}
	if f.wants.columns {
		c := ColumnsOf(&f.shown, f.wants.children)
		env.From, env.To, env.ID, env.Type, env.Body, env.Payload = c.From, c.To, c.ID, c.Type, c.Body, c.Payload
		peer := c.To
		if e.Dir == S2C {
			peer = c.From
		}
		env.Bare = BareJID(peer)
	}
	if f.wants.condition {
		env.Condition, _ = f.shown.Field(FieldCondition)
	}
	if e.Step != nil {
		env.Step, env.N = e.Step.ID, e.Step.N
	}
	if IsStanza(e.Name) {
		_, env.Stanza = e.Body.(StreamElement)
	}
}

// FilterValues are what a filter's names stand for at an event, as shown; "" for a name that
// there is not.
func FilterValues(e *Event) func(name string) string {
	f := new(filter)
	f.wants.add("$env")
	f.set(e)
	return func(name string) string {
		i := filterIndex[name]
		if i == 0 || name == "field" {
			return ""
		}
		return fmt.Sprint(reflect.ValueOf(&f.env).Elem().Field(i - 1).Interface())
	}
}

// field is what was decoded under a name, or else what the filter itself has under it, or
// the element's attribute.
func (f *filter) field(name string) string {
	if v, ok := f.shown.Field(name); ok {
		return v
	}
	i := filterIndex[name]
	if i == 0 || name == "field" {
		return StartTag(f.shown.Raw)[name]
	}
	return fmt.Sprint(reflect.ValueOf(&f.env).Elem().Field(i - 1).Interface())
}
