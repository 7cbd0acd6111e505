package xep

import (
	"strconv"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsGoogleSession = "http://www.google.com/session"

// refGoogle stands where a specification would: Google's documents of libjingle
// are its only one.
const refGoogle = "Google Talk"

func init() {
	add(decode.Rule{
		ID: "google-session", Title: "Google Talk calls", Ref: refGoogle,
		Match: decode.Payload(nsGoogleSession),
		New:   decode.Stateless(each(googleSession, nsGoogleSession)),
	})
}

// googleSteps says what each type of <session/> means: the ancestor of Jingle.
var googleSteps = map[string]string{
	"initiate":         "calls: offers the session %s",
	"accept":           "accepts the session %s",
	"reject":           "declines the session %s",
	"terminate":        "ends the session %s",
	"candidates":       "names addresses through which the media of the session %s may flow",
	"transport-info":   "names addresses through which the media of the session %s may flow",
	"transport-accept": "accepts the transport of the session %s",
	"info":             "says something about the session %s",
	"modify":           "wants to change the session %s",
	"redirect":         "sends the session %s elsewhere",
}

func googleSession(s *decode.Seen, el *session.Element) []session.Note {
	typ := el.Attr("type")
	step, ok := googleSteps[typ]
	if !ok {
		return tell(refGoogle, el.Tag, "a step of a Google Talk call, %q", typ)
	}
	notes := tell(refGoogle, attrSpan(el, "type"), "%s "+step+", begun by %q", sender(s), decode.Quote(el.Attr("id")), el.Attr("initiator"))
	candidates := 0
	for c := range el.Elements() {
		switch c.Name.Local {
		case "description":
			notes = append(notes, decode.Explain(refGoogle, c.Tag, "what is sent: %s%s", withName(c.Name.Space), media(c)))
		case "candidate":
			candidates++
		case "transport":
			for t := range c.Elements() {
				if t.Name.Local == "candidate" {
					candidates++
				}
			}
		}
	}
	if candidates > 0 {
		notes = append(notes, decode.Explain(refGoogle, el.Tag, "%s to try", addresses(candidates)))
	}
	return notes
}

// addresses is "1 address", "2 addresses".
func addresses(n int) string {
	if n == 1 {
		return "1 address"
	}
	return strconv.Itoa(n) + " addresses"
}
