package expect_test

import (
	"fmt"
	"strings"
	"testing"

	"xmppscope/decode/expect"
	"xmppscope/decode/facts"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestOwnFacts: what is expected of a login as it went holds on it, and each single
// expectation fails if it is turned into another.
func TestOwnFacts(t *testing.T) {
	judged := 0
	for _, name := range xmpptest.Recordings(t) {
		events := xmpptest.Play(t, xmpptest.Recording(t, name))
		for _, own := range ownFacts(facts.Of(events)) {
			for i, line := range own {
				judged++
				r := hold(parse(t, line+"\n"), events)
				if r.OK() != (i == 0) || r.Results[0].Status == expect.Unknown {
					t.Errorf("%s: %s: %+v", name, line, r.Results)
				}
			}
		}
	}
	if judged < 400 {
		t.Errorf("only %d expectations were judged", judged)
	}
}

// ownFacts are expectations that hold on a login, each with one like it that does not.
func ownFacts(l facts.Login) (out [][2]string) {
	add := func(format string, right, wrong any) {
		out = append(out, [2]string{fmt.Sprintf(format, right), fmt.Sprintf(format, wrong)})
	}
	if c := l.Cause; c != nil {
		add("outcome = %q", "failure", "success")
		add("condition = %q", c.Condition, c.Condition+"-not")
	}
	if l.LoggedIn() {
		took := l.In.Sub(l.Began)
		add("outcome = %q", "success", "failure")
		add("login_within = %q", took, took-1)
		add("round_trips_at_most = %d", l.Trips, l.Trips-1)
		account, resource, _ := strings.Cut(l.JID, "/")
		add("account = %q", account, "x"+account)
		add("resource = %q", resource, resource+"x")
		add("stream_management = %v", l.Managed > 0, l.Managed == 0)
	}
	if a := l.Accepted(); a != nil {
		add("mechanism = %q", a.Mechanism, "X-"+a.Mechanism)
		add("never_mechanism = %q", "X-"+a.Mechanism, a.Mechanism)
		add("attempts_at_most = %d", len(l.Attempts), len(l.Attempts)-1)
	}
	for _, o := range l.Offers {
		for _, m := range o.Mechanisms {
			add("offered = %q", m, m+"-X")
			add("not_offered = %q", m+"-X", m)
		}
		for _, f := range o.Features {
			add("features = %q", f.Space, f.Space+"x")
			add("no_features = %q", f.Local+"x", f.Local)
		}
	}
	if h := l.ServerTLS(); h != nil && h.Facts.Version == "TLS 1.2" && l.TLS[session.ClientLeg] != nil {
		add("tls_at_least = %q", "1.2", "1.3")
	}
	for _, f := range l.Findings {
		if !strings.ContainsAny(f.Rule, "\"") {
			add("no_rules = %q", f.Rule+"x", f.Rule)
		}
	}
	return out
}
