package experiment

import (
	"regexp"
	"slices"

	"xmppscope/decode"
	"xmppscope/internal/demo"
	"xmppscope/proxy"
	"xmppscope/session"
)

// What is taken out of features: mechanisms that bind the login to its TLS connection, and
// which types of that there are (XEP-0440).
var bindingOffers = regexp.MustCompile(`<mechanism[^>]*>[^<]*-PLUS\s*</mechanism>|<sasl-channel-binding[^>]*(/>|>.*?</sasl-channel-binding>)`)

func init() {
	add(Experiment{
		Name:   "plus-stripped",
		Title:  "somebody on the way takes the SCRAM-…-PLUS mechanisms out of the features",
		Good:   "says that it could have bound the login (\"y\"), so that the server notices; and sends no password instead",
		Ref:    "RFC 5802 §6",
		Needs:  "the server offers no -PLUS mechanism",
		Server: func(sc *demo.Scenario) { sc.Binds = true },
		Bend: func(_ *Trial, e *session.Event) proxy.Decision {
			if !is(e, "features") {
				return proxy.Decision{}
			}
			if less := bindingOffers.ReplaceAll(e.Raw, nil); len(less) < len(e.Raw) {
				return proxy.Decision{XML: less, Reason: "the -PLUS mechanisms are taken out of the features"}
			}
			return proxy.Decision{}
		},
		Judge: func(o *Outcome) Result {
			var flags []string
			for _, s := range append(o.later(), o.hit()) {
				flags = append(flags, s.flags...)
			}
			said := slices.Contains(flags, "y")
			if weaker := o.fellBack(); weaker != "" {
				return result(Bad, "%s", weaker)
			}
			all := o.attempts()
			switch {
			case len(all) > 0 && decode.MechanismOf(all[0].Mechanism).Sends != "":
				return result(Weak, "it logged in with %s, which hands over what it proves itself with, and binds nothing to TLS", session.ShortLine(all[0].Mechanism))
			case said:
				return result(Good, "it said \"y\": it could have bound the login, and the server can tell that the offer was taken away%s", o.end())
			case slices.Contains(flags, "n"):
				return result(Weak, "it said \"n\", that it cannot bind: either it cannot, or nobody can notice that the offer was taken away")
			}
			return result(Weak, "it did not log in with SCRAM%s", o.end())
		},
	})
}
