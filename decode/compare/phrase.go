package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"xmppscope/session"
)

// named most are what a reader wants to know of first, if it differs.
var foremost = [][]string{
	{"stream's to", "user", "account", "password", "token", "verified", "problem", "certificate is"},
	{"mechanisms", "SASL2 mechanisms", "mechanism", "version", "certificate of", "certificate names", "issued by"},
	{"features", "resource", "resume"},
}

// rank is the place of a change in a sentence: lower comes first.
func (c change) rank() int {
	switch {
	case c.diff == nil:
		return len(foremost) - 1
	case c.diff.Finding && !strings.HasPrefix(c.diff.What, session.Error.String()):
		return len(foremost) + 2
	case c.diff.Finding:
		return len(foremost) + 1
	}
	for i, names := range foremost {
		if slices.Contains(names, plainName(c.diff.What)) {
			return i
		}
	}
	return len(foremost)
}

// compare orders changes for a sentence: by what matters, and then as they came,
// whichever side is named first.
func (c change) compare(d change) int {
	if c.diff == nil || d.diff == nil {
		return cmp.Or(cmp.Compare(c.rank(), d.rank()), cmp.Compare(c.at, d.at))
	}
	return cmp.Or(cmp.Compare(c.rank(), d.rank()), cmp.Compare(c.at, d.at), cmp.Compare(c.diff.What, d.diff.What))
}

// briefly names the two changes that say most, and says how many more there are.
// Steps that one side lacks, one after another, are one change.
func briefly(changes []change, skip func(change) bool) string {
	var groups [][]change
	for _, c := range changes {
		if skip != nil && skip(c) {
			continue
		}
		if n := len(groups); n > 0 && c.follows(groups[n-1][len(groups[n-1])-1]) {
			groups[n-1] = append(groups[n-1], c)
			continue
		}
		groups = append(groups, []change{c})
	}
	slices.SortStableFunc(groups, func(x, y []change) int { return x[0].compare(y[0]) })
	var parts []string
	more := 0
	for _, g := range groups {
		switch n := len(g); {
		case len(parts) == 2:
			more++
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d steps that %s alone has (%s … %s)", n, g[0].letter(), g[0].row.Title, g[n-1].row.Title))
		default:
			parts = append(parts, phrase(g[0]))
		}
	}
	text := strings.Join(parts, ", ")
	switch {
	case more == 1:
		text += ", and one thing more"
	case more > 1:
		text += fmt.Sprintf(", and %d things more", more)
	}
	return text
}

// follows says whether a change is the next step that the same side lacks.
func (c change) follows(before change) bool {
	return c.diff == nil && before.diff == nil && c.row.Mark == before.row.Mark && c.at == before.at+1
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
	return fmt.Sprintf("%s (%s)", spoken(d.What), strings.Join(parts, ", "))
}

// spoken is the name of what differs as it stands in a sentence.
func spoken(what string) string {
	name := plainName(what)
	leg := strings.TrimSuffix(strings.TrimSuffix(what, name), ": ")
	switch name {
	case "version":
		name = "TLS version"
	case "suite":
		name = "cipher suite"
	case "certificate is":
		name = "validity of the certificate"
	case "certificate of":
		name = "subject of the certificate"
	case "issued by":
		name = "issuer of the certificate"
	case "verified":
		name = "verification of the certificate"
	}
	if leg == "" {
		return name
	}
	return name + " on the " + leg
}

func or(s string) string { return cmp.Or(s, "none") }
