package compare

import (
	"slices"
	"strings"

	"xmppscope/decode/facts"
	"xmppscope/session"
)

func rowOf(p pair, o Options) Row {
	r := p.a
	if r == nil {
		r = p.b
	}
	row := Row{Mark: Same, Kind: r.Kind, Phase: r.Phase.String(), Title: session.SafeLine(r.Title), A: placeOf(p.a), B: placeOf(p.b)}
	switch {
	case p.b == nil:
		row.Mark, row.About = OnlyA, about(r)
	case p.a == nil:
		row.Mark, row.About = OnlyB, about(r)
	default:
		row.Differences = differences(p.a.Facts, p.b.Facts, o)
		if counts(row.Differences) {
			row.Mark = Changed
		}
	}
	return row
}

func placeOf(r *facts.Rung) *Place {
	if r == nil {
		return nil
	}
	return &Place{N: r.N, ID: r.ID, Seq: r.Seq}
}

// downgrade makes a difference that was there before a detail: that another domain
// was asked for is said once.
func downgrade(rows []Row) {
	type known struct{ what, a, b string }
	seen := map[known]bool{}
	for i := range rows {
		r := &rows[i]
		for j := range r.Differences {
			d := &r.Differences[j]
			k := known{d.What, strings.Join(d.A, "\n"), strings.Join(d.B, "\n")}
			if seen[k] {
				d.Weight = Detail
			}
			seen[k] = true
		}
		if r.Mark == Changed && !counts(r.Differences) {
			r.Mark = Same
		}
	}
}

func counts(all []Difference) bool {
	return slices.ContainsFunc(all, func(d Difference) bool { return d.Weight != Detail })
}

// about is what there is to say of a step that the other side lacks.
func about(r *facts.Rung) string {
	for _, name := range []string{"condition", "mechanism", "failure", "method"} {
		for _, f := range r.Facts {
			if f.Name == name && len(f.Values) > 0 {
				return session.SafeLine(f.Values[0])
			}
		}
	}
	return ""
}

// key tells facts of one rung apart.
type key struct{ group, name string }

func keyOf(f *facts.Fact) key { return key{f.Group, f.Name} }

// collect joins facts of the same name.
func collect(all []facts.Fact) (map[key]facts.Fact, map[string]bool) {
	out, groups := map[key]facts.Fact{}, map[string]bool{}
	for _, f := range all {
		groups[f.Group] = true
		if before, ok := out[keyOf(&f)]; ok && !f.Presence {
			f.Values = append(slices.Clip(before.Values), f.Values...)
		}
		out[keyOf(&f)] = f
	}
	return out, groups
}

// differences compares what a step settled on both sides. A group of facts that
// one side has not recorded cannot be compared.
func differences(a, b []facts.Fact, o Options) (out []Difference) {
	inA, groupsA := collect(a)
	inB, groupsB := collect(b)
	done := map[key]bool{}
	for _, f := range slices.Concat(a, b) {
		k := keyOf(&f)
		if done[k] || f.Group != "" && !(groupsA[f.Group] && groupsB[f.Group]) {
			continue
		}
		done[k] = true
		if f.Class == facts.Identifier && !o.IDs {
			continue
		}
		fa, okA := inA[k]
		fb, okB := inB[k]
		if f.Presence && okA && okB {
			continue
		}
		if d, differs := differ(&f, fa.Values, fb.Values); differs {
			out = append(out, d)
		}
	}
	return out
}

func differ(f *facts.Fact, a, b []string) (Difference, bool) {
	d := Difference{What: label(f), List: f.List, Finding: f.Presence, Weight: Change}
	if f.Class == facts.Detail {
		d.Weight = Detail
	}
	if slices.Equal(a, b) {
		return d, false
	}
	d.A, d.B = safe(a), safe(b)
	if !f.List {
		return d, true
	}
	onlyA, onlyB := without(d.A, d.B), without(d.B, d.A)
	if len(onlyA)+len(onlyB) > 0 {
		d.A, d.B = onlyA, onlyB
		return d, true
	}
	d.What, d.List, d.Weight = "order of "+d.What, false, Detail
	return d, true
}

// label names a fact, with its leg where there may be two.
func label(f *facts.Fact) string {
	switch f.Group {
	case facts.LegGroup(session.ServerLeg), facts.LegGroup(session.ClientLeg):
		return f.Group + ": " + f.Name
	}
	return f.Name
}

func safe(values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if v != "" {
			out = append(out, session.SafeLine(v))
		}
	}
	return out
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(x string) bool { return slices.Contains(b, x) })
}

// elsewhere compares the findings that stand on no step.
func elsewhere(a, b *facts.Login) []Difference {
	return differences(offLadder(a), offLadder(b), Options{})
}

func offLadder(l *facts.Login) (out []facts.Fact) {
	for _, f := range l.Findings {
		if f.N > 0 {
			continue
		}
		x := facts.Fact{Name: f.Severity.String() + " " + f.Rule, Values: []string{f.Text}, Presence: true}
		if f.Severity == session.Notice {
			x.Class = facts.Detail
		}
		out = append(out, x)
	}
	return out
}
