package session

import (
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	e := Event{Seen: Seen{Session: 2, Seq: 7, Conn: 3, Dir: C2S, Leg: ClientLeg, Body: StreamElement{}, Name: "iq", Raw: []byte("<iq>pw</iq>")},
		Said: Said{Done: true, Step: &Step{N: 15, ID: "bind-request"},
			Notes:   []Note{{Name: "password", Value: "pw", Secret: "password", Mark: "[password #1, 2 characters]"}, {Name: "jid", Value: "a@b.example/c"}},
			Secrets: []Secret{{Kind: "password", Span: Span{4, 6}, Mark: "[password #1, 2 characters]"}}},
	}
	for source, want := range map[string]bool{
		`name == "iq"`:                         true,
		`stanza && dir == "c2s"`:               true,
		`step startsWith "bind" && n == 15`:    true,
		`field("jid") contains "@b.example"`:   true,
		`raw contains "pw"`:                    false, // a filter sees what is shown
		`field("password") == "pw"`:            false,
		`severity in ["warning", "error"]`:     false,
		`session == 2 && seq > 6 && size == 0`: true,
		`raw matches "password #1"`:            true,
		`conn == 3`:                            true,
	} {
		match, err := CompileFilter(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if got := match(&e); got != want {
			t.Errorf("%s: %v, want %v", source, got, want)
		}
	}
	for _, bad := range []string{`name =`, `nonsense == 1`, `1 + 1`} {
		if _, err := CompileFilter(bad); err == nil {
			t.Errorf("%s: compiled", bad)
		}
	}
}

// TestFilterColumns: what an element says in its attributes and its text.
func TestFilterColumns(t *testing.T) {
	event := func(dir Dir, name, raw string, notes ...Note) *Event {
		return &Event{Seen: Seen{Dir: dir, Body: StreamElement{}, Name: name, Raw: []byte(raw)}, Said: Said{Done: true, RTT: 250e6, Notes: notes}}
	}
	message := event(S2C, "message", `<message from='romeo@a.example/orchard' to="juliet@b.example" id='m&amp;1' type = 'chat'><!-- <body>no</body> --><x:thread xmlns:x='urn:x'><body>nor this</body></x:thread><body>1 &lt; 2 <![CDATA[& 3]]> &#x263a;</body></message>`)
	request := event(C2S, "iq", `<iq type='get' id='r'  to='b.example'><query xmlns='jabber:iq:roster' ver=''/></iq>`)
	refused := event(S2C, "iq", `<iq type='error' id='r'/>`, Note{Name: "condition", Value: "item-not-found"})
	secret := event(C2S, "iq", `<iq id='pw' type='set'/>`)
	secret.Secrets = []Secret{{Kind: "token", Span: Span{8, 10}, Mark: "[token #1]"}}
	for _, test := range []struct {
		e      *Event
		source string
		want   bool
	}{
		{message, `from == "romeo@a.example/orchard" && to == "juliet@b.example" && bare == "romeo@a.example"`, true},
		{message, `id == "m&1" && type == "chat" && rtt == 250`, true},
		{message, `body == "1 < 2 & 3 \u263a"`, true},
		{message, `payload == "urn:x"`, true},
		{message, `field("from") startsWith "romeo" && field("body") contains "2"`, true},
		{message, `let f = "from"; field(f) == from`, true},
		{message, `$env["type"] == "chat"`, true},
		{request, `payload == "jabber:iq:roster" && bare == "b.example" && body == ""`, true},
		{refused, `condition == "item-not-found" && payload == ""`, true},
		{refused, `field("condition") == condition`, true},
		{secret, `id == "pw"`, false},
		{secret, `id == "[token #1]"`, true},
	} {
		match, err := CompileFilter(test.source)
		if err != nil {
			t.Errorf("%s: %v", test.source, err)
		} else if match(test.e) != test.want {
			t.Errorf("%s: %v", test.source, !test.want)
		}
	}
}

// TestFilterNearest: a name that is not known is an error that says which one was meant.
func TestFilterNearest(t *testing.T) {
	for source, want := range map[string]string{
		`form == "x"`:                    "did you mean from?",
		`let a = 1; boddy == "x"`:        "did you mean body?",
		`any(1..3, # > 2) && tipe == ""`: "did you mean type?",
		`nonsense == 1`:                  `there is no "nonsense" (in`,
		`lower(name) = "x"`:              "did you mean ==?",
		`step = 1`:                       "did you mean ==?",
		`stanza & rtt > 2`:               "did you mean &&?",
		`name <> "iq"`:                   "did you mean !=?",
		`stanza AND rtt > 2`:             "did you mean and?",
		`name == iq`:                     `there is no "iq": did you mean the text, in quotes?`,
		`name ==`:                        `it ends where something is missing (in the filter "name ==")`,
	} {
		if _, err := CompileFilter(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

// TestFilterEndless: what somebody else may have written cannot keep a filter busy for long.
func TestFilterEndless(t *testing.T) {
	for source, ok := range map[string]bool{
		`all(1..1000, # > 0)`: true, `any([1, 2], all([3], # > 0))`: false,
		`all(1..1000000, all(1..1000000, all(1..1000000, # > 0)))`: false,
		`count(1..100000, count(1..100000, true) > 0) == 1`:        false,
	} {
		if _, err := CompileFilter(source); (err == nil) != ok {
			t.Errorf("%s: %v", source, err)
		}
	}
	match, err := CompileFilter(`len(repeat("x", 1000000000)) > 0 || len(1..1000000000) > 0`)
	if err == nil && match(&Event{}) {
		t.Error("a gigabyte was made")
	}
}

// FuzzColumns: reading them ends, and never panics.
func FuzzColumns(f *testing.F) {
	for _, s := range []string{`<message from='a' id="b&lt;"><body>x<![CDATA[y]]></body></message>`, `<`, `</`, `<a b`, `<a b='`, `<!--`, `<a>&#;&#xffffffff;`, `< / >`, `<message><body>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		e := Event{Seen: Seen{Body: StreamElement{}, Raw: []byte(raw)}}
		if c := ColumnsOf(&e, true); len(c.From)+len(c.To)+len(c.ID)+len(c.Type)+len(c.Body)+len(c.Payload) > 6*len(raw) {
			t.Errorf("%+v", c)
		}
	})
}

// TestFilterNames: each name that is offered for completion can be used.
func TestFilterNames(t *testing.T) {
	names := FilterNames()
	if len(names) < 17 {
		t.Errorf("only %d names: %q", len(names), names)
	}
	for _, name := range names {
		if strings.HasSuffix(name, `("`) {
			name += `jid")`
		}
		if _, err := CompileFilter(name + " == " + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFilterValues: what a name stands for can be asked.
func TestFilterValues(t *testing.T) {
	e := Event{Seen: Seen{Session: 3, Seq: 7, Dir: S2C, Body: StreamElement{}, Name: "message", Raw: []byte(`<message from="bob@b.example/x" type="chat"><body>hi</body></message>`)}, Said: Said{Done: true}}
	of := FilterValues(&e)
	for name, want := range map[string]string{"bare": "bob@b.example", "from": "bob@b.example/x", "body": "hi", "type": "chat", "seq": "7", "stanza": "true", "id": "", "field": "", "no": ""} {
		if got := of(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
