package xmpptest_test

import (
	"regexp"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

func labEvents(t *testing.T, name string) []session.Event {
	t.Helper()
	return xmpptest.Play(t, xmpptest.Recording(t, name))
}

// TestGoodLogins: a login between real peers that worked gives no error, and a
// warning only where one is due.
func TestGoodLogins(t *testing.T) {
	due := map[string]string{
		"A18": "ejabberd and Prosody offer -PLUS without types, or not all types",
		"A17": "slixmpp says y once its own -PLUS attempts are over",
	}
	for _, name := range xmpptest.Recordings(t) {
		if strings.Contains(name, "-bad") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			bound := false
			for _, e := range labEvents(t, name) {
				for _, n := range e.Notes {
					bound = bound || n.Name == "jid"
					refused := e.Step != nil && e.Step.ID == "sasl-failure" // slixmpp tries several mechanisms
					switch {
					case n.Severity == session.Error && !refused, n.Severity == session.Warning && !refused && due[n.Rule] == "":
						t.Errorf("event %d: %s %s: %s %q %s\n%s", e.Seq, n.Severity, n.Rule, n.Name, n.Value, n.Text, e.Raw)
					}
				}
			}
			if !bound {
				t.Error("nobody was bound")
			}
		})
	}
}

// TestBadLogins: a login that failed says why.
func TestBadLogins(t *testing.T) {
	for _, name := range xmpptest.Recordings(t) {
		if !strings.Contains(name, "-badpw") && !strings.Contains(name, "-badhost") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			want := "not-authorized"
			if strings.Contains(name, "-badhost") {
				want = "host-unknown"
			}
			for _, e := range labEvents(t, name) {
				if v, _ := e.Field("condition"); v == want && e.Worst() == session.Error {
					return
				}
			}
			t.Errorf("no event says %q", want)
		})
	}
}

// TestLabSecrets: the passwords of the recordings are blanked wherever they are.
func TestLabSecrets(t *testing.T) {
	for _, name := range xmpptest.Recordings(t) {
		for _, e := range labEvents(t, name) {
			e = session.Blank(e)
			shown := string(e.Raw) + e.Summary
			for _, n := range e.Notes {
				shown += n.Text + n.Value
			}
			for _, secret := range []string{"alicepw", "AGFsaWNl", "p=wnCv", "dj1"} {
				if strings.Contains(shown, secret) {
					t.Errorf("%s event %d shows %q: %s", name, e.Seq, secret, shown)
				}
			}
		}
	}
}

// TestRecordingsBreakNoRule: none of the recordings, those of failed logins
// included, breaks a MUST of the numbered checks. An error is there only where the
// server says that it refuses something.
func TestRecordingsBreakNoRule(t *testing.T) {
	numbered := regexp.MustCompile(`^[A-Z][0-9]{2}$`)
	for _, name := range xmpptest.Recordings(t) {
		for _, e := range labEvents(t, name) {
			for _, n := range e.Notes {
				if n.Severity == session.Error && numbered.MatchString(n.Rule) {
					t.Errorf("%s event %d: %s %s\n%s", name, e.Seq, n.Rule, n.Text, e.Raw)
				}
			}
		}
	}
}
