package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

func init() { about("0445", "Pre-Authenticated In-Band Registration", preauth, "urn:xmpp:pars:0") }

// preauth is one element of two extensions: in an iq it opens the registration of
// an account, in a presence the subscription to someone's (XEP-0379).
func preauth(s *decode.Seen, el *session.Element) []session.Note {
	ref, text := "XEP-0379", "%s shows a token, with which the subscription is granted at once"
	if s.Root.Name.Local == "iq" {
		ref, text = "XEP-0445", "%s shows the token of an invitation, which allows it to register an account"
	}
	notes := tell(ref, el.Tag, text, sender(s))
	if token := el.Attr("token"); token != "" {
		n := field(ref, "token", token, el.AttrSpan("token"), "")
		n.Secret = "invitation"
		notes = append(notes, n)
	}
	return notes
}
