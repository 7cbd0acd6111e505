package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0054", "vcard-temp", vcardTemp, "vcard-temp") }

func vcardTemp(s *decode.Seen, el *session.Element) []session.Note {
	if s.Root.Attr("type") == "get" {
		return tell("XEP-0054 §3.1", el.Span, "%s asks for %s vCard: names, addresses, a picture", sender(s), whose(s))
	}
	var parts []string
	for c := range el.Elements() {
		parts = append(parts, c.Name.Local)
	}
	notes := []session.Note{}
	switch {
	case s.Root.Attr("type") == "set":
		notes = tell("XEP-0054 §3.2", el.Tag, "the client replaces its vCard with one that holds %s", listOr(parts, "nothing"))
	case isAnswer(s):
		notes = tell("XEP-0054 §3.1", el.Tag, "a vCard with %s", listOr(parts, "nothing in it"))
	}
	if photo := el.Child("", "PHOTO"); photo != nil {
		if bin := photo.Child("", "BINVAL"); bin != nil {
			notes = append(notes, decode.Explain("XEP-0054", photo.Tag, "a picture, %s of base64 in the stanza", session.Plural(len(bin.Text()), "character")))
		}
	}
	return notes
}

// whose says whom an iq asks about: the account itself where there is no to.
func whose(s *decode.Seen) string {
	if to := s.Root.Attr("to"); to != "" {
		return decode.Quote(to) + "'s"
	}
	return "its own"
}
