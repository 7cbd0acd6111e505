package xep

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsCommands = "http://jabber.org/protocol/commands"

func init() { about("0050", "Ad-Hoc Commands", command, nsCommands) }

func command(s *decode.Seen, el *session.Element) []session.Note {
	if el.Name.Local != "command" {
		return nil
	}
	if s.Root.Attr("type") == "set" {
		return commandRequest(s, el)
	}
	var text string
	switch status := el.Attr("status"); status {
	case "executing":
		text = "has another step"
		if next := commandActions(el); next != "" {
			text += "; from here one may " + next
		}
	case "completed":
		text = "is done"
	case "canceled":
		text = "has been cancelled"
	default:
		return tell("XEP-0050", el.Tag, "the command %s", withName(el.Attr("node")))
	}
	notes := tell("XEP-0050", el.Tag, "the command %s %s (session %q)", withName(el.Attr("node")), text, el.Attr("sessionid"))
	for c := range el.Elements() {
		if c.Name.Local == "note" {
			notes = append(notes, decode.Explain("XEP-0050", c.Span, "%s says of the command: %q", sender(s), clip(c.Text())))
		}
	}
	return notes
}

var commandVerbs = map[string]string{
	"":         "runs the command",
	"execute":  "runs the command",
	"next":     "goes on to the next step of",
	"prev":     "goes back a step in",
	"complete": "completes",
	"cancel":   "cancels",
}

func commandRequest(s *decode.Seen, el *session.Element) []session.Note {
	action := el.Attr("action")
	verb, ok := commandVerbs[action]
	if !ok {
		return []session.Note{decode.Finding("xep-0050", "XEP-0050", session.Warning, attrSpan(el, "action"), "the action %q is not defined; execute, next, prev, complete and cancel are", action)}
	}
	if sid := el.Attr("sessionid"); sid != "" {
		return tell("XEP-0050", el.Tag, "%s %s %s in the command session %q", sender(s), strings.TrimSuffix(verb, " the command"), withName(el.Attr("node")), sid)
	}
	return tell("XEP-0050", el.Tag, "%s %s %s", sender(s), verb, withName(el.Attr("node")))
}

// commandActions lists what <actions/> allows.
func commandActions(el *session.Element) string {
	actions := el.Child(nsCommands, "actions")
	if actions == nil {
		return ""
	}
	var names []string
	for c := range actions.Elements() {
		names = append(names, c.Name.Local)
	}
	return list(names)
}
