package session

import (
	"regexp"
	"strings"
)

// ServerNames are the servers whose ways are known, by what they are called here.
var ServerNames = map[string]string{
	"prosody": "Prosody", "ejabberd": "ejabberd", "openfire": "Openfire", "tigase": "Tigase",
	"mongooseim": "MongooseIM", "metronome": "Metronome", "jabberd2": "jabberd2",
}

// serverMarks are by what servers show themselves in their features: the node of their entity
// capabilities (XEP-0115), namespaces of their own.
var serverMarks = []struct{ part, server string }{
	{"prosody.im", "prosody"}, {"process-one.net", "ejabberd"}, {"igniterealtime.org", "openfire"}, {"tigase.", "tigase"},
	{"mongooseim", "mongooseim"}, {"erlang-solutions.com", "mongooseim"}, {"metronome", "metronome"}, {"lightwitch.org", "metronome"}, {"jabberd2", "jabberd2"},
}

// serverIDs are the forms that servers give their stream ids, where that tells.
var serverIDs = []struct {
	form   *regexp.Regexp
	server string
}{
	{regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), "prosody"}, // Metronome too, and others rarely
	{regexp.MustCompile(`^[1-9]\d{17,19}$`), "ejabberd"},
}

// ServerByID is which of ServerNames gives its streams ids like this one, "" if none is known to.
func ServerByID(id string) string {
	for _, k := range serverIDs {
		if k.form.MatchString(id) {
			return k.server
		}
	}
	return ""
}

// ServerByFeatures is which of ServerNames shows itself in its <features/>, "" if none does.
func ServerByFeatures(features *Element) string {
	for f := range features.Elements() {
		for _, told := range []string{f.Attr("node"), f.Name.Space} {
			for _, m := range serverMarks {
				if strings.Contains(told, m.part) {
					return m.server
				}
			}
		}
	}
	return ""
}
