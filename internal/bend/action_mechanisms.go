package bend

import (
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
				return m.edited(offering(root, only, m.most), "it offers %s alone", session.ShortLine(strings.Join(only, ", ")))
			}
		},
	}
}

// offering has features offer these mechanisms, wherever there are some (RFC 6120 §6.3.3,
// XEP-0388 §2.2). It stops where more would come of it than may.
func offering(root *session.Element, only []string, most int) (edits []edit) {
	size := 0
	for of := range root.Elements() {
		if of.Name.Local != "mechanisms" && of.Name.Local != "authentication" {
			continue
		}
		first := true
		for e := range of.Elements() {
			if e.Name.Local != "mechanism" || e.Name.Space != of.Name.Space {
				continue
			}
			var with strings.Builder
			for tag, i := e.Name.Qualified(), 0; first && i < len(only); i++ {
				with.WriteString("<" + tag + ">" + session.EscapeXML(only[i]) + "</" + tag + ">")
			}
			first = false
			if size += with.Len(); size > 2*most {
				return append(edits, edit{e.Span, with.String()})
			}
			edits = append(edits, edit{e.Span, with.String()})
		}
	}
	return edits
}
