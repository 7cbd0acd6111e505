package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

func init() {
	add(Experiment{
		Name:  "sasl-failure-temporary",
		Title: "the first login is refused for a passing reason (temporary-auth-failure)",
		Good:  "tries again, with the same password and no weaker mechanism",
		Ref:   "RFC 6120 §6.5.11",
		Needs: "the client has not logged in by SASL",
		Bend: func(t *Trial, e *session.Event) proxy.Decision {
			if asksBySASL(e) && t.before() {
				return inPlace("the login is refused with temporary-auth-failure", "%s", refusal(e, "temporary-auth-failure"))
			}
			return proxy.Decision{}
		},
		Judge: func(o *Outcome) Result {
			if weaker := o.fellBack(); weaker != "" {
				return result(Bad, "%s", weaker)
			}
			smaller := o.smallerHash()
			switch s := o.hit(); {
			case s.in() && smaller != "":
				return result(Weak, "it tried again on the same connection and logged in, %s", smaller)
			case s.in():
				return result(Good, "it tried again on the same connection and logged in")
			case o.back() != nil && smaller != "":
				return result(Weak, "it came back and logged in, %s", smaller)
			}
			return comesBack(o)
		},
	})
}
