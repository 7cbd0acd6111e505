package session

import "testing"

func TestMarkupEnd(t *testing.T) {
	for s, want := range map[string]string{
		"<a b='>' c=\"'>\">text":   "<a b='>' c=\"'>\">",
		"</a><b>":                  "</a>",
		"<!-- > ' --><a>":          "<!-- > ' -->",
		"<!-->--><a>":              "<!-->-->",
		"<![CDATA[ ]> ' ]]>x":      "<![CDATA[ ]> ' ]]>",
		"<?xml version='1.0'?><a>": "<?xml version='1.0'?>",
		"<a b='>":                  "<a b='>",
		"<!-- ":                    "<!-- ",
		"<":                        "<",
	} {
		if got := s[:MarkupEnd(s)]; got != want {
			t.Errorf("%q begins with %q, want %q", s, got, want)
		}
	}
}
