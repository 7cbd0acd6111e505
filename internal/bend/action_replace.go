package bend

import (
	"bytes"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["replace"] = action{
		says:  "text of the element, an attribute of it, the text of an element in it, or all of it becomes another",
		takes: []string{"text", "attribute", "element", "with", "xml"},
		make: func(p *params) do {
			text, attribute, element, with, whole := p.text("text"), p.text("attribute"), p.text("element"), p.text("with"), p.text("xml")
			n := 0
			for _, s := range []string{text, attribute, element, whole} {
				if s != "" {
					n++
				}
			}
			if n != 1 {
				p.fail("do", "it needs one of text, attribute, element and xml")
			}
			return func(m *match) proxy.Decision {
				switch {
				case whole != "":
					xml, ok := fill(whole, m.event)
					if !ok {
						return tooMuch
					}
					return m.changed(xml, "another in its place")
				case text != "" && len(m.raw)+bytes.Count(m.raw, []byte(text))*(len(with)-len(text)) > m.most:
					return tooMuch
				case text != "":
					return m.changed(bytes.ReplaceAll(m.raw, []byte(text), []byte(with)), "text was replaced")
				case attribute != "":
					return m.attribute(attribute, with)
				}
				return m.element(element, with)
			}
		},
	}
}

// attribute gives the top element's attribute another value.
func (m *match) attribute(name, value string) proxy.Decision {
	root, _ := decode.ParseTag(m.raw, m.scope)
	if root == nil {
		return proxy.Decision{}
	}
	if _, is := root.LookupAttr(name); is {
		return m.changed(root.AttrSpan(name).Replaced(m.raw, session.EscapeXML(value)), "the attribute %s was replaced", name)
	}
	at := root.Tag.Start + 1 + len(root.Name.Qualified())
	if at > len(m.raw) {
		return proxy.Decision{}
	}
	return m.changed(session.Span{Start: at, End: at}.Replaced(m.raw, " "+name+"='"+session.EscapeXML(value)+"'"), "the attribute %s was added", name)
}

// element gives the first element of a name another text.
func (m *match) element(name, text string) proxy.Decision {
	root := m.root()
	if root == nil {
		return proxy.Decision{}
	}
	e := find(root, name)
	if e == nil || e.TextSpan() == (session.Span{}) {
		return proxy.Decision{}
	}
	return m.changed(e.TextSpan().Replaced(m.raw, session.EscapeXML(text)), "the text of <%s> was replaced", name)
}

// find finds the first element of a local name.
func find(e *session.Element, name string) *session.Element {
	if e.Name.Local == name {
		return e
	}
	for c := range e.Elements() {
		if found := find(c, name); found != nil {
			return found
		}
	}
	return nil
}
