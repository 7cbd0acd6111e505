package session

import (
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	e := Event{Seen: Seen{Session: 2, Seq: 7, Dir: C2S, Leg: ClientLeg, Body: StreamElement{}, Name: "iq", Raw: []byte("<iq>pw</iq>")},
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
