package session

import "iter"

// Name is an expanded XML name with the prefix it was written with.
type Name struct{ Space, Local, Prefix string }

// Qualified is the name as it was written: "stream:features".
func (n Name) Qualified() string {
	if n.Prefix != "" {
		return n.Prefix + ":" + n.Local
	}
	return n.Local
}

// IsStanza says whether this is the local name of a stanza (RFC 6120 §8).
func IsStanza(local string) bool {
	return local == "message" || local == "presence" || local == "iq"
}

// Attr is one attribute as it was written; namespace declarations are attributes
// too (Prefix "xmlns", or Local "xmlns"). Value is unescaped.
type Attr struct {
	Name  Name
	Value string
	Span  Span // of the whole attribute, name to closing quote
	Quote Span // of the value between the quotes
}

// Element is the tree of one element, for looking and never for sending:
// forwarding always uses the raw bytes. Spans point into Event.Raw.
type Element struct {
	Name  Name
	Attrs []Attr
	Nodes []Node // children and text in document order
	Span  Span   // the whole element
	Tag   Span   // its start tag
}

// Node is a child element, or a run of text (Element is nil).
type Node struct {
	Element *Element
	Text    string // unescaped
	Span    Span
}

// Attr returns the value of the attribute that has no prefix and this local name.
func (e *Element) Attr(local string) string {
	v, _ := e.LookupAttr(local)
	return v
}

// LookupAttr is Attr, and says whether the attribute is there.
func (e *Element) LookupAttr(local string) (string, bool) {
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name.Local == local && a.Name.Prefix == "" {
			return a.Value, true
		}
	}
	return "", false
}

// AttrSpan is the span of the attribute's value, for notes that point at it.
func (e *Element) AttrSpan(local string) Span {
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name.Local == local && a.Name.Prefix == "" {
			return a.Quote
		}
	}
	return Span{}
}

// Text joins the text directly in the element, without that of its children.
func (e *Element) Text() string {
	var out string
	for i := range e.Nodes {
		if e.Nodes[i].Element == nil {
			out += e.Nodes[i].Text
		}
	}
	return out
}

// TextSpan covers everything between the start tag and the end tag.
func (e *Element) TextSpan() Span {
	if len(e.Nodes) == 0 {
		return Span{}
	}
	return Span{e.Nodes[0].Span.Start, e.Nodes[len(e.Nodes)-1].Span.End}
}

// Child returns the first child with this namespace and local name, or nil. An
// empty space matches any namespace.
func (e *Element) Child(space, local string) *Element {
	for i := range e.Nodes {
		c := e.Nodes[i].Element
		if c != nil && c.Name.Local == local && (space == "" || c.Name.Space == space) {
			return c
		}
	}
	return nil
}

// Children returns the child elements in order.
func (e *Element) Children() []*Element {
	var out []*Element
	for i := range e.Nodes {
		if c := e.Nodes[i].Element; c != nil {
			out = append(out, c)
		}
	}
	return out
}

// Elements goes through the child elements in order; it is Children for a loop, and
// makes no slice.
func (e *Element) Elements() iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		for i := range e.Nodes {
			if c := e.Nodes[i].Element; c != nil && !yield(c) {
				return
			}
		}
	}
}

// First returns the first child element, or nil.
func (e *Element) First() *Element {
	for i := range e.Nodes {
		if c := e.Nodes[i].Element; c != nil {
			return c
		}
	}
	return nil
}
