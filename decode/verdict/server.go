package verdict

import (
	"regexp"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// serverNames are the servers whose ways are known.
var serverNames = map[string]string{
	"prosody": "Prosody", "ejabberd": "ejabberd", "openfire": "Openfire", "tigase": "Tigase",
	"mongooseim": "MongooseIM", "metronome": "Metronome", "jabberd2": "jabberd2",
}

// marks are by what servers show themselves in their features: the node of their entity
// capabilities (XEP-0115), namespaces of their own.
var marks = []struct{ part, server string }{
	{"prosody.im", "prosody"}, {"process-one.net", "ejabberd"}, {"igniterealtime.org", "openfire"}, {"tigase.", "tigase"},
	{"mongooseim", "mongooseim"}, {"erlang-solutions.com", "mongooseim"}, {"metronome", "metronome"}, {"lightwitch.org", "metronome"}, {"jabberd2", "jabberd2"},
}

// ids are the forms that servers give their stream ids, where that tells.
var ids = []struct {
	form   *regexp.Regexp
	server string
}{
	{regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), "prosody"}, // Metronome too, and others rarely
	{regexp.MustCompile(`^[1-9]\d{17,19}$`), "ejabberd"},
}

// recognise finds out which server it is.
func (c *clues) recognise(s *decode.Seen) {
	if c.server != "" {
		return
	}
	if h := s.State.Header[session.S2C]; h != nil {
		for _, id := range ids {
			if id.form.MatchString(h.ID) {
				c.server = id.server
			}
		}
	}
	if s.Root == nil || s.Root.Name.Local != "features" {
		return
	}
	for f := range s.Root.Elements() {
		for _, told := range []string{f.Attr("node"), f.Name.Space} {
			for _, m := range marks {
				if strings.Contains(told, m.part) {
					c.server = m.server
					return
				}
			}
		}
	}
}

const nsVersion = "jabber:iq:version"

// introduced takes the server's own word for what it is (XEP-0092).
func (c *clues) introduced(s *decode.Seen) {
	q := s.Root.Child(nsVersion, "query")
	if from := s.Root.Attr("from"); q == nil || from != "" && from != s.State.Domain() {
		return
	}
	if name := q.Child(nsVersion, "name"); name != nil {
		for id := range serverNames {
			if strings.Contains(strings.ToLower(name.Text()), id) {
				c.server = id
			}
		}
	}
}
