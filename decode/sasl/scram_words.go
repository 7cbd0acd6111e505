package sasl

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// serverErrors explains the values of e= (RFC 5802 §7).
var serverErrors = map[string]string{
	"invalid-encoding":                        "the server could not read the client's message",
	"extensions-not-supported":                "the client demanded an extension that the server does not know",
	"invalid-proof":                           "the proof does not fit: the password is wrong, or one side computed something else",
	"channel-bindings-dont-match":             "client and server see different TLS connections: someone stands between them",
	"server-does-support-channel-binding":     "the client said that the server cannot do channel binding, but it can: its offer was changed on the way",
	"channel-binding-not-supported":           "the server does not do channel binding",
	"unsupported-channel-binding-type":        "the server does not know this type of channel binding",
	"unknown-user":                            "the server does not know the user",
	"invalid-username-encoding":               "the server could not read the user name (a stray equals sign, or characters that SASLprep forbids)",
	"no-resources":                            "the server is too busy to check",
	"other-error":                             "the server does not say why",
	"server-does-not-support-channel-binding": "the server does not do channel binding",
}

func serverError(m Message, value string) session.Note {
	n := decode.Field("error", value, m.Span)
	n.Severity, n.Ref = session.Error, "RFC 5802 §7"
	if n.Text = serverErrors[value]; n.Text == "" {
		n.Text = "the server refuses, with an error that is not registered: " + quote(value)
	}
	return n
}

// extensions names attributes beyond those of RFC 5802. Unknown ones are to be
// passed over; m= is the one that is not (RFC 5802 §5.1).
func extensions(m Message, attrs []attribute) (notes []session.Note) {
	for _, a := range attrs {
		n := decode.Field(a.name, a.value, m.Span)
		n.Ref = "RFC 5802 §5.1"
		if n.Text = "an attribute that xmppscope does not know; receivers pass over it"; a.name == "m" {
			n.Severity, n.Text = session.Error, "a mandatory extension: none is defined, and a receiver that does not know it must refuse"
		}
		notes = append(notes, n)
	}
	return notes
}

// serverExtensions are the ones that XEPs give to server-first.
func (c *scram) serverExtensions(m Message, attrs []attribute) (notes []session.Note) {
	for _, a := range attrs {
		switch a.name {
		case "h":
			notes = append(notes, c.downgradeHash(m, a.value))
		case "d":
			n := decode.Field("d", a.value, m.Span)
			n.Text, n.Ref = "a hash of what the server offered, in the form of an early version of XEP-0474", "XEP-0474 §6"
			notes = append(notes, n)
		case "t":
			n := decode.Field("t", a.value, m.Span)
			n.Text, n.Ref = "the version of the server's TLS connection in hex (0304 is TLS 1.3); the client must refuse if its own differs", "XEP-0515"
			notes = append(notes, n)
		default:
			notes = append(notes, extensions(m, []attribute{a})...)
		}
	}
	return notes
}

// downgradeHash is check A19: h= is a hash of the mechanisms and channel-binding
// types that the server offered; it must fit what we saw on the wire.
func (c *scram) downgradeHash(m Message, value string) session.Note {
	n := decode.Field("h", value, m.Span)
	n.Ref = "XEP-0474 §6"
	newHash := hashes[c.hash]
	if m.State.Features == nil || newHash == nil {
		n.Text = "a hash of the mechanisms that the server offered, so that the client notices if they were changed on the way"
		return n
	}
	if value == offerHash(newHash, m) {
		n.Text = "a hash of the mechanisms that the server offered; it fits those on the wire, so nobody changed them"
		return n
	}
	n.Rule, n.Severity = "A19", session.Error
	n.Text = "the server's hash of its offer does not fit the mechanisms on the wire: they were changed on the way, and the client must refuse"
	return n
}

var hashes = map[string]func() hash.Hash{
	"SHA-1": sha1.New, "SHA-224": sha256.New224, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New,
	"SHA3-512": func() hash.Hash { return sha3.New512() },
}

// offerHash is the value of h= for the newest features (XEP-0474 §6): of the
// list that belongs to the profile in use.
func offerHash(newHash func() hash.Hash, m Message) string {
	offered, two := m.State.Mechanisms()
	if m.Element.Name.Space == decode.NSSASL2 {
		offered = two
	}
	text := joinSorted(offered)
	if types := bindingOffer(m.State.Features); len(types) > 0 {
		text += "\x1f" + joinSorted(types)
	}
	h := newHash()
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func joinSorted(names []string) string {
	return strings.Join(slices.Sorted(slices.Values(names)), "\x1e")
}

// bindingOffer lists the channel-binding types in the features (XEP-0440 §3).
func bindingOffer(features *session.Element) (types []string) {
	offer := features.Child(decode.NSCB, "sasl-channel-binding")
	if offer == nil {
		return nil
	}
	for _, c := range offer.Children() {
		types = append(types, c.Attr("type"))
	}
	return types
}
