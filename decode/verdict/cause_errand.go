package verdict

import (
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() { propose("17 errands", notRegistered) }

// nsRegister is that of in-band registration (XEP-0077).
const nsRegister = "jabber:iq:register"

// errand is what a client may come for other than a login: to register an account.
type errand struct {
	condition, text string
	seq             uint64
}

// ran notes what came of an errand.
func (c *clues) ran(s *decode.Seen) {
	if s.Request.Payload.Space == nsVersion && s.Event.Dir == session.S2C && c.server == "" {
		c.introduced(s)
	}
	if s.Request.Payload.Space != nsRegister || s.Event.Dir != session.S2C {
		return
	}
	c.errand = nil
	if s.Root.Attr("type") == "error" {
		condition, _ := s.Event.Field("condition")
		text, _ := s.Event.Field("text")
		c.errand = &errand{strings.Clone(condition), strings.Clone(text), s.Event.Seq}
	}
}

func notRegistered(c *scene) []Cause {
	e := c.errand
	if e == nil || !c.silentEnd() {
		return nil
	}
	cause := Cause{ID: "not-registered", Guilty: Server, Weight: Shown, Evidence: []Evidence{{Seq: e.seq}},
		What:   fmt.Sprintf("the server refused to register an account (%s)%s", orNone(e.condition), quoted(e.text)),
		Advice: "registration is closed, or not for this address: ask whoever runs the server for an account"}
	folded := plain(e.text)
	for _, s := range sayings() {
		if s.Where == "register" && folded != "" && s.is(e.text, folded) {
			cause.Text, cause.Advice, cause.Guilty = s.Means, s.Do, s.guilty()
			break
		}
	}
	return []Cause{cause}
}
