package compare

import (
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/decode/facts"
	"xmppscope/session"
)

// refusals are the attempts that the server refused.
func refusals(s side) (out []facts.Attempt) {
	for _, a := range s.Attempts {
		if a.Refusal != nil {
			out = append(out, a)
		}
	}
	return out
}

func lastTried(s side) string {
	if n := len(s.Attempts); n > 0 {
		return s.Attempts[n-1].Mechanism
	}
	return "the login"
}

// offer are the names of what is blamed when the servers offered other mechanisms.
var offer = []string{"mechanisms", "SASL2 mechanisms"}

// refused is for a login of which the server refused attempts. The one to blame is
// the first that the other server did not offer, or else the last one.
func refused(f, w side, changes []change) said {
	all := refusals(f)
	passed := w.Accepted()
	if len(all) == 0 || passed == nil {
		return said{text: fmt.Sprintf("%s logged in, %s did not: %s", w.letter, f.letter, ending(f))}
	}
	failed := &all[len(all)-1]
	if i := slices.IndexFunc(all, func(a facts.Attempt) bool { return !slices.Contains(passed.Offered, a.Mechanism) }); i >= 0 {
		failed = &all[i]
	}
	condition := or(failed.Refusal.Condition)
	tried := func(a facts.Attempt) bool { return a.Mechanism == passed.Mechanism }
	fm, wm := or(failed.Mechanism), or(passed.Mechanism)
	switch {
	case slices.ContainsFunc(all, tried):
		return sameMechanism(f, w, wm, condition, changes)
	case len(passed.Offered) > 0 && !slices.Contains(passed.Offered, failed.Mechanism):
		return said{fmt.Sprintf("%s's server offered %s, the client took it and failed (%s)%s; %s's did not offer it%s, and its client got in with %s",
			f.letter, fm, condition, f.unpassable(failed.Mechanism), w.letter, w.versionInstead(f, failed.Mechanism), wm), offer}
	case len(failed.Offered) > 0 && !slices.Contains(failed.Offered, passed.Mechanism):
		return said{fmt.Sprintf("%s's server did not offer %s, with which %s got in; its client took %s and failed (%s)%s",
			f.letter, wm, w.letter, fm, condition, f.unpassable(failed.Mechanism)), offer}
	}
	return said{fmt.Sprintf("%s's client took %s and failed (%s)%s; %s's took %s and got in",
		f.letter, fm, condition, f.unpassable(failed.Mechanism), w.letter, wm), []string{"mechanism"}}
}

// versionInstead says so if the other login had another version of TLS, on which the
// offer of a mechanism with channel binding often depends (RFC 9266 §1).
func (s side) versionInstead(other side, mechanism string) string {
	x, y := s.ServerTLS(), other.ServerTLS()
	if x == nil || y == nil || x.Facts.Version == y.Facts.Version || !decode.BindsChannel(mechanism) {
		return ""
	}
	return fmt.Sprintf(" over %s (%s had %s)", or(x.Facts.Version), other.letter, or(y.Facts.Version))
}

// sameMechanism looks for what else could have made the server refuse.
func sameMechanism(f, w side, mechanism, condition string, changes []change) said {
	text := fmt.Sprintf("both clients used %s: %s's server refused it (%s), %s's accepted it", mechanism, f.letter, condition, w.letter)
	for _, what := range []string{"user", "password", "token", "gs2-flag", "cb-type", "password-check"} {
		for _, c := range changes {
			if c.diff == nil || c.diff.What != what {
				continue
			}
			if what == "password" || what == "token" {
				return said{fmt.Sprintf("%s; the clients sent different %ss", text, what), []string{what}}
			}
			return said{text + "; they differ in " + phrase(c), []string{what}}
		}
	}
	switch {
	case same(f.secret(mechanism), w.secret(mechanism)):
		text += "; the clients sent the same password, so it is the servers that know different ones"
	case condition == "not-authorized":
		text += "; most likely the passwords differ"
	}
	return said{text: text}
}

// secret is what the client has shown with a mechanism, nil if it has shown none.
func (s side) secret(mechanism string) *facts.Secret {
	for i := range s.Rungs {
		for _, f := range s.Rungs[i].Facts {
			if f.Secret != nil && s.Rungs[i].Mechanism == mechanism {
				return f.Secret
			}
		}
	}
	return nil
}

// same says whether two secrets are known to be the same one.
func same(a, b *facts.Secret) bool {
	return a != nil && b != nil && a.Digest != "" && a.Digest == b.Digest
}

// left is for a login that one side gave up without a word.
func left(f, w side, r *Result) said {
	text := fmt.Sprintf("%s logged in, %s did not: %s", w.letter, f.letter, ending(f))
	if n := len(f.Offers); n > 0 && len(f.Attempts) == 0 {
		offered := f.Offers[n-1].Mechanisms
		if a := w.Accepted(); a != nil && len(offered) > 0 && !slices.Contains(offered, a.Mechanism) {
			return said{fmt.Sprintf("%s; %s's server did not offer %s, with which %s got in", text, f.letter, or(a.Mechanism), w.letter), offer}
		}
	}
	return said{text: text + r.instead(f, w) + firstBefore(r.changes(), f.Cause)}
}

// instead says what the login that went well did next.
func (r *Result) instead(f, w side) string {
	last := len(r.Rows)
	for i := range r.Rows {
		if at := r.Rows[i].of(f.letter); at != nil {
			last = i
		}
	}
	for i := last + 1; i < len(r.Rows); i++ {
		if at := r.Rows[i].of(w.letter); at != nil {
			return fmt.Sprintf(", where %s went on: %s", w.letter, r.Rows[i].Title)
		}
	}
	return ""
}

// of is the row's place in the login with this letter, nil if that lacks it.
func (r *Row) of(letter string) *Place {
	if letter == "A" {
		return r.A
	}
	return r.B
}

// firstBefore names the first difference, if it came before the login's end, and is
// not that end itself.
func firstBefore(changes []change, ends ...*facts.Refusal) string {
	if len(changes) == 0 {
		return ""
	}
	first := changes[0]
	if first.diff == nil || first.diff.Finding || first.row == nil {
		return ""
	}
	for _, end := range ends {
		if first.row.Kind == end.Kind || strings.HasPrefix(plainName(first.diff.What), "failure") {
			return ""
		}
	}
	return "; the first difference is " + phrase(first)
}

// ending says in a few words how a login that failed came to its end.
func ending(s side) string {
	c := s.Cause
	if c == nil {
		if s.State == session.Encrypted {
			return "what came " + after(s) + " is inside TLS, and could not be decrypted"
		}
		return "the recording ends " + after(s) + ", before the login was done"
	}
	switch {
	case c.Kind == "tls":
		if c.Text != "" {
			return "TLS failed: " + c.Text
		}
		return "TLS failed: " + c.Condition
	case c.Kind == "stream-error":
		return fmt.Sprintf("the %s ended the stream with %s", c.By, or(c.Condition))
	case c.Condition == "unreachable":
		return "the server could not be reached: " + c.Text
	case c.Condition == "closed" && c.Kind == "":
		return fmt.Sprintf("%s left %s", by(c.By), after(s))
	case c.Kind == "starttls-failure":
		return "the server refused to start TLS"
	case c.Kind == "bind-error":
		return fmt.Sprintf("the server refused to bind a resource (%s)", or(c.Condition))
	case c.Condition == "aborted" && strings.HasPrefix(c.Kind, "sasl"):
		return fmt.Sprintf("the client gave up its attempt with %s", or(lastTried(s)))
	case strings.HasPrefix(c.Kind, "sasl") || c.Kind == "iqauth-error":
		return fmt.Sprintf("the server refused %s (%s)", or(lastTried(s)), or(c.Condition))
	}
	return fmt.Sprintf("the server refused at #%d, %s (%s)", c.Seq, c.ID, or(c.Condition))
}

func by(who string) string {
	if who == "client" || who == "server" {
		return "the " + who
	}
	return who
}

// after names the last step that was taken.
func after(s side) string {
	if n := len(s.Rungs); n > 0 {
		r := &s.Rungs[n-1]
		return fmt.Sprintf("after #%d (%s)", r.Seq, r.Title)
	}
	return "before the first step"
}
