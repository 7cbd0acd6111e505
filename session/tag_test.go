package session

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStartTag(t *testing.T) {
	for raw, want := range map[string]map[string]string{
		`<iq type='get' id="a&amp;b" to = 'x@y'><q from='no'/></iq>`: {"type": "get", "id": "a&b", "to": "x@y"},
		"<?xml version='1.0'?>\n<s:s to='a.example' xmlns:s='u'>":    {"to": "a.example", "xmlns:s": "u"},
		`<presence/>`: {}, `<a b='>'/>`: {"b": ">"}, ``: nil, `text`: nil, `<a`: nil, `<?xml`: nil, `<a b='c`: {}, `<a b=c>`: {}, `<a b>`: {},
	} {
		if d := cmp.Diff(want, StartTag([]byte(raw))); d != "" {
			t.Errorf("%s: %s", raw, d)
		}
	}
}

// TestFilterByAttributes: those of a stanza have names of their own, and field() finds
// them too.
func TestFilterByAttributes(t *testing.T) {
	e := Event{Seen: Seen{Body: StreamElement{}, Name: "iq", Raw: []byte(`<iq type='error' from='a@b.example/c' to='d@e.example' id='7'/>`)}, Said: Said{Done: true}}
	for expr, want := range map[string]bool{
		`from == "a@b.example/c"`: true, `to == "d@e.example"`: true, `id == "7"`: true, `type == "error"`: true, `type == "get"`: false,
		`field("from") startsWith "a@"`: true, `field("id") == "7"`: true, `field("nothing") == ""`: true,
	} {
		keep, err := CompileFilter(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
		} else if keep(&e) != want {
			t.Errorf("%s: %v", expr, !want)
		}
	}
}
