package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	about("0353", "Jingle Message Initiation", jingleMessage, "urn:xmpp:jingle-message:0", "urn:xmpp:jingle-message:1")
}

var callSteps = map[string]string{
	"propose": "calls: every device of the receiver may ring (call %q)",
	"ringing": "rings (call %q)",
	"proceed": "answers on this device: the Jingle session can begin (call %q)",
	"accept":  "tells its own other devices that the call is taken (call %q)",
	"reject":  "declines (call %q)",
	"retract": "gives up calling (call %q)",
	"finish":  "the call is over (call %q)",
}

func jingleMessage(s *decode.Seen, el *session.Element) []session.Note {
	if text := callSteps[el.Name.Local]; text != "" {
		return tell("XEP-0353", el.Tag, "%s "+text, sender(s), el.Attr("id"))
	}
	return nil
}
