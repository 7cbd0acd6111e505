package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "account-disabled",
		Title: "every login is refused because the account is disabled",
		Good:  "tells its user, and does not try again with the same account",
		Ref:   "RFC 6120 §6.5.2",
		Needs: "the client has not logged in by SASL",
		Bend: func(_ *Trial, e *session.Event) proxy.Decision {
			if asksBySASL(e) {
				return inPlace("the login is refused with account-disabled", "%s", refusal(e, "account-disabled"))
			}
			return proxy.Decision{}
		},
		Judge: func(o *Outcome) Result {
			if weaker := o.fellBack(); weaker != "" {
				return result(Bad, "%s", weaker)
			}
			switch n := len(o.attempts()); {
			case n > 3:
				return result(Bad, "it tried %d times within %s%s", n, o.watched(), o.end())
			case n > 1:
				return result(Weak, "it tried %d times within %s%s", n, o.watched(), o.end())
			}
			return result(Good, "it tried once%s", o.end())
		},
		Patient: true,
	})
}
