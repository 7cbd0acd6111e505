package bend

import (
	"slices"
	"strings"

	"xmppscope/proxy"
	"xmppscope/session"
)

const mechanismsWarning = "clients remember how a server lets them log in. Conversations and its forks refuse weaker mechanisms than before, until the account is removed and added again; " +
	"clients of SCRAM with XEP-0474 and those that pin channel binding see a downgrade and refuse the login; without -PLUS honest clients tell the server so, which ends the login there. Use an account that is made for this"

func init() {
	actions["mechanisms"] = action{
		says: "the server seems to offer these mechanisms, and no others", takes: []string{"only"}, warning: mechanismsWarning,
		make: func(p *params) do {
			only := p.list("only")
			if len(only) == 0 {
				p.fail("do", "it needs only = [\"PLAIN\"]")
			}
			return func(m *match) proxy.Decision {
				root := m.root()
				if root == nil || root.Name.Local != "features" {
					return proxy.Decision{}
				}
				return m.changed(offering(m.raw, root, only), "it offers %s alone", strings.Join(only, ", "))
			}
		},
	}
}

// offering is features with these mechanisms, wherever there are some (RFC 6120 §6.3.3,
// XEP-0388 §2.2). Edits go from the end to the beginning, so that spans hold.
func offering(raw []byte, root *session.Element, only []string) []byte {
	children := root.Children()
	for i := len(children) - 1; i >= 0; i-- {
		of := children[i]
		space := of.Name.Space
		if of.Name.Local != "mechanisms" && of.Name.Local != "authentication" {
			continue
		}
		all := slices.DeleteFunc(of.Children(), func(e *session.Element) bool { return e.Name.Local != "mechanism" || e.Name.Space != space })
		for k := len(all) - 1; k >= 0; k-- {
			with := ""
			if k == 0 {
				tag := all[0].Name.Qualified()
				for _, name := range only {
					with += "<" + tag + ">" + session.EscapeXML(name) + "</" + tag + ">"
				}
			}
			raw = all[k].Span.Replaced(raw, with)
		}
	}
	return raw
}
