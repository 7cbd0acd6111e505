package session

import (
	"fmt"
	"strings"
	"time"
)

// Phase is a stretch of a login.
type Phase struct {
	Name string
	Took time.Duration
}

// Phases split the time that a login took, as far as their borders were seen; none if it
// was but one.
func (t *Story) Phases() (out []Phase) {
	from, last := t.Began, "binding"
	if t.Servers {
		last = "dialback"
	}
	for _, p := range []struct {
		name string
		at   time.Time
	}{{"to TLS", t.Secured}, {"authentication", t.Admitted}, {last, t.In}} {
		if p.at.IsZero() || p.at.Equal(from) && len(out) > 0 { // between servers the login is the end
			continue
		}
		out = append(out, Phase{p.name, p.at.Sub(from)})
		from = p.at
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// Word is State in words, and tells a login that failed from a session that was ended by an
// error after it.
func (t *Story) Word() string {
	if t.State == Failed && !t.In.IsZero() {
		return "thrown out"
	}
	return t.State.String()
}

// Outcome is how a login stands, in a few words: "logged in", "resumed an earlier session",
// "failed at #14 (sasl-failure)".
func (t *Story) Outcome() string {
	switch t.State {
	case LoggedIn:
		switch {
		case t.Resumed:
			return "resumed an earlier session"
		case t.In.IsZero() && t.Joined:
			return "was logged in before the recording begins"
		}
		return "logged in"
	case Failed:
		out := "failed"
		if !t.In.IsZero() {
			out = "logged in, and thrown out"
		}
		if c := t.Cause; c != nil && c.ID != "" {
			out += fmt.Sprintf(" at #%d (%s)", c.Seq, c.ID)
		}
		if c := t.Cause; c != nil && c.Condition == "closed" {
			out += fmt.Sprintf(": the %s left", strings.Replace(c.By, OriginSelf, "proxy", 1))
		}
		return out
	case Encrypted:
		return "inside TLS that cannot be decrypted"
	}
	if t.Where {
		return "asked where the server is (host-meta)"
	}
	if t.Ended {
		return "ended before anything was decided"
	}
	return "under way: " + t.State.String()
}

// Tries are the attempts to authenticate, and what became of each: "PLAIN (accepted)".
func (t *Story) Tries() (out []string) {
	for i := range t.Attempts {
		a := &t.Attempts[i]
		name := a.Mechanism
		if name == "" {
			name = "a login of its own kind"
		}
		switch {
		case a.Accepted:
			name += " (accepted)"
		case a.Refusal != nil:
			name += " (" + a.Refusal.Condition + ")"
		default:
			name += " (not answered)"
		}
		out = append(out, name)
	}
	return out
}
