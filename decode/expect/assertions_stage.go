package expect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"xmppscope/decode/facts"
	"xmppscope/session"
)

// stageKinds are about what comes after the authentication, and about features.
var stageKinds = []kind{
	{"account", `"alice@example.net"`, "the bare JID that was bound", fromTexts("a bare JID, or a list", account)},
	{"resource", `"phone"`, "the resource that was bound", fromTexts("a resource, or a list", resource)},
	{"stream_management", "true", "whether stream management (XEP-0198) was turned on", fromBool(managed)},
	{"features", `["sm", "urn:xmpp:csi:0"]`, "features that the server must offer, by name or namespace", each("a feature, or a list", feature)},
	{"no_features", `["compression"]`, "features that the server must never offer", each("a feature, or a list", noFeature)},
}

var eventKinds = []kind{
	{"no_findings", `"warning"`, "no finding of this severity or above, but for those of ignore = [\"T02\"]", fromText(`"notice", "warning" or "error"`, noFindings)},
	{"no_rules", `["S25"]`, "rules that must have nothing to say, whatever the severity", each("ids of rules", noRule)},
	{"match", `'name == "presence" && dir == "c2s"'`, "an event must match this filter; of a list, one for each", fromFilters(matches)},
	{"no_match", `'kind == "relay:dropped"'`, "no event may match this filter, or any of a list", fromFilters(matchesNot)},
}

// jid is the full JID, with the rung on which it was bound.
func (e *evidence) jid() (bare, resource string, r ruling, ok bool) {
	bare, resource, _ = strings.Cut(e.JID, "/")
	r.seq, r.n = e.at(e.Bound)
	return bare, resource, r, e.JID != ""
}

const notBound = "no JID was bound"

func account(want []string) judge {
	return func(e *evidence) ruling {
		bare, _, r, ok := e.jid()
		if !ok {
			return unknown(notBound)
		}
		fits := slices.ContainsFunc(want, func(w string) bool { return strings.EqualFold(w, bare) })
		return holds(fits, bare, r.seq, r.n)
	}
}

func resource(want []string) judge {
	return func(e *evidence) ruling {
		_, given, r, ok := e.jid()
		if !ok {
			return unknown(notBound)
		}
		return holds(slices.Contains(want, given), given, r.seq, r.n)
	}
}

func managed(want bool) judge {
	return func(e *evidence) ruling {
		if e.Managed > 0 {
			return holds(want, "it was turned on", e.Managed, e.rungOf(e.Managed))
		}
		for i := range e.Rungs {
			if r := &e.Rungs[i]; r.Kind == "sm-failed" {
				return holds(!want, "the server refused it", r.Seq, r.N)
			}
		}
		if e.In.IsZero() {
			return unknown("the login was not completed")
		}
		return holds(!want, "it was not asked for", 0, 0)
	}
}

func (e *evidence) rungOf(seq uint64) int {
	for i := range e.Rungs {
		if e.Rungs[i].Seq == seq {
			return e.Rungs[i].N
		}
	}
	return 0
}

func feature(name string) judge {
	return func(e *evidence) ruling { return e.hasFeature(name, true) }
}

func noFeature(name string) judge {
	return func(e *evidence) ruling { return e.hasFeature(name, false) }
}

// hasFeature judges whether a feature was ever on offer, at the top or inline.
func (e *evidence) hasFeature(name string, want bool) ruling {
	var all []string
	for i := range e.Offers {
		o := &e.Offers[i]
		for _, f := range o.Features {
			if f.Local == name || f.Space == name {
				return holds(want, "offered "+o.Phase.String(), o.Seq, o.N)
			}
			if !slices.Contains(all, f.Local) {
				all = append(all, f.Local)
			}
		}
	}
	if len(e.Offers) == 0 {
		return unknown("the server sent no features")
	}
	last := e.Offers[len(e.Offers)-1]
	return holds(!want, "the server offered "+cmp.Or(strings.Join(all, ", "), "nothing"), last.Seq, last.N)
}

func noFindings(want string) (judge, error) {
	var least session.Severity
	if err := least.UnmarshalText([]byte(want)); err != nil || least == session.Info {
		return nil, errors.New(`"notice", "warning" or "error"`)
	}
	return func(e *evidence) ruling {
		var worst *facts.Finding
		n := 0
		for i := range e.Findings {
			f := &e.Findings[i]
			if f.Severity < least || slices.Contains(e.ignored, f.Rule) {
				continue
			}
			n++
			if worst == nil || f.Severity > worst.Severity {
				worst = f
			}
		}
		switch {
		case e.Explained == 0:
			return unknown("the session holds no explanations, so nothing can have been found")
		case worst == nil:
			return holds(true, "none", 0, 0)
		}
		got := fmt.Sprintf("%s %s: %s", worst.Severity, worst.Rule, worst.Text)
		if n > 1 {
			got = fmt.Sprintf("%d, such as %s", n, got)
		}
		return holds(false, got, worst.Seq, worst.N)
	}, nil
}

func noRule(id string) judge {
	return func(e *evidence) ruling {
		for i := range e.Findings {
			if f := &e.Findings[i]; f.Rule == id {
				return holds(false, fmt.Sprintf("%s: %s", f.Severity, f.Text), f.Seq, f.N)
			}
		}
		if e.Explained == 0 {
			return unknown("the session holds no explanations, so nothing can have been found")
		}
		return holds(true, "nothing found", 0, 0)
	}
}

// matcher counts what a filter matches, for each session.
type matcher struct {
	test func(*session.Event) bool
}

func fromFilters(j judge) func(any) ([]assertion, error) {
	return func(value any) (out []assertion, err error) {
		list, ok := texts(value)
		if !ok {
			return nil, errors.New("a filter expression, or a list")
		}
		for _, source := range list {
			test, err := session.CompileFilter(source)
			if err != nil {
				return nil, &Problem{Text: err.Error(), Hint: "see xmppscope help filter"}
			}
			out = append(out, assertion{want: source, judge: j, match: &matcher{test}})
		}
		return out, nil
	}
}

func matches(e *evidence) ruling {
	if e.hits == 0 {
		return holds(false, "no event matches", 0, 0)
	}
	return e.matched(true)
}

func matchesNot(e *evidence) ruling {
	if e.hits == 0 {
		return holds(true, "no event matches", 0, 0)
	}
	return e.matched(false)
}

func (e *evidence) matched(ok bool) ruling {
	n := 0
	if e.hit.Step != nil {
		n = e.hit.Step.N
	}
	return holds(ok, fmt.Sprintf("%d matching, first %s", e.hits, cmp.Or(e.hit.Summary, e.hit.Kind())), e.hit.Seq, n)
}
