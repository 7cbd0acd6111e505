package compare

import (
	"slices"
	"strings"

	"xmppscope/decode/facts"
	"xmppscope/session"
)

func (c *comparison) rowOf(p pair) Row {
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
		row.Differences = c.differences(p.a.Facts, p.b.Facts)
		if p.a.Kind != p.b.Kind {
			row.Kind = family(p.a.Kind)
			row.Differences = append([]Difference{{What: "carried by", A: []string{carrier(p.a)}, B: []string{carrier(p.b)}, Weight: Change}}, row.Differences...)
		}
		if counts(row.Differences) {
			row.Mark = Changed
		}
	}
	return row
}

// carrier is what carries a step of an authentication.
func carrier(r *facts.Rung) string {
	if family(r.Kind) != r.Kind {
		return "SASL2 (XEP-0388)"
	}
	return "SASL (RFC 6120)"
}

func placeOf(r *facts.Rung) *Place {
	if r == nil {
		return nil
	}
	return &Place{N: r.N, ID: r.ID, Seq: r.Seq}
}

// downgrade makes a difference that was there before a detail: that another domain
// was asked for is said once, and so is the TLS version of both legs.
func downgrade(rows []Row) {
	type known struct{ what, a, b string }
	seen := map[known]bool{}
	for i := range rows {
		r := &rows[i]
		for _, d := range serverFirst(r.Differences) {
			what := plainName(d.What)
			if what == "stream's from" { // the server's answer to what was asked for
				what = "stream's to"
			}
			k := known{what, strings.Join(d.A, "\n"), strings.Join(d.B, "\n")}
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

// serverFirst are differences with those of the client's leg behind.
func serverFirst(all []Difference) (out []*Difference) {
	for _, client := range []bool{false, true} {
		for i := range all {
			if strings.HasPrefix(all[i].What, facts.LegGroup(session.ClientLeg)) == client {
				out = append(out, &all[i])
			}
		}
	}
	return out
}

// plainName takes the leg off the name of what differs.
func plainName(what string) string {
	if leg, name, ok := strings.Cut(what, " leg: "); ok && (leg == "client" || leg == "server") {
		return name
	}
	return what
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

// collect joins facts of the same name; what is said twice counts once.
func collect(all []facts.Fact) (map[key]facts.Fact, map[string]bool) {
	out, groups := map[key]facts.Fact{}, map[string]bool{}
	for _, f := range all {
		groups[f.Group] = true
		if before, ok := out[keyOf(&f)]; ok && !f.Presence {
			f.Values = append(slices.Clip(before.Values), without(f.Values, before.Values)...)
		}
		out[keyOf(&f)] = f
	}
	return out, groups
}

// differences compares what a step settled on both sides. A group of facts that
// one side has not recorded cannot be compared.
func (c *comparison) differences(a, b []facts.Fact) (out []Difference) {
	inA, groupsA := collect(a)
	inB, groupsB := collect(b)
	done := map[key]bool{}
	for _, f := range slices.Concat(a, b) {
		k := keyOf(&f)
		if done[k] || f.Group != "" && !(groupsA[f.Group] && groupsB[f.Group]) {
			continue
		}
		done[k] = true
		fa, okA := inA[k]
		fb, okB := inB[k]
		if f.Presence && okA && okB {
			continue
		}
		d, differs := differ(&f, fa.Values, fb.Values)
		if !differs && f.Secret != nil {
			d, differs = c.another(d, &fa, &fb)
		}
		switch {
		case !differs:
		case f.Class == session.Identifier && !c.IDs:
			c.ignored++
		default:
			d.What = c.label(&f, d.What)
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(x, y Difference) int { return findings(x) - findings(y) })
	return out
}

// findings come behind what they are about, on whichever side they were made.
func findings(d Difference) int {
	if d.Finding {
		return 1
	}
	return 0
}

func differ(f *facts.Fact, a, b []string) (Difference, bool) {
	d := Difference{What: f.Name, List: f.List, Finding: f.Presence, Weight: Change}
	if f.Class == session.Detail {
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

// another says that two secrets of the same length are not the same one, where the
// recordings tell.
func (c *comparison) another(d Difference, a, b *facts.Fact) (Difference, bool) {
	if a.Secret == nil || b.Secret == nil {
		return d, false
	}
	x, y := a.Secret.Digest, b.Secret.Digest
	if x == "" || y == "" {
		x, y = a.Secret.Mark, b.Secret.Mark
		if !c.OneRun || x == "" || y == "" {
			return d, false
		}
	}
	if x == y {
		return d, false
	}
	length := strings.Join(a.Values, ", ")
	d.A, d.B = []string{"one of " + length}, []string{"another of " + length}
	return d, true
}

// label names what differs, with its leg where there may be two.
func (c *comparison) label(f *facts.Fact, what string) string {
	leg, _, _ := strings.Cut(f.Group, ",")
	switch leg {
	case facts.LegGroup(session.ServerLeg), facts.LegGroup(session.ClientLeg):
		if !c.oneWire {
			return leg + ": " + what
		}
	}
	return what
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

// elsewhere compares the findings that stand on no step, and who spoke with whom.
func (c *comparison) elsewhere(a, b *facts.Login) []Difference {
	return c.differences(append(offLadder(a), addresses(a)...), append(offLadder(b), addresses(b)...))
}

// addresses are other ones each time, or say nothing about the login.
func addresses(l *facts.Login) (out []facts.Fact) {
	for _, x := range []struct{ name, value string }{
		{"client's address", l.Client}, {"server's address", l.Server}, {"server asked for", l.Target},
	} {
		if x.value != "" {
			out = append(out, facts.Fact{Name: x.name, Values: []string{x.value}, Class: session.Identifier})
		}
	}
	return out
}

func offLadder(l *facts.Login) (out []facts.Fact) {
	for _, f := range l.Findings {
		if f.N > 0 {
			continue
		}
		x := facts.Fact{Name: f.Severity.String() + " " + f.Rule, Values: []string{f.Text}, Presence: true}
		if f.Severity == session.Notice {
			x.Class = session.Detail
		}
		out = append(out, x)
	}
	return out
}
