package sasl

import (
	"slices"

	"xmppscope/decode"
)

// Remark is a kind of note that has an id of its own, though it is made by one of
// the package's rules.
type Remark struct {
	ID    string // Note.Rule: "sasl-scram"
	Title string
}

// Remarks lists what may speak beside Rules and the numbered checks: the families
// of mechanisms, and what holds for several of them.
func Remarks() []Remark {
	var out []Remark
	for _, m := range decode.Mechanisms() {
		if r := (Remark{m.ID, m.Title}); !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return append(out, Remark{unknown.ID, unknown.Title},
		Remark{decode.RuleVerify, "messages held against the account's password"}, Remark{ruleJWT, "JSON Web Tokens"})
}
