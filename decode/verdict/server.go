package verdict

import (
	"cmp"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// recognise finds out which server it is.
func (c *clues) recognise(s *decode.Seen) {
	if c.server != "" {
		return
	}
	if h := s.State.Header[session.S2C]; h != nil {
		c.server = session.ServerByID(h.ID)
	}
	if s.Root != nil && s.Root.Name.Local == "features" {
		c.server = cmp.Or(session.ServerByFeatures(s.Root), c.server)
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
		for id := range session.ServerNames {
			if strings.Contains(strings.ToLower(name.Text()), id) {
				c.server = id
			}
		}
	}
}
