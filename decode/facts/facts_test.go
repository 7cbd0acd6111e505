package facts_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xmppscope/decode/facts"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// labs calls do with every recording of real logins.
func labs(t *testing.T, do func(t *testing.T, name string, events []session.Event)) {
	for _, name := range xmpptest.Recordings(t) {
		t.Run(name, func(t *testing.T) { do(t, name, xmpptest.Play(t, xmpptest.Recording(t, name))) })
	}
}

var tripsSaid = regexp.MustCompile(`([0-9]+) round trips`)

// TestRealLogins: what is gathered of real logins agrees with their verdict, and
// with what is known of them.
func TestRealLogins(t *testing.T) {
	labs(t, func(t *testing.T, name string, events []session.Event) {
		l := facts.Of(events)
		bad := strings.Contains(name, "-bad")
		if l.LoggedIn() == bad || (l.JID == "") != bad || l.In.IsZero() != bad {
			t.Errorf("logged in is %v as %q at %v", l.LoggedIn(), l.JID, l.In)
		}
		if said := tripsSaid.FindStringSubmatch(l.Verdict); !bad && (said == nil || said[1] != fmt.Sprint(l.Trips)) {
			t.Errorf("%d round trips, but the verdict says %q", l.Trips, l.Verdict)
		}
		accepted := slices.ContainsFunc(l.Attempts, func(a facts.Attempt) bool { return a.Accepted && a.Phase == facts.InTLS })
		if accepted == bad {
			t.Errorf("attempts: %+v", l.Attempts)
		}
		want := map[bool]string{true: "host-unknown", false: "not-authorized"}[strings.Contains(name, "-badhost")]
		if known := !strings.Contains(name, "-badca"); bad && known && (l.Cause == nil || l.Cause.Condition != want) {
			t.Errorf("cause: %+v", l.Cause)
		}
		for _, a := range l.Attempts {
			if !slices.Contains(a.Offered, a.Mechanism) {
				t.Errorf("%s was not among %v", a.Mechanism, a.Offered)
			}
		}
	})
}

// TestBlanked: facts are the same where secrets were blanked before, but for what
// tells one secret from another.
func TestBlanked(t *testing.T) {
	labs(t, func(t *testing.T, name string, events []session.Event) {
		want := facts.Of(events).Rungs
		for i := range events {
			events[i] = session.Blank(events[i])
		}
		if d := cmp.Diff(want, facts.Of(events).Rungs, cmpopts.IgnoreFields(facts.Secret{}, "Digest")); d != "" {
			t.Errorf("(-clear +blanked):\n%s", d)
		}
	})
}

// TestNoSecrets: no fact holds one. ("wrong", a password of the lab, is a word too.)
func TestNoSecrets(t *testing.T) {
	labs(t, func(t *testing.T, name string, events []session.Event) {
		text := fmt.Sprintf("%+v", facts.Of(events))
		for _, e := range events {
			for _, s := range e.Secrets {
				if secret := string(e.Raw[s.Span.Start:s.Span.End]); len(secret) > 5 && strings.Contains(text, secret) {
					t.Errorf("it holds %q, a %s", secret, s.Kind)
				}
			}
			for _, n := range e.Notes {
				if n.Secret != "" && len(n.Value) > 5 && strings.Contains(text, n.Value) {
					t.Errorf("it holds %q, a %s", n.Value, n.Secret)
				}
			}
		}
	})
}

// TestLostBytes: where a recording has lost the bytes, the decoded fields do.
func TestLostBytes(t *testing.T) {
	labs(t, func(t *testing.T, name string, events []session.Event) {
		offers := len(facts.Of(events).Offers)
		for i := range events {
			events[i].Raw, events[i].Truncated = nil, true
		}
		l := facts.Of(events)
		if len(l.Offers) != offers || len(l.Attempts) > 0 && len(l.Attempts[0].Offered) == 0 {
			t.Errorf("%+v", l.Offers)
		}
	})
}

// TestEnds: how sessions that came to nothing are told.
func TestEnds(t *testing.T) {
	const open = "C: <stream:stream to='x.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n"
	for dialogue, want := range map[string]string{
		`*: {"kind":"tcp:failed","leg":"server","detail":{"target":"x","reason":"refused"}}`: " unreachable server",
		open + `*: {"kind":"tcp:closed","leg":"client","detail":{"by":"client"}}`:            " closed client",
		`*: {"kind":"tls:failed","leg":"client","detail":{"class":"ca-not-trusted","guilty":"client","reason":"x"}}` + "\n" +
			`*: {"kind":"tls:failed","leg":"server","detail":{"class":"other-leg-failed","guilty":"xmppscope","reason":"x"}}`: "tls ca-not-trusted client",
		open: "",
	} {
		l := facts.Of(xmpptest.Play(t, dialogue))
		got := ""
		if c := l.Cause; c != nil {
			got = c.Kind + " " + c.Condition + " " + c.By
		}
		if got != want || l.LoggedIn() {
			t.Errorf("%s\ngot %q, want %q", dialogue, got, want)
		}
	}
}

// TestWithoutClasses: in recordings of before fields had classes, too, what is another one
// each time decides nothing.
func TestWithoutClasses(t *testing.T) {
	events := xmpptest.Play(t, xmpptest.Recording(t, "profanity-prosody"))
	for i := range events {
		for k := range events[i].Notes {
			events[i].Notes[k].Class = session.Decides
		}
	}
	nonces := 0
	for _, r := range facts.Of(events).Rungs {
		for _, f := range r.Facts {
			if f.Name != "nonce" && f.Name != "salt" {
				continue
			}
			if nonces++; f.Class != session.Identifier {
				t.Errorf("step %d: %s is of class %q", r.N, f.Name, f.Class)
			}
		}
	}
	if nonces < 3 {
		t.Errorf("%d nonces and salts", nonces)
	}
}
