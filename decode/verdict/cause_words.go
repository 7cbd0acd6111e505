package verdict

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { propose("30 words", inItsWords) }

// inItsWords is about what the server says in words with an error: most texts mean one
// thing, and the others one of a few.
func inItsWords(c *scene) []Cause {
	r := c.Cause
	if r == nil || r.By != "server" || r.Kind == "tls" {
		return nil
	}
	found := c.meanings()
	if len(found) == 0 {
		return c.byKeyword(r.Text)
	}
	cause := Cause{ID: "words", Guilty: found[0].guilty(), Text: found[0].Means, Advice: found[0].Do, Weight: Shown, Evidence: []Evidence{{Seq: r.Seq}}}
	if r.Text == "" {
		cause.Weight = Likely
	}
	if len(found) > 1 {
		cause.Text = fmt.Sprintf("this is said for %d reasons: %s", len(found), strings.Join(each(found, func(s saying) string { return s.Means }), "; or "))
		cause.Advice = strings.Join(each(found, func(s saying) string { return s.Do }), "; or ")
		cause.Weight = Likely
	}
	if known := c.server; known != "" && r.Text == "" {
		cause.Text += fmt.Sprintf(" (so %s has it, without a word)", session.ServerNames[known])
	}
	if others := c.otherServers(); len(found) == 1 && len(others) > 1 && c.server == "" {
		cause.Text += fmt.Sprintf(" (if it is %s: %s say the same)", session.ServerNames[found[0].Server], strings.Join(others, " and "))
	}
	if before := c.toldBefore(); before != nil {
		cause.Text, cause.Advice, cause.Weight = before.Text, before.Advice, before.Weight
		cause.Evidence = append(before.Evidence, cause.Evidence...)
	}
	return []Cause{c.withFacts(cause)}
}

// toldBefore is what an earlier refusal of this login has told and the last one leaves open: a
// server that knows the account from SCRAM says nothing more of it to PLAIN. Nil if nothing is.
func (c *scene) toldBefore() *Cause {
	n := len(c.Attempts)
	if n < 2 || c.Cause.Condition != "not-authorized" || strings.ToUpper(c.Attempts[n-1].Mechanism) != "PLAIN" {
		return nil
	}
	for _, a := range slices.Backward(c.Attempts[:n-1]) {
		if a.Refusal == nil || a.Refusal.By != "server" || !strings.HasPrefix(strings.ToUpper(a.Mechanism), "SCRAM-") {
			continue
		}
		folded := plain(a.Refusal.Text)
		for _, s := range sayings() {
			if means, scram := strings.CutPrefix(s.Means, "SCRAM: "); scram && s.Where == "sasl" && s.Condition == a.Refusal.Condition && s.Text != "" && s.Text == folded && s.guilty() == Account {
				return &Cause{Text: fmt.Sprintf("%s; so %s was refused (#%d), and PLAIN after it says no more", means, a.Mechanism, a.Refusal.Seq), Advice: s.Do, Weight: Shown, Evidence: []Evidence{{Seq: a.Refusal.Seq}}}
			}
		}
	}
	return nil
}

// otherServers are the servers that have the error's text, where they mean different things
// by it.
func (c *scene) otherServers() (out []string) {
	folded := plain(c.Cause.Text)
	means := ""
	differ := false
	for _, s := range sayings() {
		if s.Text != "" && s.Text == folded && slices.Contains(c.where(), s.Where) {
			differ = differ || means != "" && means != s.Means
			means = s.Means
			if name := session.ServerNames[s.Server]; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	if !differ {
		return nil
	}
	return out
}

// withFacts adds what was seen to what was said.
func (c *scene) withFacts(cause Cause) Cause {
	r := c.Cause
	switch {
	case r.Kind == "stream-error":
		if seen := c.disagreement(r.Condition); seen != "" && (r.Condition != "conflict" || replaces.MatchString(cause.Text)) {
			cause.Text += "; " + seen
		}
	case r.Condition == "not-authorized" && cause.Guilty == Account && !c.passwordKnown() && decode.MechanismOf(c.Mechanism).Retry == "" && maybePassword.MatchString(cause.Text):
		cause.Advice += "; with --password-file JID=FILE xmppscope says which side has it wrong"
	}
	return cause
}

// maybePassword is about a password that may be wrong.
var maybePassword = about(`(wrong|invalid) password|password is (wrong|not)|or the password`)

// replaces is about a session that another one has taken the place of.
var replaces = about(`another|same resource|place of`)

func each(list []saying, f func(saying) string) (out []string) {
	for _, s := range list {
		if text := f(s); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// where says at which places of the table an error stands, the likeliest first.
func (c *scene) where() []string {
	switch c.Cause.Kind {
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		if c.Servers {
			return []string{"s2s", "sasl"}
		}
		return []string{"sasl", "s2s"}
	case "bind-error", "session-error":
		return []string{"bind"}
	case "starttls-failure":
		return []string{"tls"}
	case "dialback":
		return []string{"s2s"}
	}
	switch {
	case c.declared("server"):
		return []string{"s2s", "stream", "tls"}
	case c.declared("component"):
		return []string{"component", "stream"}
	}
	return []string{"stream", "sm", "tls", "bind", "sasl", "component", "s2s"}
}

// meanings are what the error's text may mean. Which server it is decides between servers,
// and what was tried between mechanisms.
func (c *scene) meanings() (out []saying) {
	r := c.Cause
	folded := plain(r.Text)
	if folded == "" && c.server == "" {
		return nil
	}
	for _, where := range c.where() {
		for _, s := range sayings() {
			if s.Where == where && s.is(r.Text, folded) && (folded != "" || s.Condition == r.Condition && s.Server == c.server && c.suits(&s)) {
				out = append(out, s)
			}
		}
		if len(out) > 0 {
			break
		}
	}
	out = narrow(out, c.suits)
	out = narrow(out, func(s *saying) bool { return s.Condition == r.Condition })
	out = narrow(out, func(s *saying) bool { return s.Server == c.server })
	if len(out) > 1 && same(out) {
		out = out[:1]
	}
	if len(out) > 3 || folded == "" && len(out) > 2 {
		return nil // so many reasons are none
	}
	return out
}

// same says whether the rest comes from other servers than the first: they have the text
// in common and what they mean by it.
func same(list []saying) bool {
	return !slices.ContainsFunc(list[1:], func(s saying) bool { return s.Server == list[0].Server })
}

// narrow keeps those that pass, if any does.
func narrow(list []saying, pass func(*saying) bool) []saying {
	kept := slices.DeleteFunc(slices.Clone(list), func(s saying) bool { return !pass(&s) })
	if len(kept) == 0 {
		return list
	}
	return kept
}

// suits says whether a meaning that names a way to log in is about the one that was tried.
func (c *scene) suits(s *saying) bool {
	if len(c.Attempts) == 0 || s.Where != "sasl" && s.Where != "s2s" {
		return true
	}
	a := c.Attempts[len(c.Attempts)-1]
	t := try{}
	if n := len(c.tries); n > 0 {
		t = c.tries[n-1]
	}
	name := strings.ToUpper(a.Mechanism)
	means := s.Means
	for _, w := range []struct {
		word string
		fits bool
	}{
		{"SASL2", strings.HasPrefix(a.Kind, "sasl2")},
		{"FAST", strings.HasPrefix(name, "HT-")},
		{"OAUTHBEARER", name == "OAUTHBEARER"},
		{"X-OAUTH2", name == "X-OAUTH2"},
		{"DIGEST-MD5", name == "DIGEST-MD5"},
		{"EXTERNAL", name == "EXTERNAL"},
		{"old iq login", a.Kind == "iqauth-set"},
		{"SCRAM, first", strings.HasPrefix(name, "SCRAM-") && t.replies < 1},
		{"SCRAM", strings.HasPrefix(name, "SCRAM-")},
		{"PLAIN", name == "PLAIN"},
	} {
		if strings.HasPrefix(means, w.word) || s.Text == "" && s.like == nil && strings.Contains(means, w.word) {
			return w.fits
		}
	}
	return true
}
