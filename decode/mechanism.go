package decode

import (
	"slices"
	"strings"
)

// Mechanism is what all of xmppscope has to know of a family of SASL mechanisms. It is
// declared once, in the file of decode/sasl that decodes the family, and whoever asks
// about a mechanism asks MechanismOf. All but ID, Title, Ref and Names is optional.
type Mechanism struct {
	ID    string   // Note.Rule of its notes: "sasl-scram"
	Title string   // "SCRAM"
	Ref   string   // Note.Ref of notes that name no section of their own
	Names []string // its members that are in use, in upper case
	// Match says whether a name in upper case belongs to the family, where there are more
	// than Names.
	Match func(name string) bool

	// Sends is the credential that travels as it is, so that only TLS protects it:
	// "password" or "token".
	Sends string
	// Historic is why nobody should use it any more, as the rest of a sentence.
	Historic string
	// FAST says that it logs in with the tokens of FAST (XEP-0484).
	FAST bool
	// Certificate says that the client proves itself by its TLS certificate, which cannot
	// pass a man in the middle.
	Certificate bool
	// Binding is the type of channel binding that a member's name fixes, "" if it binds
	// nothing. Where it is nil, names that end in -PLUS bind, and the type is agreed on.
	Binding func(name string) string

	// Refused is the usual cause of not-authorized, and Retry what to do about it, where
	// no password is sent. Malformed is the usual cause of malformed-request.
	Refused, Retry, Malformed string
}

var mechanisms []Mechanism

// DeclareMechanism makes a family known. Package sasl calls it from init.
func DeclareMechanism(m Mechanism) { mechanisms = append(mechanisms, m) }

// Mechanisms are the families that are known, in the order of their ids.
func Mechanisms() []Mechanism {
	return slices.SortedStableFunc(slices.Values(mechanisms), func(a, b Mechanism) int { return strings.Compare(a.ID, b.ID) })
}

// MechanismOf is the family that a mechanism belongs to, with an empty ID if it is of
// none. Names are in upper case (RFC 4422 §3.1), but some clients do not know.
func MechanismOf(name string) Mechanism {
	name = strings.ToUpper(name)
	for i := range mechanisms {
		if mechanisms[i].has(name) {
			return mechanisms[i]
		}
	}
	return Mechanism{}
}

func (m *Mechanism) has(name string) bool {
	return slices.Contains(m.Names, name) || m.Match != nil && m.Match(name)
}

// IsPlus says whether a mechanism is the variant of another that binds the login to its
// TLS connection (RFC 5802 §4).
func IsPlus(mechanism string) bool { return strings.HasSuffix(strings.ToUpper(mechanism), "-PLUS") }

// BindsChannel says whether a mechanism ties the login to the TLS connection it runs in
// (RFC 5056): such a login cannot pass a man in the middle.
func BindsChannel(mechanism string) bool {
	kind, fixed := BindingOf(mechanism)
	return fixed && kind != "" || !fixed && IsPlus(mechanism)
}

// BindingOf is the type of channel binding that the name of a mechanism fixes, "" if it
// binds nothing; fixed is false where client and server agree on it.
func BindingOf(mechanism string) (kind string, fixed bool) {
	if m := MechanismOf(mechanism); m.Binding != nil {
		return m.Binding(strings.ToUpper(mechanism)), true
	}
	return "", false
}
