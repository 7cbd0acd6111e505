package demo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Default is the name of the scenario that plays when none is asked for.
const Default = "google"

// Scenario is one login, told to both ends: what the server offers and knows, and
// what the client does with it. The zero value of a field leaves that part out.
type Scenario struct {
	Name  string // what --scenario takes: "google"
	Title string // one line for a person

	Domain   string   // the stream's "to", and the name in the server's certificate
	Google   bool     // headers and ids as Google Talk wrote them
	Clear    []string // mechanisms offered before TLS, beside STARTTLS (required)
	Offered  []string // mechanisms offered inside TLS
	Session  bool     // RFC 3921's session is offered and used
	Managed  bool     // stream management is offered, with resumption (XEP-0198)
	Binds    bool     // SCRAM-SHA-256-PLUS is offered, with tls-exporter (RFC 9266)
	User     string   // the account's authcid: "alice", or a bare JID
	Password string   // what the server knows
	Token    string   // what the server accepts with X-GOOGLE-TOKEN

	Mechanism string // what the client picks
	Types     string // the password that the client types; "" is the right one
	Resource  string // what the client asks to be bound to
	Contact   string // bare JID of the bot on the roster, which answers messages
	Says      string // what the client writes to the contact
	Refused   bool   // the login is meant to be refused
}

var scenarios []Scenario

// Scenarios returns all scenarios, the default one first.
func Scenarios() []Scenario {
	out := slices.Clone(scenarios)
	slices.SortFunc(out, func(a, b Scenario) int {
		switch Default {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return out
}

// Find returns the scenario with this name; the error lists the names there are.
func Find(name string) (Scenario, error) {
	var names []string
	for _, sc := range Scenarios() {
		if sc.Name == name {
			return sc, nil
		}
		names = append(names, sc.Name)
	}
	return Scenario{}, fmt.Errorf("demo: no scenario %q: there are %s", name, strings.Join(names, ", "))
}

// bare is the account's bare JID: Google Talk's users typed all of it, others
// only the part before the domain.
func (sc Scenario) bare() string {
	if strings.Contains(sc.User, "@") {
		return sc.User
	}
	return sc.User + "@" + sc.Domain
}

// typed is the password that the client sends.
func (sc Scenario) typed() string { return cmp.Or(sc.Types, sc.Password) }
