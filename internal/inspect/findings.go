package inspect

import (
	"cmp"
	"slices"

	"xmppscope/session"
)

// FindingKind is a kind of what the rules have found: one check and one severity, with the
// places where it was found.
type FindingKind struct {
	Rule     string
	Severity session.Severity
	By       string // whose messages it is about, as far as they are one side's: "client", "server"
	Text     string // of the first, with its secrets blanked
	Ref      string
	Count    int
	Places   []FoundAt // in order; the first maxPlaces of them
}

// FoundAt is an event with a finding.
type FoundAt struct {
	Session *Conversation
	Index   int // in the Log
	Seq     uint64
}

// maxPlaces bounds the places that are kept for each kind of finding of a session.
const maxPlaces = 10_000

// foundKey tells kinds of findings apart.
type foundKey struct {
	rule     string
	severity session.Severity
}

// find notes what the rules say of an event.
func (c *Conversation) find(index int, e *session.Event) {
	if e.Worst() < session.Notice {
		return
	}
	shown := *e
	if len(e.Secrets) > 0 {
		shown = session.Blank(shown)
	}
	for i := range shown.Notes {
		n := &shown.Notes[i]
		if n.Severity < session.Notice || n.Rule == session.RuleVerdict {
			continue
		}
		key := foundKey{n.Rule, n.Severity}
		f := c.found[key]
		if f == nil {
			f = &FindingKind{Rule: n.Rule, Severity: n.Severity, Text: cmp.Or(n.Text, n.Name+" "+n.Value), Ref: n.Ref, By: blamed(e)}
			if c.found == nil {
				c.found = map[foundKey]*FindingKind{}
			}
			c.found[key] = f
		}
		f.add(FoundAt{c, index, e.Seq})
		if f.By != blamed(e) {
			f.By = ""
		}
	}
}

// blamed is who a finding is about: whoever has sent it, and of TLS and TCP the side whose leg
// it is on.
func blamed(e *session.Event) string {
	if failed, ok := e.Body.(session.TLSFailed); ok && failed.Guilty != "" {
		return failed.Guilty
	}
	if e.Dir == session.NoDir {
		return e.Leg.Dir().Sender()
	}
	return e.Dir.Sender()
}

func (f *FindingKind) add(at FoundAt) {
	f.Count++
	if len(f.Places) < maxPlaces {
		f.Places = append(f.Places, at)
	}
}

// Findings are the kinds of what was found in sessions, the worst first, and of those the
// most frequent.
func Findings(sessions []*Conversation) []FindingKind {
	all := map[foundKey]*FindingKind{}
	for _, c := range sessions {
		for key, f := range c.found {
			sum := all[key]
			if sum == nil {
				one := *f
				one.Places = slices.Clip(f.Places)
				all[key] = &one
				continue
			}
			sum.Count += f.Count
			sum.Places = append(sum.Places, f.Places...)
			if sum.By != f.By {
				sum.By = ""
			}
		}
	}
	var out []FindingKind
	for _, f := range all {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b FindingKind) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), -cmp.Compare(a.Count, b.Count), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}
