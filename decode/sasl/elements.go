package sasl

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// vendorElements explains elements that stand in place of base64.
var vendorElements = map[string]string{
	"rso_token": "the access token of Riot Sign On, fetched over HTTPS outside of this stream",
	"pas_token": "the token of Riot's Player Affinity Service, fetched over HTTPS with the one above; it names the chat server that the player belongs to",
}

// childPayload explains vendor mechanisms that put elements in place of base64
// (X-Riot-RSO-PAS): nobody knows which of them are secret, so all are.
func (x *exchange) childPayload(m Message) []session.Note {
	notes := []session.Note{decode.Say(session.Notice, m.Element.Tag,
		"the message of %q is XML elements, not base64: a vendor's own mechanism", x.name)}
	if strings.TrimSpace(m.Element.Text()) != "" {
		return append(notes, credentials(m.Element.Text(), m.Element.TextSpan()))
	}
	for c := range m.Element.Elements() {
		notes = append(notes, vendorElement(m, c)...)
	}
	return notes
}

func vendorElement(m Message, c *session.Element) (notes []session.Note) {
	for i := range c.Attrs {
		if a := &c.Attrs[i]; a.Name.Prefix != "xmlns" && a.Name.Local != "xmlns" && a.Value != "" {
			notes = append(notes, secret(a.Name.Local, a.Value, "credentials", a.Quote))
		}
	}
	text := c.Text()
	if c.First() != nil { // nobody knows what it is, down to the last byte
		return append(notes, secret(c.Name.Local, text, "credentials", c.TextSpan()))
	}
	if text == "" {
		return notes
	}
	n := secret(c.Name.Local, text, "token", c.TextSpan())
	n.Text = vendorElements[c.Name.Local]
	m.Span = c.TextSpan()
	return append(append(notes, n), openJWT(text, m)...)
}
