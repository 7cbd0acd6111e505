package core

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-secrets", Title: "Secrets outside of SASL", Ref: "RFC 6120 §13.2",
		Match: decode.AnyElement().And(func(s *decode.Seen) bool { return !s.Event.Redacted }),
		New:   decode.Stateless(markSecrets),
	})
}

// secretText says which elements hold a secret as their text, by "namespace
// local". An element named "password" does in every namespace.
var secretText = map[string]string{
	decode.NSIQAuth + " digest":                        "digest",            // XEP-0078: SHA-1 of stream id and password
	decode.NSComponent + " handshake":                  "digest",            // XEP-0114: SHA-1 of stream id and secret
	decode.NSClient + " handshake":                     "digest",            // the same, from components that mix the namespaces
	"jabber:component:connect handshake":               "digest",            // the same
	decode.NSDialback + " result":                      "dialback key",      // XEP-0220
	decode.NSDialback + " verify":                      "dialback key",      // XEP-0220
	"urn:xmpp:scram-upgrade:0 hash":                    "salted password",   // XEP-0480
	"urn:xmpp:http:upload:0 header":                    "upload credential", // XEP-0363
	"http://jabber.org/protocol/muc#owner password":    "password",
	"http://jabber.org/protocol/bytestreams authtoken": "token",
	"jabber:iq:register key":                           "token", // XEP-0077
	decode.NSFAST + " token":                           "token", // as text, in early versions of XEP-0484
	"urn:riotgames:entitlements entitlements":          "token", // Riot: a JWT in a child without a namespace
}

// secretAttrs says which attributes hold a secret, by "namespace element
// attribute". An attribute named "password" does everywhere.
var secretAttrs = map[string]string{
	decode.NSFAST + " token token":                       "token",        // XEP-0484
	"urn:xmpp:http:upload:0 put url":                     "upload URL",   // XEP-0363: whoever has it may upload
	"urn:xmpp:jingle:transports:ice-udp:1 transport pwd": "ICE password", // XEP-0176
	decode.NSSM3 + " enabled id":                         "session id",   // XEP-0198: with the login, it takes the session over
	decode.NSSM3 + " resume previd":                      "session id",
	decode.NSSM3 + " resumed previd":                     "session id",
	decode.NSSM2 + " enabled id":                         "session id",
	decode.NSSM2 + " resume previd":                      "session id",
	decode.NSSM2 + " resumed previd":                     "session id",
}

// markSecrets walks the whole tree, so that nothing inside of forwarded or
// archived stanzas slips.
func markSecrets(s *decode.Seen) []session.Note {
	return walkSecrets(s.Root, nil)
}

// secretNames are the local names of the elements that the two tables speak of.
// Few elements have one of them, so that the longer look is rarely needed.
var secretNames = func() map[string]bool {
	names := map[string]bool{}
	for _, table := range []map[string]string{secretText, secretAttrs} {
		for key := range table {
			_, key, _ = strings.Cut(key, " ")
			local, _, _ := strings.Cut(key, " ")
			names[local] = true
		}
	}
	return names
}()

func walkSecrets(el *session.Element, notes []session.Note) []session.Note {
	key, kind := "", ""
	if secretNames[el.Name.Local] {
		key = el.Name.Space + " " + el.Name.Local
		kind = secretText[key]
	}
	if kind == "" && isPassword(el.Name.Local) {
		kind = "password"
	}
	if kind != "" {
		notes = append(notes, secretOf(el, el.Name.Local, kind)...)
	}
	notes = append(notes, secretField(el)...)
	for i := range el.Attrs {
		a := &el.Attrs[i]
		kind := ""
		if key != "" {
			kind = secretAttrs[key+" "+a.Name.Local]
		}
		if strings.EqualFold(a.Name.Local, "password") {
			kind = "password"
		}
		if kind != "" && a.Value != "" && a.Name.Prefix != "xmlns" {
			notes = append(notes, hidden(a.Name.Local, a.Value, kind, a.Quote))
		}
	}
	for c := range el.Elements() {
		notes = walkSecrets(c, notes)
	}
	return notes
}

// isPassword says whether an element is named after a password.
func isPassword(local string) bool {
	switch local[:min(len(local), 1)] {
	case "p", "P":
		return strings.EqualFold(local, "password") || strings.EqualFold(local, "passwd") || strings.EqualFold(local, "passphrase")
	}
	return false
}

// secretOf marks what is in an element, text and children alike.
func secretOf(el *session.Element, name, kind string) []session.Note {
	text := allText(el)
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return []session.Note{hidden(name, text, kind, el.TextSpan())}
}

// allText joins the text of an element and of all below it.
func allText(el *session.Element) string {
	text := el.Text()
	for c := range el.Elements() {
		text += allText(c)
	}
	return text
}

// secretField knows the fields of data forms (XEP-0004) that hold passwords:
// those of type text-private, and those whose name says so. Forms that are
// submitted carry names only.
func secretField(el *session.Element) (notes []session.Note) {
	if el.Name.Space != "jabber:x:data" || el.Name.Local != "field" {
		return nil
	}
	name := strings.ToLower(el.Attr("var"))
	secret := el.Attr("type") == "text-private"
	for _, word := range []string{"password", "passwd", "secret", "token"} {
		secret = secret || strings.Contains(name, word)
	}
	if !secret || el.Attr("type") == "boolean" || strings.HasPrefix(name, "muc#roomconfig_password") {
		return nil // muc#roomconfig_passwordprotectedroom is yes or no
	}
	for v := range el.Elements() {
		if v.Name.Local == "value" {
			notes = append(notes, secretOf(v, el.Attr("var"), "password")...)
		}
	}
	return notes
}

func hidden(name, value, kind string, span session.Span) session.Note {
	n := decode.Field(name, value, span)
	n.Secret = kind
	return n
}
