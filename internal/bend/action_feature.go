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
				var edits []edit
				var said []string
				for c := range root.Elements() {
					if !slices.Contains(take, c.Name.Local) && !slices.Contains(take, c.Name.Space) {
						continue
					}
					edits = append(edits, edit{Span: c.Span})
					if len(said) < maxTold {
						said = append(said, "<"+c.Name.Local+"> was taken out")
					}
				}
				if put != "" {
					xml, ok := fill(put, m.event)
					if !ok {
						return tooMuch
					}
					said = append(said, "a feature was put in")
					edits = append(edits, asChild(m.raw, root, string(xml)))
				}
				return m.edited(edits, "%s", strings.Join(said, ", "))
			}
		},
	}
}

// maxTold bounds the features that it is told of one by one that they were taken out.
const maxTold = 20

// asChild puts another child into an element, at its end.
func asChild(raw []byte, root *session.Element, xml string) edit {
	if root.Tag == root.Span { // <features/>
		end := bytes.LastIndexByte(raw[:root.Span.End], '/')
		return edit{session.Span{Start: end, End: root.Span.End}, ">" + xml + "</" + root.Name.Qualified() + ">"}
	}
	end := max(bytes.LastIndex(raw[:root.Span.End], []byte("</")), root.Tag.End)
	return edit{session.Span{Start: end, End: end}, xml}
}
