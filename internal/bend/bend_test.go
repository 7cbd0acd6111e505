package bend

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

const header = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

// bends has rules decide about elements that come in a direction, and says what becomes of
// each.
func bends(t *testing.T, rules string, dir session.Dir, elements ...string) (out []proxy.Decision) {
	t.Helper()
	set, err := Parse("rules.toml", rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	return decisions(set, 1, dir, elements...)
}

func decisions(set *Set, id int, dir session.Dir, elements ...string) (out []proxy.Decision) {
	var e Engine
	e.Replace(set)
	g := e.Gate(id, proxy.NewLook(func() *decode.Session { return decode.NewSession(nil, new(session.Book)) }))
	var s decode.Stream
	text := []byte(header + strings.Join(elements, ""))
	for {
		n, piece, ok := s.Next(dir, text)
		if !ok {
			return out
		}
		text = text[n:]
		if d := g.Consider(&piece); piece.Kind != decode.Opened {
			out = append(out, d)
		}
	}
}

const features = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism> <mechanism>PLAIN</mechanism></mechanisms>" +
	"<authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-1</mechanism><inline><sm xmlns='urn:xmpp:sm:3'/></inline></authentication><sm xmlns='urn:xmpp:sm:3'/></stream:features>"

// TestActions: what each makes of an element.
func TestActions(t *testing.T) {
	bend := func(b proxy.Bend) string { return fmt.Sprintf("%d %s %s %d %d", b.What, b.Dir, b.For, b.Rate, b.Chunk) }
	for _, c := range []struct{ rule, in, want string }{
		{`do = "drop"`, "<a/>", "drop"},
		{`do = "hold"`, "<a/>", "hold rule r"},
		{`do = "delay"` + "\nfor = \"2s\"", "<a/>", "delay 2s"},
		{`do = "replace"` + "\ntext = 'one'\nwith = 'two'", "<a>one, one</a>", "<a>two, two</a>"},
		{`do = "replace"` + "\ntext = 'one'\nwith = 'two'", "<a>three</a>", "pass"},
		{`do = "replace"` + "\nattribute = 'to'\nwith = \"x'&\"", "<a  to='y' b='c'/>", "<a  to='x&#39;&amp;' b='c'/>"},
		{`do = "replace"` + "\nattribute = 'to'\nwith = 'x'", "<p:a xmlns:p='q'/>", "<p:a to='x' xmlns:p='q'/>"},
		{`do = "replace"` + "\nelement = 'body'\nwith = '<hi>'", "<message><x/><body>ha &amp; ho</body></message>", "<message><x/><body>&lt;hi&gt;</body></message>"},
		{`do = "replace"` + "\nxml = \"<b id='{id}'>{x y}{</b>\"", "<a id='1&amp;2'/>", "<b id='1&amp;2'>{x y}{</b>"},
		{`do = "answer"` + "\nxml = \"<iq id='{id}' to='{from}'/>\"", "<iq id='7' from='me'/>", "drop, s2c <iq id='7' to='me'/>"},
		{`do = "inject"` + "\nxml = '<r/>'\nto = 'server'", "<a/>", "pass, c2s <r/>"},
		{`do = "duplicate"` + "\ncopies = 2", "<a/>", "pass, 2 copies"},
		{`do = "cut"`, "<a/>", "pass, bend " + bend(proxy.Bend{What: proxy.Cut})},
		{`do = "cut"` + "\nhow = 'half-close'", "<a/>", "pass, bend " + bend(proxy.Bend{What: proxy.HalfClose, Dir: session.C2S})},
		{`do = "cut"` + "\nhow = 'reset-client'\nbefore = true", "<a/>", "drop, bend " + bend(proxy.Bend{What: proxy.ResetLeg, Dir: session.C2S})},
		{`do = "stall"` + "\nfor = '1s'\nof = 's2c'", "<a/>", "pass, bend " + bend(proxy.Bend{What: proxy.Stall, Dir: session.S2C, For: time.Second})},
		{`do = "black-hole"`, "<a/>", "pass, bend " + bend(proxy.Bend{What: proxy.BlackHole})},
		{`do = "throttle"` + "\nrate = 100\nchunk = 3", "<a/>", "pass, bend " + bend(proxy.Bend{What: proxy.Pace, Dir: session.C2S, Rate: 100, Chunk: 3})},
		{`do = "truncate"` + "\nbytes = 3", "<abc/>", "<ab, bend " + bend(proxy.Bend{What: proxy.Cut})},
		{`do = "corrupt"` + "\nat = 1", "<a/>", "<\x9e/>"},
		{`do = "count"` + "\nh = '+5'", "<a xmlns='urn:xmpp:sm:3' h='3'/>", "<a xmlns='urn:xmpp:sm:3' h='8'/>"},
		{`do = "count"` + "\nh = '-5'", "<a h='3'/>", "<a h='4294967294'/>"},
		{`do = "count"` + "\nh = '9'", "<a h=\"3\"/>", "<a h=\"9\"/>"},
		{`do = "mechanisms"` + "\nonly = ['PLAIN', 'X&']", features,
			"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism><mechanism>X&amp;</mechanism> </mechanisms>" +
				"<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><mechanism>X&amp;</mechanism><inline><sm xmlns='urn:xmpp:sm:3'/></inline></authentication><sm xmlns='urn:xmpp:sm:3'/></stream:features>"},
		{`do = "mechanisms"` + "\nonly = ['PLAIN']", "<message/>", "pass"},
		{`do = "feature"` + "\ntake = ['urn:xmpp:sasl:2', 'mechanisms']\nput = \"<x xmlns='y'/>\"", features, "<stream:features><sm xmlns='urn:xmpp:sm:3'/><x xmlns='y'/></stream:features>"},
		{`do = "feature"` + "\nput = '<x/>'", "<stream:features/>", "<stream:features><x/></stream:features>"},
	} {
		dir := session.C2S
		d := bends(t, "[r]\n"+c.rule, dir, c.in)[0]
		got := "pass"
		switch {
		case d.Drop:
			got = "drop"
		case d.Hold != "":
			got = "hold " + d.Hold
		case d.Delay > 0:
			got = "delay " + d.Delay.String()
		case d.XML != nil:
			got = string(d.XML)
		}
		if d.Copies > 0 {
			got += fmt.Sprintf(", %d copies", d.Copies)
		}
		for _, s := range d.Sends {
			got += fmt.Sprintf(", %s %s", s.Dir, s.XML)
		}
		for _, b := range d.Bends {
			got += ", bend " + bend(b)
		}
		if got != c.want {
			t.Errorf("%s of %s:\n got %s\nwant %s", c.rule, c.in, got, c.want)
		}
		if (d.Reason == "") != (got == "pass") || d.Reason != "" && d.By != "r" {
			t.Errorf("%s says %q, by %q", c.rule, d.Reason, d.By)
		}
	}
}

// TestEveryActionIsTested: an action without a case above is one that nobody has tried.
func TestEveryActionIsTested(t *testing.T) {
	for _, name := range Actions() {
		if actions[name].says == "" || actions[name].make == nil {
			t.Errorf("%s is not explained", name)
		}
	}
	if len(Help()) != len(Actions()) || !slices.Contains(Actions(), "black-hole") {
		t.Errorf("help: %q", Help())
	}
}

// TestConditions: of which elements a rule speaks.
func TestConditions(t *testing.T) {
	dropped := func(rules string, dir session.Dir, elements ...string) (out string) {
		for _, d := range bends(t, rules, dir, elements...) {
			if d.Drop {
				out += "x"
			} else {
				out += "."
			}
		}
		return out
	}
	ten := strings.Split(strings.Repeat("<a/> ", 10), " ")[:10]
	for _, c := range []struct{ conditions, want string }{
		{``, "xxxxxxxxxx"},
		{`first = 2`, "xx........"},
		{`after = 3`, "...xxxxxxx"},
		{"after = 3\nfirst = 1", "...x......"},
		{`every = 3`, "..x..x..x."},
		{"every = 3\nfirst = 2", "..x..x...."},
		{`dir = "c2s"`, "xxxxxxxxxx"},
		{`dir = "s2c"`, ".........."},
		{`session = 2`, ".........."},
		{`when = 'name == "b"'`, ".........."},
		{`step = "sasl-auth"`, ".........."},
		{`probability = 0`, ".........."},
	} {
		if got := dropped("[r]\ndo = \"drop\"\n"+c.conditions, session.C2S, ten...); got != c.want {
			t.Errorf("%s: %s, want %s", c.conditions, got, c.want)
		}
	}
	half := "[r]\ndo = \"drop\"\nprobability = 0.5\nseed = 3"
	if a, b := dropped(half, session.C2S, ten...), dropped(half, session.C2S, ten...); a != b || !strings.Contains(a, "x") || !strings.Contains(a, ".") {
		t.Errorf("by chance: %s and %s", a, b)
	}
	if got := dropped("[r]\ndo = \"drop\"\nstep = \"features\"", session.S2C, features, "<message/>"); got != "x." {
		t.Errorf("by step: %s", got)
	}
}

// TestRulesInARow: the second sees what the first has made.
func TestRulesInARow(t *testing.T) {
	d := bends(t, "[one]\ndo = \"replace\"\ntext = \"a\"\nwith = \"b\"\n[two]\nwhen = 'raw contains \"<b\"'\ndo = \"replace\"\ntext = \"b\"\nwith = \"c\"\n[three]\ndo = \"duplicate\"", session.C2S, "<a/>")[0]
	if string(d.XML) != "<c/>" || d.By != "one, two, three" || d.Copies != 1 || d.Bent {
		t.Errorf("%+v", d)
	}
}

// TestProblems: what is wrong with a file is said with its place, and a way out.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"x = ", "f:1:"},
		{"do = 'drop'", `f:1:1: "do" stands in no rule: each rule is a table that begins with its name: [my-rule]`},
		{"[r]\n", "f:1:1: rule r: it does nothing"},
		{"[r]\n  do = 'drp'", "f:2:3: rule r: there is no action \"drp\": did you mean drop?"},
		{"[r]\ndo = 'drop'\nfro = 1", `f:3:1: rule r: drop knows no "fro": did you mean`},
		{"[r]\ndo = 'drop'\nwhen = 'nam == 1'", "f:3:1: rule r: there is no \"nam\": did you mean name?"},
		{"[r]\ndo = 'delay'", "f:2:1: rule r: it needs for"},
		{"[r]\ndo = 'delay'\nfor = 'soon'", "f:3:1: rule r: for has to be a time"},
		{"[r]\ndo = 'drop'\nfirst = -1", "f:3:1: rule r: first has to be a whole number"},
		{"[r]\ndo = 'drop'\nprobability = 2", "f:3:1: rule r: probability has to be a number from 0 to 1"},
		{"[r]\ndo = 'drop'\ndir = 'up'", `f:3:1: rule r: dir has to be "c2s" or "s2c"`},
		{"[r]\ndo = 'cut'\nbefore = 'yes'", "f:3:1: rule r: before has to be true or false"},
		{"[r]\ndo = 'mechanisms'\nonly = 'PLAIN'", "f:3:1: rule r: only has to be a list"},
		{"[\"a, b\"]\ndo = 'drop'", "is no name for a rule"},
		{"[r]\ndo = 'drop'\nwhen = '@eror'", "f:3:1: rule r: there is no filter @eror: did you mean @errors?"},
		{strings.Repeat("#", MaxFile+1), "are the most"},
		{"[r]\na" + strings.Repeat(".a", MaxFile/4) + " = 1", "f:2:1: something lies more than 30 levels deep"},
		{"[r]\ndo = 'drop'\nwhen = '" + strings.Repeat("(", MaxFile/2) + "'", "f:3:1: rule r: a filter has at most"},
		{"[r]\ndo = 'answer'\nxml = '" + strings.Repeat(".", 1000) + strings.Repeat("[", 1000) + "'\nnone = 1 # " + strings.Repeat(".", 1000), `f:4:1: rule r: answer knows no "none"`},
	} {
		_, err := Parse("f", c.text, nil)
		var p *Problem
		if !errors.As(err, &p) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestWarnings: what clients remember is said before it is done.
func TestWarnings(t *testing.T) {
	set, err := Parse("f", "[plain-only]\ndo = 'mechanisms'\nonly = ['PLAIN']\n[no-tls]\ndo = 'feature'\ntake = ['starttls']\n[slow]\ndo = 'delay'\nfor = '1s'", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := set.Warnings()
	if len(w) != 2 || !strings.HasPrefix(w[0], "rule plain-only: clients remember") || !strings.Contains(w[0], "Conversations") || !strings.HasPrefix(w[1], "rule no-tls: ") {
		t.Errorf("warnings: %q", w)
	}
}

// FuzzRules: whatever a file says and whatever comes, nothing fails, hangs or grows.
func FuzzRules(f *testing.F) {
	for name := range actions {
		f.Add("[r]\ndo = '"+name+"'\nfor = '1s'\nwith = 'x'\ntext = 'a'\nxml = '{id}'\nonly = ['A']\nh = '+1'\nrate = 1", features)
	}
	f.Add("[r]\ndo = 'replace'\nelement = 'b'\nwith = 'y'", "<a><b/><b>x</b></a>")
	f.Fuzz(func(t *testing.T, rules, xml string) {
		set, err := Parse("f", rules, nil)
		if err != nil {
			return
		}
		for _, d := range decisions(set, 1, session.S2C, xml) {
			if len(d.XML) > 4*(len(xml)+len(rules))*(1+len(xml)) {
				t.Errorf("%d bytes became %d", len(xml), len(d.XML))
			}
		}
	})
}
