package bend

import (
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

// Rule is one of a file.
type Rule struct {
	Name string
	// Action is what it does, and Warning which clients remember that, "" if none do.
	Action, Warning string

	is          func(*session.Event) bool // its filter; nil is always
	kinds       bool                      // it speaks of other things than elements, too
	dir         session.Dir
	session     int
	step        string
	after       int // elements that are let pass first
	first       int // then only so many; 0 is all
	every       int // every so many
	probability float64
	seed        uint64
	do          do
}

// do is what an action does about an element.
type do func(*match) proxy.Decision

// match is an element of which a rule speaks.
type match struct {
	rule  *Rule
	dir   session.Dir
	raw   []byte // as it stands; not to be changed
	event *session.Event
	scope decode.Scope // of its stream
	most  int          // bytes that may come of it
}

// root is the element's tree; nil if it has none.
func (m *match) root() *session.Element {
	root, _ := decode.Parse(m.raw, m.scope)
	return root
}

// changed is the element as other bytes.
func (m *match) changed(xml []byte, format string, a ...any) proxy.Decision {
	switch {
	case len(xml) > m.most:
		return tooMuch
	case string(xml) == string(m.raw):
		return proxy.Decision{}
	}
	return proxy.Decision{XML: xml, Reason: fmt.Sprintf(format, a...)}
}

// tooMuch is what becomes of an element that would grow beyond all bounds.
var tooMuch = proxy.Decision{Bent: true, Reason: "it was not changed: too much would come of it"}

// edit is a part of an element that becomes another text.
type edit struct {
	session.Span
	with string
}

// edited makes edits, which stand in order, all at once.
func (m *match) edited(edits []edit, format string, a ...any) proxy.Decision {
	size := len(m.raw)
	for _, e := range edits {
		if size += len(e.with) - e.Len(); size > m.most {
			return tooMuch
		}
	}
	out, at := make([]byte, 0, size), 0
	for _, e := range edits {
		out = append(append(out, m.raw[at:e.Start]...), e.with...)
		at = e.End
	}
	return m.changed(append(out, m.raw[at:]...), format, a...)
}

// said is something that a rule says, made of a template.
func (m *match) said(template string, s proxy.Sending, d proxy.Decision) proxy.Decision {
	xml, ok := fill(template, m.event)
	if !ok {
		return proxy.Decision{Bent: true, Reason: "nothing was said: too much would come of it"}
	}
	s.XML = xml
	d.Sends = []proxy.Sending{s}
	return d
}

// bent is something that is done to the connection.
func bent(reason string, b proxy.Bend) proxy.Decision {
	return proxy.Decision{Bends: []proxy.Bend{b}, Bent: true, Reason: reason}
}

// isOf says whether a rule speaks of an element, as far as that is no question of its
// filter. Words are cheaper than filters. Of headers and ends of streams only those speak that
// ask for the kind or such a step.
func (r *Rule) isOf(e *session.Event) bool {
	if _, element := e.Body.(session.StreamElement); !element && !r.kinds {
		return false
	}
	if r.dir != session.NoDir && r.dir != e.Dir || r.session != 0 && r.session != e.Session {
		return false
	}
	if r.step == "" {
		return true
	}
	return e.Step != nil && (e.Step.ID == r.step || strings.HasPrefix(e.Step.ID, r.step+"-"))
}
