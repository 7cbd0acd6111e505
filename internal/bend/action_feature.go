package bend

import (
	"bytes"
	"slices"
	"strings"

	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	actions["feature"] = action{
		says: "features of the server are taken out (by name or namespace), or one is put in", takes: []string{"take", "put"},
		warning: "clients may remember what a server can do. Without <starttls/> good clients end the connection, and some remember that the server had it; without SASL2 or tls-server-end-point a login that was pinned is refused. Use an account that is made for this",
		make: func(p *params) do {
			take, put := p.list("take"), p.text("put")
			if len(take) == 0 && put == "" {
				p.fail("do", "it needs take = [\"starttls\"], or put = \"<xml/>\"")
			}
			return func(m *match) proxy.Decision {
				root := m.root()
				if root == nil || root.Name.Local != "features" {
					return proxy.Decision{}
				}
				raw, said := m.raw, []string{}
				if put != "" {
					said = append(said, "a feature was put in")
					raw = withChild(raw, root, string(fill(put, m.event)))
				}
				children := root.Children()
				for i := len(children) - 1; i >= 0; i-- {
					if c := children[i]; slices.Contains(take, c.Name.Local) || slices.Contains(take, c.Name.Space) {
						raw = c.Span.Replaced(raw, "")
						said = append(said, "<"+c.Name.Local+"> was taken out")
					}
				}
				return m.changed(raw, "%s", strings.Join(said, ", "))
			}
		},
	}
}

// withChild is an element with another child, at its end.
func withChild(raw []byte, root *session.Element, xml string) []byte {
	if root.Tag == root.Span { // <features/>
		end := bytes.LastIndexByte(raw[:root.Span.End], '/')
		return session.Span{Start: end, End: root.Span.End}.Replaced(raw, ">"+xml+"</"+root.Name.Qualified()+">")
	}
	end := bytes.LastIndex(raw[:root.Span.End], []byte("</"))
	if end < 0 {
		return raw
	}
	return session.Span{Start: end, End: end}.Replaced(raw, xml)
}
