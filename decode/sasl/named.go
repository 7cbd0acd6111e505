package sasl

import (
	"maps"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// named are mechanisms that are met rarely: said what they are, not taken apart.
var named = map[string]struct{ ref, text string }{
	"SRP":                      {"draft-burdis-cat-srp-sasl", "Secure Remote Password: both sides prove that they know the password without sending anything that lets others guess it"},
	"KERBEROS_V4":              {"RFC 2222 §7.1", "Kerberos 4, obsolete: GSSAPI with Kerberos 5 has replaced it"},
	"KERBEROS_V5":              {"IANA SASL mechanisms", "an old name for Kerberos 5; GSSAPI is the one that was specified"},
	"ECDSA-NIST256P-CHALLENGE": {"Atheme services", "the client signs a challenge of the server with an ECDSA key on P-256; it comes from IRC"},
	"ECDH-X25519-CHALLENGE":    {"Atheme services", "the client proves that it has an X25519 key; it comes from IRC"},
	"SKEY":                     {"RFC 2222 §7.3", "S/Key: one-time passwords from a list, obsolete"},
	"OTP":                      {"RFC 2444", "one-time passwords from a list"},
	"SECURID":                  {"RFC 2808", "the number that a hardware token shows"},
	"PASSDSS-3DES-1":           {"draft-newman-sasl-passdss", "the password, encrypted under a key of the server"},
	"SAML20":                   {"RFC 6595", "the user logs in at a SAML identity provider, in a browser"},
	"OPENID20":                 {"RFC 6616", "the user logs in at an OpenID provider, in a browser"},
	"EAP-AES128":               {"RFC 7055", "the login runs by EAP through an AAA server (ABFAB)"},
	"EAP-AES128-PLUS":          {"RFC 7055", "the login runs by EAP through an AAA server (ABFAB), bound to the TLS connection"},
	"NMAS-SAMBA-AUTH":          {"IANA SASL mechanisms", "Novell Modular Authentication Service"},
	"NMAS_AUTHEN":              {"IANA SASL mechanisms", "Novell Modular Authentication Service"},
	"NMAS_LOGIN":               {"IANA SASL mechanisms", "Novell Modular Authentication Service"},
	"X-KIK":                    {"Kik", "a login of the Kik messenger"},
}

// namedTokens are those that send a token.
var namedTokens = map[string]struct{ ref, text string }{
	"XOAUTH":          {"Google's XOAUTH", "OAuth 1.0a, obsolete"},
	"CISCO-VTG-TOKEN": {"Cisco WebEx Connect", "a token of Cisco's telephony gateway"},
	"WEBEX-TOKEN":     {"Cisco WebEx Connect", "a token of WebEx"},
	"X-TOKEN":         {"Xabber", "a token of Xabber's server, with a counter"},
	"X-RIOT-RSO-PAS":  {"Riot Games", "a token of Riot's accounts"},
}

// prefixes are families of the same kind.
var prefixes = []struct{ prefix, ref, text string }{
	{"9798-U-", "RFC 3163 §4", "the client signs a challenge of the server with the key of its certificate"},
	{"9798-M-", "RFC 3163 §4", "both sides sign each other's challenge with the keys of their certificates"},
	{"OPAQUE-", "draft-reitzenstein-kitten-opaque", "OPAQUE: both sides prove that they know the password without sending anything that lets others guess it"},
}

func init() {
	family := decode.Mechanism{ID: "sasl-named", Title: "rare mechanisms", Ref: "IANA SASL mechanisms"}
	decoder := func(name string) Decoder { return rarity{opaque{name}} }
	tokens := family
	tokens.Names, tokens.Sends, tokens.Retry = slices.Collect(maps.Keys(namedTokens)), "token", newToken
	add(tokens, decoder)
	family.Names = slices.Collect(maps.Keys(named))
	family.Match = func(name string) bool { return prefixOf(name) >= 0 }
	add(family, decoder)
}

// prefixOf is the place in prefixes of the family that a name belongs to, -1 if there is
// none.
func prefixOf(name string) int {
	return slices.IndexFunc(prefixes, func(p struct{ prefix, ref, text string }) bool { return strings.HasPrefix(name, p.prefix) })
}

// rare says what a mechanism is.
func rare(name string) session.Note {
	k, ok := named[name]
	if !ok {
		k, ok = namedTokens[name]
	}
	if i := prefixOf(name); !ok && i >= 0 {
		k.ref, k.text = prefixes[i].ref, prefixes[i].text
	}
	return decode.Explain(k.ref, session.Span{}, "%s: %s", name, k.text)
}

// rarity says first what the mechanism is; the rest is opaque.
type rarity struct{ opaque }

func (r rarity) Decode(m Message) []session.Note {
	notes := r.opaque.Decode(m)
	if m.Kind != Initial {
		return notes
	}
	n := rare(r.name)
	n.Span = m.Element.AttrSpan("mechanism")
	if !m.Present {
		notes = append(notes, decode.Say(session.Info, m.Element.Tag, "no initial response: the server speaks first"))
	}
	return append([]session.Note{n}, notes...)
}
