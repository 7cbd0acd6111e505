// Package script has elements decided about by a script of the user's (--script), in
// Starlark (https://github.com/bazelbuild/starlark): it reads what passes, notes, drops,
// replaces, delays, says something of its own, and keeps state.
//
// A script runs in a process of its own (host.go), so that whatever it does costs the relay
// nothing but the wait for its answer: its steps, its time and its memory are bounded, and
// one that goes beyond is told as an event and asked no more. Interp (interp.go) is the
// script itself, Gate (gate.go) what asks it.
package script

import "xmppscope/session"

// Bounds of a script.
const (
	maxSteps  = 200_000   // of one call
	maxFile   = 256 << 10 // bytes
	maxSaid   = 100       // things that one call notes or says
	maxText   = 64 << 10  // bytes of what it says
	maxMemory = 256 << 20 // bytes of its process
)

// Element is what a script sees of an element.
type Element struct {
	Session int               `json:"session"`
	Dir     string            `json:"dir"`
	Kind    string            `json:"kind"`
	Name    string            `json:"name"`
	NS      string            `json:"ns"`
	Raw     string            `json:"raw"`
	Step    string            `json:"step"`
	Summary string            `json:"summary"`
	From    string            `json:"from"`
	To      string            `json:"to"`
	ID      string            `json:"id"`
	Type    string            `json:"type"`
	Body    string            `json:"body"`
	Answers bool              `json:"answers"` // it answers a request
	Fields  map[string]string `json:"fields"`  // decoded, without secrets
}

// Reply is what a script decides about an element.
type Reply struct {
	Error  string    `json:"error,omitempty"` // why it failed
	Notes  []string  `json:"notes,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Drop   bool      `json:"drop,omitempty"`
	XML    string    `json:"xml,omitempty"` // goes on in the element's place
	Delay  int64     `json:"delay_ns,omitempty"`
	Sends  []Sending `json:"sends,omitempty"`
}

// Sending is something that a script says.
type Sending struct {
	Dir string `json:"dir"`
	XML string `json:"xml"`
}

// elementOf is what a script sees of an event.
func elementOf(e *session.Event) Element {
	out := Element{
		Session: e.Session, Dir: e.Dir.String(), Kind: e.Kind(), Name: e.Name, NS: e.Space, Raw: string(e.Raw),
		Summary: e.Summary, Answers: e.Answers > 0, Fields: map[string]string{},
	}
	if e.Step != nil {
		out.Step = e.Step.ID
	}
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Name != "" && n.Secret == "" {
			out.Fields[n.Name] = n.Value
		}
	}
	return out
}
