package bend

import (
	"fmt"
	"strings"
	"testing"

	"xmppscope/proxy"
	"xmppscope/session"
)

// TestNothingGrowsWithoutBound: rules that multiply what they are given, alone or by many, make
// nothing of it that takes memory or time without bound, and say so.
func TestNothingGrowsWithoutBound(t *testing.T) {
	const large = 500_000
	wide := "<iq a='" + strings.Repeat("x", 7000) + "'/>"
	many := func(name, inside string) string {
		return "<stream:features>" + strings.Repeat("<"+name+">"+inside+"</"+name+">", large/(2*len(name)+len(inside)+5)) + "</stream:features>"
	}
	doubling := ""
	for i := range 900 {
		doubling += fmt.Sprintf("[r%d]\ndo = 'replace'\ntext = 'x'\nwith = 'xx'\n", i)
	}
	for name, c := range map[string]struct{ rules, element, want string }{
		"a template for another":  {"[r]\ndo = 'replace'\nxml = '" + strings.Repeat("{a}", large/2) + "'", wide, "it was not changed: too much would come of it"},
		"a template for a answer": {"[r]\ndo = 'answer'\nxml = '" + strings.Repeat("{a}", large/2) + "'", wide, "nothing was said: too much would come of it"},
		"a template to be said":   {"[r]\ndo = 'inject'\nxml = '" + strings.Repeat("{a}", large/2) + "'", wide, "nothing was said: too much would come of it"},
		"text":                    {"[r]\ndo = 'replace'\ntext = 'x'\nwith = '" + strings.Repeat("y", large) + "'", wide, "it was not changed: too much would come of it"},
		"an attribute":            {"[r]\ndo = 'replace'\nattribute = 'b'\nwith = '" + strings.Repeat("&", large) + "'", "<iq/>", "it was not changed: too much would come of it"},
		"rules in a row":          {doubling, "<iq>x</iq>", "it was not changed: too much would come of it"},
		"mechanisms":              {"[r]\ndo = 'mechanisms'\nonly = ['" + strings.Repeat("A", large) + "']", many("mechanisms", "<mechanism/>"), "it was not changed: too much would come of it"},
		"features taken":          {"[r]\ndo = 'feature'\ntake = ['a']", many("a", ""), "<a> was taken out"},
		"features of any name":    {"[r]\ndo = 'feature'\ntake = ['a', '']\nput = '<b/>'", many("a", "<a/>"), "a feature was put in"},
		"many rules of one":       {strings.ReplaceAll(doubling, "do = 'replace'\ntext = 'x'\nwith = 'xx'", "do = 'duplicate'\ncopies = 1000"), "<iq/>", "passed on 1001 times"},
	} {
		d := bends(t, c.rules, session.S2C, c.element)
		if len(d) != 1 {
			t.Fatalf("%s: %d elements", name, len(d))
		}
		if most := max(proxy.MaxSending, len(c.element)); len(d[0].XML) > most {
			t.Errorf("%s: %d bytes became %d", name, len(c.element), len(d[0].XML))
		}
		for _, s := range d[0].Sends {
			if len(s.XML) > proxy.MaxSending {
				t.Errorf("%s: %d bytes are said", name, len(s.XML))
			}
		}
		if !strings.Contains(d[0].Reason, c.want) || len(d[0].Reason) > 4000 || len(d[0].By) > 4000 {
			t.Errorf("%s: it is told in %d and %d bytes: %.300s, by %.100s", name, len(d[0].Reason), len(d[0].By), d[0].Reason, d[0].By)
		}
	}
}

// TestConditionsAreBounded: short conditions that name long ones count as what they are.
func TestConditionsAreBounded(t *testing.T) {
	long := func(string) (string, error) { return strings.Repeat(" ", 10_000) + "true", nil }
	rules := ""
	for i := range 100 {
		rules += fmt.Sprintf("[r%d]\nwhen = '@a'\ndo = 'drop'\n", i)
	}
	if _, err := Parse("f", rules, long); err == nil || !strings.Contains(err.Error(), "f:79:1: the conditions of all rules, with the filters that they name, have more than") {
		t.Errorf("%v", err)
	}
}
