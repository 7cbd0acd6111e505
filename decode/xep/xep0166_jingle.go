package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	about("0166", "Jingle", jingle, "urn:xmpp:jingle:1", "urn:xmpp:jingle:0", "urn:xmpp:tmp:jingle")
}

// jingleActions says what each action means (XEP-0166 §7.2).
var jingleActions = map[string]string{
	"session-initiate":   "calls: offers the session %s",
	"session-accept":     "answers: accepts the session %s, media may flow",
	"session-info":       "says something about the session %s, such as that it rings",
	"session-terminate":  "ends the session %s",
	"transport-info":     "names addresses through which the media of the session %s may flow",
	"transport-replace":  "wants another transport for the session %s",
	"transport-accept":   "accepts the other transport for the session %s",
	"transport-reject":   "refuses the other transport for the session %s",
	"content-add":        "wants to add something to the session %s",
	"content-accept":     "accepts what shall be added to the session %s",
	"content-reject":     "refuses what shall be added to the session %s",
	"content-remove":     "takes something out of the session %s",
	"content-modify":     "changes the direction of something in the session %s",
	"description-info":   "changes details of the media of the session %s",
	"security-info":      "exchanges keys for the session %s",
	"source-add":         "adds a media source to the session %s",
	"source-remove":      "takes a media source out of the session %s",
	"content-replace":    "replaces something in the session %s",
	"session-redirect":   "sends the session %s elsewhere",
	"description-modify": "changes details of the media of the session %s",
}

func jingle(s *decode.Seen, j *session.Element) []session.Note {
	action := j.Attr("action")
	text, ok := jingleActions[action]
	if !ok {
		if action == "" {
			return tell("XEP-0166", j.Tag, "a part of a Jingle session")
		}
		return []session.Note{decode.Finding("xep-0166", "XEP-0166 §7.2", session.Warning, j.AttrSpan("action"), "the action %q is not defined", action)}
	}
	notes := tell("XEP-0166 §7.2", attrSpan(j, "action"), "%s "+text, sender(s), decode.Quote(j.Attr("sid")))
	for c := range j.Elements() {
		switch c.Name.Local {
		case "content":
			notes = append(notes, jingleContent(c)...)
		case "reason":
			notes = append(notes, jingleReason(c)...)
		case "ringing", "hold", "unhold", "active", "mute", "unmute":
			notes = append(notes, decode.Explain("XEP-0167", c.Span, "the other side is told: %q", c.Name.Local))
		}
	}
	return notes
}

// jingleContent names what is sent, and how: description and transport belong to
// extensions of their own.
func jingleContent(c *session.Element) (notes []session.Note) {
	name := decode.Quote(c.Attr("name"))
	if senders := c.Attr("senders"); senders != "" && senders != "both" {
		name += ", sent by the " + decode.Quote(senders) + " only"
	}
	notes = tell("XEP-0166 §7.3", c.Tag, "a content of the session: %s", name)
	if c.Attr("disposition") == "early-session" {
		notes = append(notes, decode.Explain("XEP-0269", c.AttrSpan("disposition"), "it is media before the call is answered, such as a ringback tone (XEP-0269: Jingle Early Media)"))
	}
	for d := range c.Elements() {
		switch d.Name.Local {
		case "description":
			notes = append(notes, extension(d, "what is sent", media(d)))
		case "transport":
			notes = append(notes, extension(d, "how it is sent", candidates(d)))
		case "security":
			notes = append(notes, extension(d, "how it is secured", envelope(d)))
		}
	}
	return notes
}

// extension names the specification of an element that is only a slot of another.
func extension(el *session.Element, what, details string) session.Note {
	spec, ok := Named(el.Name.Space)
	if !ok {
		return decode.Explain("XEP-0166 §7.3", el.Tag, "%s: %q%s", what, el.Name.Space, details)
	}
	return decode.Explain(spec.ID, el.Tag, "%s: %s%s", what, spec.String(), details)
}

// envelope is what a content of XEP-0391 is encrypted with.
func envelope(d *session.Element) string {
	if kind := d.Attr("type"); kind != "" {
		return "; the key travels in " + withName(kind)
	}
	return ""
}

func media(d *session.Element) string {
	var names []string
	for c := range d.Elements() {
		if c.Name.Local == "payload-type" {
			names = append(names, c.Attr("name"))
		}
	}
	out := ""
	if m := d.Attr("media"); m != "" {
		out = "; " + decode.Quote(m)
	}
	if len(names) > 0 {
		out += "; codecs " + list(names)
	}
	return out
}

func candidates(d *session.Element) string {
	n := 0
	for c := range d.Elements() {
		if c.Name.Local == "candidate" {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return "; " + addresses(n) + " to try"
}

// jingleReasons says why a session ends (XEP-0166 §7.4).
var jingleReasons = map[string]string{
	"alternative-session":      "there is another session to use in its place",
	"busy":                     "the other side is busy",
	"cancel":                   "the caller has given up",
	"connectivity-error":       "no way was found for the media to flow",
	"decline":                  "the call was declined",
	"expired":                  "it took too long",
	"failed-application":       "the media could not be set up",
	"failed-transport":         "the transport could not be set up",
	"general-error":            "some error",
	"gone":                     "the other side is gone",
	"incompatible-parameters":  "there is no common ground about the media's parameters",
	"media-error":              "the media failed",
	"security-error":           "the session could not be secured",
	"success":                  "all is done",
	"timeout":                  "a request was not answered in time",
	"unsupported-applications": "this kind of media is not supported",
	"unsupported-transports":   "none of the transports is supported",
}

func jingleReason(r *session.Element) []session.Note {
	text := textOf(r, "text")
	for c := range r.Elements() {
		if meaning := jingleReasons[c.Name.Local]; meaning != "" {
			return tell("XEP-0166 §7.4", c.Span, "the reason: %s%s", meaning, because(text))
		}
	}
	return nil
}
