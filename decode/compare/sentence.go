package compare

import (
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
	s := outcome(a, b, r)
	if a.kind() != b.kind() {
		s.text = fmt.Sprintf("A is %s, B %s; %s", a.kind(), b.kind(), s.text)
	}
	return s
}

func outcome(a, b side, r *Result) said {
	switch inA, inB := a.LoggedIn(), b.LoggedIn(); {
	case inA && inB:
		return bothIn(a, b, r)
	case a.unseen() || b.unseen():
		return unseen(a, b, r)
	case inA:
		return oneFailed(b, a, r)
	case inB:
		return oneFailed(a, b, r)
	}
	return bothFailed(a, b, r)
}

// kind is what sort of stream a login is for.
func (s side) kind() string {
	switch s.Content {
	case "jabber:component:accept", "jabber:component:connect":
		return "the login of a component (XEP-0114)"
	case "jabber:server":
		return "a server's stream to another server"
	}
	return "the login of a client"
}

// unseen says whether the login, or what is left of it, is not in the recording.
func (s side) unseen() bool {
	return !s.LoggedIn() && s.Cause == nil
}

// unseen is for recordings that do not tell how a login went.
func unseen(a, b side, r *Result) said {
	var parts []string
	for _, s := range []side{a, b} {
		switch {
		case s.LoggedIn():
			parts = append(parts, s.letter+" logged in")
		case s.unseen():
			parts = append(parts, s.letter+": "+ending(s))
		default:
			parts = append(parts, s.letter+" did not log in: "+ending(s))
		}
	}
	if a.unseen() && b.unseen() && ending(a) == ending(b) {
		parts = []string{"both: " + ending(a)}
	}
	// What one side lacks behind its end was not recorded; that says nothing.
	seen := slices.DeleteFunc(r.changes(), func(c change) bool { return c.diff == nil && !r.before(c.row) })
	if rest := briefly(seen, nil); rest != "" {
		return said{text: strings.Join(parts, "; ") + "; up to there they differ in " + rest}
	}
	return said{text: strings.Join(parts, "; ") + "; up to there, there is no difference that matters"}
}

// before says whether a row has one behind it that both sides have.
func (r *Result) before(row *Row) bool {
	past := false
	for i := range r.Rows {
		x := &r.Rows[i]
		past = past || x == row
		if past && x.A != nil && x.B != nil {
			return true
		}
	}
	return false
}

func bothIn(a, b side, r *Result) said {
	changes := r.changes()
	if len(changes) == 0 {
		return said{text: "both logged in, and there is no difference that matters"}
	}
	var parts []string
	for _, p := range [][2]side{{a, b}, {b, a}} {
		if t := detour(p[0], p[1]); t != "" {
			parts = append(parts, t)
		}
	}
	how, offers := choice(a, b)
	if how != "" {
		parts = append(parts, how)
	}
	begun := entry(a, b)
	if begun != "" {
		parts = append(parts, begun)
	}
	rest := briefly(changes, func(c change) bool {
		return how != "" && onSASL(c) || begun != "" && c.diff == nil && beforeTLS(c.row) ||
			offers && c.diff != nil && strings.HasSuffix(c.diff.What, "mechanisms")
	})
	if rest != "" {
		who := "they"
		if len(parts) > 0 {
			who = "the logins"
		}
		parts = append(parts, who+" differ in "+rest)
	}
	return said{text: "both logged in; " + strings.Join(parts, "; ") + ": none of it stopped the login"}
}

func onSASL(c change) bool {
	return c.row != nil && (strings.HasPrefix(c.row.Kind, "sasl") || strings.HasPrefix(c.row.Kind, "iqauth"))
}

// beforeTLS says whether a step belongs to how TLS is begun.
func beforeTLS(r *Row) bool { return r.Kind == "tls" || r.Phase == facts.InClear.String() }

// entry says how TLS was begun, if it was not the same on both sides.
func entry(a, b side) string {
	if x, y := a.entry(), b.entry(); x != y {
		return fmt.Sprintf("A %s, B %s", x, y)
	}
	return ""
}

func (s side) entry() string {
	how := "had no TLS"
	for i := range s.Rungs {
		switch s.Rungs[i].Kind {
		case "starttls":
			return "began TLS with STARTTLS"
		case "tls":
			how = "began with TLS at once"
		}
	}
	return how
}

// choice says by what each got in, and who decided it; offers says that the offers
// are spoken of.
func choice(a, b side) (text string, offers bool) {
	x, y := a.Accepted(), b.Accepted()
	if x == nil || y == nil || x.Mechanism == y.Mechanism && x.Kind == y.Kind {
		return "", false
	}
	lacks := func(offered *facts.Attempt, s side, of string) string {
		if len(offered.Offered) == 0 || slices.Contains(offered.Offered, of) || of == oldLogin {
			return ""
		}
		return fmt.Sprintf(", which %s's server did not offer", s.letter)
	}
	notB, notA := lacks(y, b, x.Mechanism), lacks(x, a, y.Mechanism)
	text = fmt.Sprintf("A by %s%s, B by %s%s", named(x, y), notB, named(y, x), notA)
	both := slices.Contains(x.Offered, y.Mechanism) && slices.Contains(y.Offered, x.Mechanism)
	if both && x.Mechanism != y.Mechanism && len(refusals(a))+len(refusals(b)) == 0 {
		text += ", though both servers offered both: the clients chose"
	}
	return text, notA+notB != ""
}

// oldLogin is the name that facts give to the login of before XMPP 1.0.
const oldLogin = "jabber:iq:auth"

// named is the mechanism of an attempt as it stands in a sentence, beside another.
func named(a, beside *facts.Attempt) string {
	switch {
	case a.Mechanism == oldLogin:
		return "jabber:iq:auth (XEP-0078), the login of before SASL"
	case a.Kind == "sasl2-authenticate" && beside.Kind != a.Kind:
		return or(a.Mechanism) + " with SASL2 (XEP-0388)"
	}
	return or(a.Mechanism)
}

// detour tells of refused attempts before the one that went well, where the other
// side had no such refusal.
func detour(s, other side) string {
	var refused, conditions []string
	for _, a := range refusals(s) {
		if slices.ContainsFunc(refusals(other), func(o facts.Attempt) bool { return o.Mechanism == a.Mechanism }) {
			continue
		}
		refused = append(refused, or(a.Mechanism))
		if c := or(a.Refusal.Condition); !slices.Contains(conditions, c) {
			conditions = append(conditions, c)
		}
	}
	why := ""
	if slices.ContainsFunc(refused, func(m string) bool { return s.unpassable(m) != "" }) {
		why = s.unpassable(refused[0])
	}
	switch n := len(refused); {
	case n == 0:
		return ""
	case n > 2:
		refused = append(refused[:1], fmt.Sprintf("%d more", n-1))
	}
	return fmt.Sprintf("%s's client was refused with %s before it got in (%s)%s", s.letter, strings.Join(refused, " and "), strings.Join(conditions, ", "), why)
}

func bothFailed(a, b side, r *Result) said {
	changes := r.changes()
	if a.Cause.Kind == b.Cause.Kind && a.Cause.Condition == b.Cause.Condition && lastTried(a) == lastTried(b) {
		text := "both fail in the same way: " + ending(a)
		if ending(a) != ending(b) {
			text = fmt.Sprintf("both fail in the same way: A: %s; B: %s", ending(a), ending(b))
		}
		if rest := briefly(changes, nil); rest != "" {
			return said{text: text + "; they differ in " + rest}
		}
		return said{text: text + "; there is no difference that matters"}
	}
	if len(changes) == 0 {
		return said{text: "neither logged in, and there is no difference that matters"}
	}
	return said{text: fmt.Sprintf("neither logged in: A: %s; B: %s%s", ending(a), ending(b), firstBefore(changes, a.Cause, b.Cause))}
}

// oneFailed says why f failed where w did not.
func oneFailed(f, w side, r *Result) said {
	c := f.Cause
	changes := r.changes()
	switch {
	case !f.In.IsZero():
		return said{text: fmt.Sprintf("both logged in, but later %s's stream failed: %s", f.letter, ending(f))}
	case strings.HasPrefix(c.Kind, "sasl") || c.Kind == "iqauth-error":
		return refused(f, w, changes)
	case len(refusals(f)) > 0:
		s := refused(f, w, changes)
		s.text += "; in the end " + ending(f)
		return s
	case c.Condition == "host-unknown" && f.Domain != w.Domain:
		return said{
			fmt.Sprintf("%s logged in, %s did not: its client asked for %q, which the server does not serve (host-unknown); %s's asked for %q", w.letter, f.letter, f.Domain, w.letter, w.Domain),
			[]string{"stream's to"},
		}
	case c.Condition == "closed" && c.Kind == "":
		return left(f, w, r)
	}
	text := fmt.Sprintf("%s logged in, %s did not: %s", w.letter, f.letter, ending(f))
	return said{text + firstBefore(changes, c), []string{"certificate is", "problem", "failure", "error core-relay"}}
}

// unpassable says so if a mechanism cannot work because TLS ends in between.
func (s side) unpassable(mechanism string) string {
	between := s.TLS[session.ClientLeg] != nil && s.TLS[session.ServerLeg] != nil
	if between && decode.BindsChannel(mechanism) {
		return ", as channel binding cannot pass a man in the middle"
	}
	return ""
}
