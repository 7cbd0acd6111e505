package expect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/decode/facts"
	"xmppscope/session"
)

// judge looks at what a session came to.
type judge func(*evidence) ruling

// evidence is what is known of one session.
type evidence struct {
	*facts.Login
	ignored []string       // rules whose findings do not count
	hit     *session.Event // what a filter matched first, nil if nothing
	hits    int
}

// ruling is what a judge says.
type ruling struct {
	status Status
	got    string // what there was
	seq    uint64 // the event that it is about, 0 if there is none
	n      int    // its rung

	foreseen []uint64 // events of the failure that it speaks of
}

func holds(ok bool, got string, seq uint64, n int) ruling {
	r := ruling{status: Fails, got: got, seq: seq, n: n}
	if ok {
		r.status = Holds
	}
	return r
}

// unknown is for what the recording cannot tell.
func unknown(format string, args ...any) ruling {
	return ruling{status: Unknown, got: fmt.Sprintf(format, args...)}
}

// kind is one sort of assertion.
type kind struct {
	key, example, text string
	make               func(any) ([]assertion, error)
}

func itoa(n int) string { return strconv.Itoa(n) }

// kinds are all assertions, in the order of the help.
var kinds = slices.Concat(loginKinds, tlsKinds, saslKinds, stageKinds, eventKinds)

var loginKinds = []kind{
	{"outcome", `"success"`, `"success": logged in, and no stream error later; "failure": not`, fromText(`"success" or "failure"`, outcome)},
	{"condition", `"not-authorized"`, `what the login failed with, a condition of XMPP, or of ours: "closed", "unreachable", and of TLS "ca-not-trusted", "name-mismatch" …; a list: one of them`, fromTexts("a condition, or a list", condition)},
	{"login_within", `"2s"`, "time from the first event until the login is complete", within("logged in", func(l *facts.Login) time.Time { return l.In })},
	{"bound_within", `"800ms"`, "… until the JID is bound", within("bound", func(l *facts.Login) time.Time { return l.Bound })},
	{"authenticated_within", `"500ms"`, "… until the server accepts the authentication", within("authenticated", func(l *facts.Login) time.Time { return l.Admitted })},
	{"tls_within", `"300ms"`, "… until TLS is up on both legs", within("TLS up", func(l *facts.Login) time.Time { return l.Secured })},
	{"round_trips_at_most", "8", "how often the client waited for an answer until it was logged in", fromCount("a number", trips)},
}

var saslKinds = []kind{
	{"mechanism", `"SCRAM-SHA-256"`, "what the client got in with, or else tried last; a list: one of them", fromTexts("a mechanism, or a list", mechanism)},
	{"never_mechanism", `["PLAIN"]`, "mechanisms that the client must never try", each("a mechanism, or a list", never)},
	{"never_without_tls", `["PLAIN"]`, "mechanisms that the client must not try in the clear", each("a mechanism, or a list", neverClear)},
	{"offered", `["SCRAM-SHA-256"]`, "mechanisms that the server must offer", each("a mechanism, or a list", offered)},
	{"not_offered", `["PLAIN"]`, "mechanisms that the server must never offer", each("a mechanism, or a list", notOffered)},
	{"channel_binding", "true", "whether the mechanism binds to the TLS channel", fromBool(channelBinding)},
	{"attempts_at_most", "1", "how often the client tried to authenticate", fromCount("a number", attempts)},
}

func outcome(want string) (judge, error) {
	if want != "success" && want != "failure" {
		return nil, errors.New(`"success" or "failure"`)
	}
	return func(e *evidence) ruling {
		if c := e.Cause; c != nil {
			return e.failed(want == "failure", "failure: "+describe(c))
		}
		if !e.LoggedIn() {
			return unknown("the recording ends before the login was done or failed (%s)", e.State)
		}
		seq, n := e.at(e.In)
		return holds(want == "success", "success", seq, n)
	}, nil
}

// failed is a ruling on how the login failed: it speaks of what ended it, and of the
// refusals before that were like it.
func (e *evidence) failed(ok bool, got string) ruling {
	c := e.Cause
	r := holds(ok, got, c.Seq, c.N)
	r.foreseen = []uint64{c.Seq}
	for i := range e.Attempts {
		if no := e.Attempts[i].Refusal; no != nil && no.Condition == c.Condition {
			r.foreseen = append(r.foreseen, no.Seq)
		}
	}
	return r
}

func lastSeq(e *evidence) uint64 {
	if n := len(e.Rungs); n > 0 {
		return e.Rungs[n-1].Seq
	}
	return 0
}

func describe(c *facts.Refusal) string {
	text := cmp.Or(c.Condition, c.Kind)
	if text == "closed" {
		text += " by " + c.By
	}
	if c.ID != "" {
		text += " at " + c.ID
	}
	if c.Text != "" {
		text += ": " + c.Text
	}
	return text
}

func condition(want []string) judge {
	return func(e *evidence) ruling {
		if c := e.Cause; c != nil {
			return e.failed(slices.Contains(want, c.Condition), describe(c))
		}
		return holds(false, "it did not fail: "+e.State.String(), lastSeq(e), 0)
	}
}

// within judges a milestone of the login.
func within(what string, at func(*facts.Login) time.Time) func(any) ([]assertion, error) {
	return fromDuration(func(most time.Duration) judge {
		return func(e *evidence) ruling {
			when := at(e.Login)
			if when.IsZero() {
				return unknown("it was never %s", what)
			}
			took := when.Sub(e.Began)
			seq, n := e.at(when)
			return holds(took <= most, session.ShortTime(took), seq, n)
		}
	})
}

// at finds the rung that was taken at a time.
func (e *evidence) at(when time.Time) (uint64, int) {
	for i := range e.Rungs {
		if r := &e.Rungs[i]; !r.At.Before(when) {
			return r.Seq, r.N
		}
	}
	return 0, 0
}

func trips(most int) judge {
	return func(e *evidence) ruling {
		if e.In.IsZero() {
			return unknown("the login was not completed, after %d round trips", e.Trips)
		}
		seq, n := e.at(e.In)
		return holds(e.Trips <= most, itoa(e.Trips), seq, n)
	}
}

// used is the attempt that counts: the one that got in, or else the last one.
func (e *evidence) used() *facts.Attempt {
	for i := range e.Attempts {
		if e.Attempts[i].Accepted {
			return &e.Attempts[i]
		}
	}
	if n := len(e.Attempts); n > 0 {
		return &e.Attempts[n-1]
	}
	return nil
}

const noAttempt = "the client did not try to authenticate"

func mechanism(want []string) judge {
	return func(e *evidence) ruling {
		a := e.used()
		if a == nil {
			return unknown(noAttempt)
		}
		return holds(containsFold(want, a.Mechanism), a.Mechanism, a.Seq, a.N)
	}
}

// containsFold looks for a name of a mechanism: they are upper case (RFC 4422 §3.1),
// whatever a file says.
func containsFold(all []string, name string) bool {
	return slices.ContainsFunc(all, func(x string) bool { return strings.EqualFold(x, name) })
}

func never(name string) judge {
	return avoid(func(a *facts.Attempt) bool { return strings.EqualFold(a.Mechanism, name) })
}

func neverClear(name string) judge {
	return avoid(func(a *facts.Attempt) bool { return strings.EqualFold(a.Mechanism, name) && a.Phase == facts.InClear })
}

// avoid fails on the first attempt that is of this kind.
func avoid(bad func(*facts.Attempt) bool) judge {
	return func(e *evidence) ruling {
		var tried []string
		for i := range e.Attempts {
			a := &e.Attempts[i]
			if bad(a) {
				return holds(false, a.Mechanism+" "+a.Phase.String(), a.Seq, a.N)
			}
			tried = append(tried, a.Mechanism)
		}
		switch {
		case len(tried) > 0:
		case e.Cause != nil: // it failed before
			return holds(true, noAttempt, 0, 0)
		default:
			return unknown(noAttempt)
		}
		return holds(true, strings.Join(tried, ", "), e.Attempts[0].Seq, e.Attempts[0].N)
	}
}

func offered(name string) judge {
	return func(e *evidence) ruling {
		return e.offers(name, true)
	}
}

func notOffered(name string) judge {
	return func(e *evidence) ruling { return e.offers(name, false) }
}

// offers judges whether a mechanism was ever on offer.
func (e *evidence) offers(name string, want bool) ruling {
	var last *facts.Offer
	for i := range e.Offers {
		o := &e.Offers[i]
		if containsFold(o.Mechanisms, name) {
			return holds(want, strings.Join(o.Mechanisms, " "), o.Seq, o.N)
		}
		if len(o.Mechanisms) > 0 {
			last = o
		}
	}
	if last == nil {
		return unknown("the server offered no mechanisms")
	}
	return holds(!want, strings.Join(last.Mechanisms, " "), last.Seq, last.N)
}

func channelBinding(want bool) judge {
	return func(e *evidence) ruling {
		a := e.used()
		if a == nil {
			return unknown(noAttempt)
		}
		return holds(decode.BindsChannel(a.Mechanism) == want, a.Mechanism, a.Seq, a.N)
	}
}

func attempts(most int) judge {
	return func(e *evidence) ruling {
		var tried []string
		for _, a := range e.Attempts {
			tried = append(tried, a.Mechanism)
		}
		seq, n := lastSeq(e), 0
		if len(tried) > 0 {
			last := e.Attempts[len(tried)-1]
			seq, n = last.Seq, last.N
		}
		got := itoa(len(tried))
		if len(tried) > 0 {
			got += " (" + strings.Join(tried, ", ") + ")"
		}
		return holds(len(tried) <= most, got, seq, n)
	}
}
