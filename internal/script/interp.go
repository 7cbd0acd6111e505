package script

import (
	"errors"
	"fmt"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"

	"xmppscope/decode"
	"xmppscope/session"
)

// onSession is called when a session has begun.
const onSession = "on_session"

// hooks are the functions that a script may have, and which elements they are called for.
var hooks = []struct {
	name   string
	params int
	when   func(*Element) bool
}{
	{onSession, 1, func(*Element) bool { return false }},
	{"on_element", 2, func(*Element) bool { return true }},
	{"on_step", 2, func(e *Element) bool { return e.Step != "" }},
	{"on_answer", 2, func(e *Element) bool { return e.Answers }},
}

// Interp is a script that has been read. It is used by one goroutine.
type Interp struct {
	globals  starlark.StringDict
	sessions map[int]*starlarkstruct.Struct
}

// maxSessions bounds the sessions of which state is kept.
const maxSessions = 10_000

// Load reads a script, and runs what stands outside of its functions.
func Load(name string, text []byte) (*Interp, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: a script has at most %d bytes", name, maxFile)
	}
	in := &Interp{sessions: map[int]*starlarkstruct.Struct{}}
	c := &call{loading: true}
	names := starlark.StringDict{
		"note": starlark.NewBuiltin("note", note), "inject": starlark.NewBuiltin("inject", inject),
		"drop": starlark.NewBuiltin("drop", drop), "replace": starlark.NewBuiltin("replace", replace), "delay": starlark.NewBuiltin("delay", delay),
		"state": starlark.NewDict(0),
	}
	globals, err := starlark.ExecFileOptions(&syntax.FileOptions{While: true, TopLevelControl: true, Recursion: true}, c.thread(), name, text, names)
	if err != nil {
		return nil, inWords(err)
	}
	in.globals = globals
	for _, h := range hooks {
		v, ok := globals[h.name]
		f, is := v.(*starlark.Function)
		if ok && (!is || f.NumParams() != h.params) {
			return nil, fmt.Errorf("%s: %s has to be a function of %d parameters", name, h.name, h.params)
		}
	}
	if len(in.Hooks()) == 0 {
		return nil, fmt.Errorf("%s: it has none of the functions on_session, on_element, on_step, on_answer", name)
	}
	return in, nil
}

// Hooks are the functions that the script has.
func (in *Interp) Hooks() (out []string) {
	for _, h := range hooks {
		if _, ok := in.globals[h.name]; ok {
			out = append(out, h.name)
		}
	}
	return out
}

// call is what a script does while it decides about one element.
type call struct {
	reply   Reply
	loading bool // there is no session yet
}

const callKey = "call"

func (c *call) thread() *starlark.Thread {
	t := &starlark.Thread{Name: "script", Print: func(_ *starlark.Thread, text string) { c.note(text) }}
	t.SetLocal(callKey, c)
	t.SetMaxExecutionSteps(maxSteps)
	return t
}

func (c *call) note(text string) {
	if len(c.reply.Notes) < maxSaid {
		c.reply.Notes = append(c.reply.Notes, clip(text))
	}
}

func clip(s string) string {
	if len(s) > maxText {
		return s[:maxText]
	}
	return s
}

// Consider calls the script's functions for an element.
func (in *Interp) Consider(e Element) (r Reply) {
	c := &call{}
	defer func() {
		if failed := recover(); failed != nil {
			r = Reply{Error: fmt.Sprintf("it broke down: %v", failed)}
		}
	}()
	s := in.sessions[e.Session]
	if s == nil {
		if len(in.sessions) >= maxSessions {
			clear(in.sessions)
		}
		s = starlarkstruct.FromStringDict(starlark.String("session"), starlark.StringDict{
			"id": starlark.MakeInt(e.Session), "state": starlark.NewDict(0),
		})
		in.sessions[e.Session] = s
		if f := in.globals[onSession]; f != nil {
			if _, err := starlark.Call(c.thread(), f, starlark.Tuple{s}, nil); err != nil {
				return Reply{Error: inWords(err).Error()}
			}
		}
	}
	complete(&e)
	element := e.value()
	for _, h := range hooks {
		f := in.globals[h.name]
		if f == nil || !h.when(&e) {
			continue
		}
		v, err := starlark.Call(c.thread(), f, starlark.Tuple{s, element}, nil)
		if err != nil {
			c.reply.Error = inWords(err).Error()
			break
		}
		if err := c.decided(h.name, v); err != nil {
			c.reply.Error = err.Error()
			break
		}
	}
	return c.reply
}

// complete reads what scripts ask for most from the element's bytes.
func complete(e *Element) {
	root, _ := decode.Parse([]byte(e.Raw), nil)
	if root == nil {
		return
	}
	e.From, e.To, e.ID, e.Type = root.Attr("from"), root.Attr("to"), root.Attr("id"), root.Attr("type")
	if b := root.Child("", "body"); b != nil {
		e.Body = b.Text()
	}
}

func (e *Element) value() starlark.Value {
	fields := starlark.NewDict(len(e.Fields))
	for k, v := range e.Fields {
		fields.SetKey(starlark.String(k), starlark.String(v)) // a dict that is not frozen does not fail
	}
	out := starlark.StringDict{"fields": fields, "answers": starlark.Bool(e.Answers)}
	for name, v := range map[string]string{
		"dir": e.Dir, "kind": e.Kind, "name": e.Name, "ns": e.NS, "raw": e.Raw, "step": e.Step, "summary": e.Summary,
		"sender": e.From, "to": e.To, "id": e.ID, "type": e.Type, "body": e.Body,
	} {
		out[name] = starlark.String(v)
	}
	return starlarkstruct.FromStringDict(starlark.String("element"), out)
}

// verdict is what drop, replace and delay return.
type verdict struct {
	*starlark.Builtin
	apply func(*Reply)
}

// decided takes what a function has returned.
func (c *call) decided(name string, v starlark.Value) error {
	switch v := v.(type) {
	case starlark.NoneType:
	case verdict:
		v.apply(&c.reply)
	default:
		return fmt.Errorf("%s returned %s: want None, drop(), replace() or delay()", name, v.Type())
	}
	return nil
}

func drop(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	reason := "dropped"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "reason?", &reason); err != nil {
		return nil, err
	}
	return verdict{b, func(r *Reply) { r.Drop, r.Reason = true, clip(reason) }}, nil
}

func replace(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var xml string
	reason := "replaced"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "xml", &xml, "reason?", &reason); err != nil {
		return nil, err
	}
	if xml == "" || len(xml) > maxText {
		return nil, fmt.Errorf("replace: want from 1 to %d bytes, not %d", maxText, len(xml))
	}
	return verdict{b, func(r *Reply) { r.XML, r.Reason = xml, clip(reason) }}, nil
}

// longest is how long a script may hold an element.
const longest = 10 * time.Minute

func delay(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	reason := "delayed"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "time", &text, "reason?", &reason); err != nil {
		return nil, err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > longest {
		return nil, fmt.Errorf("delay: want a time such as \"2s\", up to %s", longest)
	}
	return verdict{b, func(r *Reply) { r.Delay, r.Reason = int64(d), clip(reason) }}, nil
}

func note(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text); err != nil {
		return nil, err
	}
	t.Local(callKey).(*call).note(text)
	return starlark.None, nil
}

func inject(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var dir, xml string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "dir", &dir, "xml", &xml); err != nil {
		return nil, err
	}
	c := t.Local(callKey).(*call)
	switch {
	case c.loading:
		return nil, errors.New("inject: there is no session yet")
	case dir != session.C2S.String() && dir != session.S2C.String():
		return nil, fmt.Errorf("inject: %q is no direction: want c2s or s2c", dir)
	case xml == "" || len(xml) > maxText:
		return nil, fmt.Errorf("inject: want from 1 to %d bytes, not %d", maxText, len(xml))
	case len(c.reply.Sends) >= maxSaid:
		return nil, fmt.Errorf("inject: %d things at once are the most", maxSaid)
	}
	c.reply.Sends = append(c.reply.Sends, Sending{dir, xml})
	return starlark.None, nil
}

// inWords is an error of a script with its place.
func inWords(err error) error {
	var eval *starlark.EvalError
	if errors.As(err, &eval) {
		for i := len(eval.CallStack) - 1; i >= 0; i-- {
			if at := eval.CallStack[i].Pos; at.Line > 0 {
				return fmt.Errorf("%s: %s", at, eval.Msg)
			}
		}
	}
	return err
}
