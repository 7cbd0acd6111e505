package session

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// TestTemplates: all are well-formed, with fields and without, and text cannot become XML.
func TestTemplates(t *testing.T) {
	for i := range Templates {
		tmpl := &Templates[i]
		for _, value := range []string{"", "x'><&\"{id}"} {
			values := map[string]string{}
			for _, f := range tmpl.Fields {
				if !f.Raw && f.Name != "condition" {
					values[f.Name] = value
				}
			}
			out, err := tmpl.Fill(values)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(out), "</stream:stream>", "")
			d := xml.NewDecoder(strings.NewReader(text))
			for {
				if _, err = d.Token(); err != nil {
					break
				}
			}
			if err != io.EOF {
				t.Errorf("%s with %q: %s: %v", tmpl.Name, value, out, err)
			}
			if strings.Contains(text, "{") {
				t.Errorf("%s with %q: %s", tmpl.Name, value, out)
			}
		}
	}
	ping, err := FindTemplate("ping")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := ping.Fill(map[string]string{"id": "1"}); string(out) != "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>" {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := ping.Fill(map[string]string{"two": "1"}); err == nil {
		t.Error("it has a field that it has not")
	}
	if _, err := FindTemplate("pnig"); err == nil || !strings.Contains(err.Error(), "did you mean ping?") {
		t.Error(err)
	}
}
