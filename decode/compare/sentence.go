package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/decode/facts"
	"xmppscope/session"
)

// side is a login with its letter.
type side struct {
	*facts.Login
	letter string
}

// said is a sentence with the names of the differences that it blames; the first
// one that is there is marked.
type said struct {
	text   string
	blamed []string
}

// explain says what made the difference.
func explain(la, lb *facts.Login, r *Result) said {
	a, b := side{la, "A"}, side{lb, "B"}
	switch inA, inB := la.LoggedIn(), lb.LoggedIn(); {
	case inA && inB:
		return bothIn(a, b, r)
	case inA:
		return oneFailed(b, a, r)
	case inB:
		return oneFailed(a, b, r)
	}
	return bothFailed(a, b, r)
}

func bothIn(a, b side, r *Result) said {
	changes := r.changes()
	if len(changes) == 0 {
		return said{text: "both logged in, and there is no difference that matters"}
	}
	var parts []string
	for _, s := range []side{a, b} {
		other := a
		if s.letter == "A" {
			other = b
		}
		if t := detour(s, other); t != "" {
			parts = append(parts, t)
		}
	}
	if a.Mechanism != b.Mechanism {
		parts = append(parts, fmt.Sprintf("A by %s, B by %s", or(a.Mechanism), or(b.Mechanism)))
	}
	begun := entry(changes)
	if begun != "" {
		parts = append(parts, begun)
	}
	rest := briefly(changes, func(c change) bool {
		return len(parts) > 0 && onSASL(c) || begun != "" && c.diff == nil && c.row.Phase == facts.InClear.String()
	})
	if rest != "" {
		parts = append(parts, "they differ in "+rest)
	}
	return said{text: "both logged in; " + strings.Join(parts, "; ") + ": none of it stopped the login"}
}

// entry says so if one side began TLS inside the stream, and the other did not.
func entry(changes []change) string {
	for _, c := range changes {
		switch {
		case c.diff != nil || c.row.Kind != "starttls":
		case c.row.A != nil:
			return "A began TLS with STARTTLS, B did not"
		default:
			return "B began TLS with STARTTLS, A did not"
		}
	}
	return ""
}

// detour tells of refused attempts before the one that went well, where the other
// side had no such refusal.
func detour(s, other side) string {
	var refused, conditions []string
	for _, a := range s.Attempts {
		if a.Refusal == nil || slices.ContainsFunc(other.Attempts, func(o facts.Attempt) bool {
			return o.Mechanism == a.Mechanism && o.Refusal != nil
		}) {
			continue
		}
		refused = append(refused, or(a.Mechanism))
		if c := or(a.Refusal.Condition); !slices.Contains(conditions, c) {
			conditions = append(conditions, c)
		}
	}
	switch n := len(refused); {
	case n == 0:
		return ""
	case n > 2:
		refused = append(refused[:1], fmt.Sprintf("%d more", n-1))
	}
	return fmt.Sprintf("%s's client was refused with %s before it got in (%s)", s.letter, strings.Join(refused, " and "), strings.Join(conditions, ", "))
}

func bothFailed(a, b side, r *Result) said {
	changes := r.changes()
	if a.Cause != nil && b.Cause != nil && a.Cause.Kind == b.Cause.Kind && a.Cause.Condition == b.Cause.Condition && lastTried(a) == lastTried(b) {
		text := "both fail in the same way: " + ending(a)
		if rest := briefly(changes, func(change) bool { return false }); rest != "" {
			return said{text: text + "; they differ in " + rest}
		}
		return said{text: text + "; there is no difference that matters"}
	}
	if len(changes) == 0 {
		return said{text: "neither logged in, and there is no difference that matters"}
	}
	return said{text: fmt.Sprintf("neither logged in: A: %s; B: %s%s", ending(a), ending(b), firstBefore(changes, nil))}
}

func lastTried(s side) string {
	if n := len(s.Attempts); n > 0 {
		return s.Attempts[n-1].Mechanism
	}
	return ""
}

// ending says in a few words how a login that failed came to its end.
func ending(s side) string {
	c := s.Cause
	if c == nil {
		return "the recording ends " + after(s) + ", before the login was done"
	}
	switch {
	case c.Kind == "tls":
		return "TLS failed: " + cmp.Or(c.Text, c.Condition)
	case c.Kind == "stream-error":
		return fmt.Sprintf("the %s ended the stream with %s", c.By, or(c.Condition))
	case c.Condition == "unreachable":
		return "the server could not be reached: " + c.Text
	case c.Condition == "closed":
		return fmt.Sprintf("%s closed the connection %s", by(c.By), after(s))
	case c.Kind == "starttls-failure":
		return "the server refused to start TLS"
	case strings.HasPrefix(c.Kind, "sasl") || c.Kind == "iqauth-error":
		return fmt.Sprintf("the server refused %s (%s)", or(lastTried(s)), or(c.Condition))
	}
	return fmt.Sprintf("the server refused at step %d, %s (%s)", c.N, c.ID, or(c.Condition))
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
		return fmt.Sprintf("after step %d (%s)", r.N, r.ID)
	}
	return "before the first step"
}

// oneFailed says why f failed where w did not.
func oneFailed(f, w side, r *Result) said {
	c := f.Cause
	changes := r.changes()
	switch {
	case !f.In.IsZero() && c != nil:
		return said{text: fmt.Sprintf("both logged in, but later %s's stream failed: %s", f.letter, ending(f))}
	case c != nil && (strings.HasPrefix(c.Kind, "sasl") || c.Kind == "iqauth-error"):
		return refused(f, w, changes)
	case len(refusals(f)) > 0:
		s := refused(f, w, changes)
		s.text += "; in the end " + ending(f)
		return s
	case c != nil && c.Condition == "closed":
		return left(f, w, changes)
	}
	text := fmt.Sprintf("%s logged in, %s did not: %s", w.letter, f.letter, ending(f))
	return said{text + firstBefore(changes, f.Cause), []string{"stream's to", "server leg: certificate is", "server leg: problem", "server leg: failure", "client leg: failure"}}
}

// refusals are the attempts that the server refused.
func refusals(s side) (out []facts.Attempt) {
	for _, a := range s.Attempts {
		if a.Refusal != nil {
			out = append(out, a)
		}
	}
	return out
}

// refused is for a login of which the server refused attempts. The one to blame is
// the first that the other server did not offer, or else the last one.
func refused(f, w side, changes []change) said {
	all := refusals(f)
	wa := slices.IndexFunc(w.Attempts, func(a facts.Attempt) bool { return a.Accepted })
	if len(all) == 0 || wa < 0 {
		return said{text: fmt.Sprintf("%s logged in, %s did not: %s", w.letter, f.letter, ending(f))}
	}
	failed, passed := &all[len(all)-1], &w.Attempts[wa]
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
		return said{fmt.Sprintf("%s's server offered %s, the client took it and failed (%s)%s; %s's did not offer it, and its client got in with %s",
			f.letter, fm, condition, f.unpassable(failed.Mechanism), w.letter, wm), []string{"mechanisms", "SASL2 mechanisms"}}
	case len(failed.Offered) > 0 && !slices.Contains(failed.Offered, passed.Mechanism):
		return said{fmt.Sprintf("%s's server did not offer %s, with which %s got in; its client took %s and failed (%s)%s",
			f.letter, wm, w.letter, fm, condition, f.unpassable(failed.Mechanism)), []string{"mechanisms", "SASL2 mechanisms"}}
	}
	return said{fmt.Sprintf("%s's client took %s and failed (%s)%s; %s's took %s and got in",
		f.letter, fm, condition, f.unpassable(failed.Mechanism), w.letter, wm), []string{"mechanism"}}
}

// unpassable says so if a mechanism cannot work because TLS ends in between.
func (s side) unpassable(mechanism string) string {
	between := s.TLS[session.ClientLeg] != nil && s.TLS[session.ServerLeg] != nil
	if between && decode.BindsChannel(mechanism) {
		return ", as channel binding cannot pass a man in the middle"
	}
	return ""
}

// sameMechanism looks for what else could have made the server refuse.
func sameMechanism(f, w side, mechanism, condition string, changes []change) said {
	text := fmt.Sprintf("both clients used %s: %s's server refused it (%s), %s's accepted it", mechanism, f.letter, condition, w.letter)
	blamed := []string{"user", "length of the password", "gs2-flag", "cb-type", "iterations", "password-check"}
	for _, what := range blamed {
		for _, c := range changes {
			if c.diff != nil && c.diff.What == what {
				return said{text + "; they differ in " + phrase(c), []string{what}}
			}
		}
	}
	if condition == "not-authorized" {
		text += "; most likely the passwords differ"
	}
	return said{text, []string{"condition"}}
}

// left is for a login that one side gave up without a word.
func left(f, w side, changes []change) said {
	text := fmt.Sprintf("%s logged in, %s did not: %s", w.letter, f.letter, ending(f))
	n := len(f.Offers)
	if n == 0 || len(f.Attempts) > 0 {
		return said{text: text + firstBefore(changes, f.Cause)}
	}
	offered := f.Offers[n-1].Mechanisms
	for _, a := range w.Attempts {
		if a.Accepted && len(offered) > 0 && !slices.Contains(offered, a.Mechanism) {
			return said{fmt.Sprintf("%s; %s's server did not offer %s, with which %s got in", text, f.letter, or(a.Mechanism), w.letter), []string{"mechanisms", "SASL2 mechanisms"}}
		}
	}
	return said{text: text + firstBefore(changes, f.Cause)}
}

// firstBefore names the first difference, if it came before the end of the login.
func firstBefore(changes []change, end *facts.Refusal) string {
	if len(changes) == 0 {
		return ""
	}
	first := changes[0]
	if first.diff == nil || end != nil && first.row != nil && (first.row.Kind == end.Kind || first.row.Kind == "tls" && end.Kind == "tls") {
		return ""
	}
	return "; the first difference is " + phrase(first)
}

func onSASL(c change) bool {
	return c.row != nil && strings.HasPrefix(c.row.Kind, "sasl")
}

// briefly names the first two changes, and says how many more there are. Steps
// that one side lacks, one after another, are one change.
func briefly(changes []change, skip func(change) bool) string {
	var parts []string
	more := 0
	for i := 0; i < len(changes); {
		n := lacking(changes[i:])
		switch {
		case skip(changes[i]):
		case len(parts) == 2:
			more += n
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d steps that %s alone has (%s … %s)", n, changes[i].letter(), changes[i].row.Title, changes[i+n-1].row.Title))
		default:
			parts = append(parts, phrase(changes[i]))
		}
		i += n
	}
	text := strings.Join(parts, ", ")
	if more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// lacking counts the steps at the beginning that the same side lacks; 1 if it is
// another change.
func lacking(changes []change) int {
	n := 1
	for changes[0].diff == nil && n < len(changes) && changes[n].diff == nil && changes[n].row.Mark == changes[0].row.Mark {
		n++
	}
	return n
}

// letter is the side that has what the other lacks.
func (c change) letter() string {
	if c.row != nil && c.row.A == nil || c.diff != nil && len(c.diff.A) == 0 {
		return "B"
	}
	return "A"
}

// phrase is a change in a few words.
func phrase(c change) string {
	d := c.diff
	switch {
	case d == nil:
		return fmt.Sprintf("the step %q, which %s alone has", c.row.Title, c.letter())
	case d.Finding:
		return fmt.Sprintf("the %s that %s alone has", d.What, c.letter())
	}
	var parts []string
	for _, x := range []struct {
		letter string
		values []string
	}{{"A", d.A}, {"B", d.B}} {
		switch {
		case d.List && len(x.values) > 0:
			parts = append(parts, "only "+x.letter+": "+joined(x.values))
		case !d.List:
			parts = append(parts, x.letter+": "+or(joined(x.values)))
		}
	}
	return fmt.Sprintf("%s (%s)", d.What, strings.Join(parts, ", "))
}

func or(s string) string { return cmp.Or(s, "none") }
