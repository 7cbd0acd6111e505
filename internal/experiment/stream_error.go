package experiment

import (
	"xmppscope/proxy"
	"xmppscope/session"
)

// streamErrors are the conditions with which a server ends sessions under way, and what a
// client should make of each (RFC 6120 §4.9.3).
var streamErrors = []struct {
	condition, good, ref string
	judge                func(*Outcome) Result
	patient              bool
}{
	{"conflict", "stays away: another program of the same account has its resource", "RFC 6120 §4.9.3.3", staysAway, true},
	{"host-gone", "does not come back in a hurry: the domain is served here no more", "RFC 6120 §4.9.3.5", backsOff, true},
	{"internal-server-error", "comes back, after a pause", "RFC 6120 §4.9.3.8, §3.3", comesBack, false},
	{"policy-violation", "does not come back in a hurry: it did something wrong", "RFC 6120 §4.9.3.14", backsOff, true},
	{"reset", "comes back and logs in anew", "RFC 6120 §4.9.3.16", comesBack, false},
	{"resource-constraint", "does not come back in a hurry: the server has too much to do", "RFC 6120 §4.9.3.17", backsOff, true},
	{"system-shutdown", "comes back, after a pause", "RFC 6120 §4.9.3.20, §3.3", comesBack, false},
	{"undefined-condition", "comes back, after a pause", "RFC 6120 §4.9.3.21, §3.3", comesBack, false},
}

func init() {
	for _, s := range streamErrors {
		reason := "the server ends the stream with " + s.condition
		add(Experiment{
			Name: "stream-error-" + s.condition, Title: reason, Good: s.good, Ref: s.ref,
			Needs: "the client has not used its session",
			Bend: func(t *Trial, e *session.Event) proxy.Decision {
				if t.isServed(e) && t.before() {
					return broken(e.Raw, reason, s.condition, "")
				}
				return proxy.Decision{}
			},
			Judge: s.judge, Patient: s.patient,
		})
	}
}
