package sasl

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

var hashes = map[string]func() hash.Hash{
	"SHA-1": sha1.New, "SHA-224": sha256.New224, "SHA-256": sha256.New, "SHA-384": sha512.New384, "SHA-512": sha512.New,
	"SHA3-256": func() hash.Hash { return sha3.New256() },
	"SHA3-384": func() hash.Hash { return sha3.New384() },
	"SHA3-512": func() hash.Hash { return sha3.New512() },
}

// offer is what a server's features say about logins: what XEP-0474 hashes.
type offer struct{ mechanisms, bindings []string }

// offerSeen is the part of the newest features that belongs to the profile in use.
func offerSeen(m Message) offer {
	one, two := m.State.Mechanisms()
	o := offer{one, bindingOffer(m.State.Features())}
	if m.Element.Name.Space == decode.NSSASL2 {
		o.mechanisms = two
	}
	return o
}

// Separators of XEP-0474: those of version 0.4 and later (h=), and those before
// it (d=).
var (
	separators    = [2]string{"\x1e", "\x1f"}
	oldSeparators = [2]string{",", "|"}
)

// hash is the value of h= or d= (XEP-0474 §6): the sorted mechanisms, then, if
// there are any, the sorted types of channel binding.
func (o offer) hash(newHash func() hash.Hash, separators [2]string) string {
	text := strings.Join(slices.Sorted(slices.Values(o.mechanisms)), separators[0])
	if len(o.bindings) > 0 {
		text += separators[1] + strings.Join(slices.Sorted(slices.Values(o.bindings)), separators[0])
	}
	h := newHash()
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// downgradeHash is check A19: a hash of the mechanisms and channel-binding types
// that the server offered must fit what was seen on the wire.
func (c *scram) downgradeHash(m Message, a attribute) session.Note {
	n := decode.Field(a.name, a.value, m.Span)
	n.Ref = "XEP-0474 §6"
	mode := separators
	if n.Text = "a hash of the mechanisms that the server offered"; a.name == "d" {
		mode = oldSeparators
		n.Text += ", in the form of XEP-0474 before version 0.4"
	}
	newHash := hashes[c.hash]
	if m.State.Features() == nil || newHash == nil {
		n.Text += ", so that the client notices if they were changed on the way"
		return n
	}
	seen := offerSeen(m)
	ours := seen.hash(newHash, mode)
	if a.value == ours {
		n.Text += "; it fits those on the wire, so nobody changed them"
		return n
	}
	n.Rule, n.Severity = "A19", session.Error
	if how := otherOffer(m, seen, newHash, a.value); how != "" {
		n.Text = fmt.Sprintf("the server computed its hash of the offer wrong: %s; a client that checks it will refuse (the server's %s, ours %s)", how, a.value, ours)
		return n
	}
	n.Text = fmt.Sprintf("the list of mechanisms was changed on its way: the server's hash is %s, ours of what is on the wire is %s; the client must refuse", a.value, ours)
	return n
}

// otherOffer says what the server hashed, if it is one of the usual mistakes.
func otherOffer(m Message, seen offer, newHash func() hash.Hash, value string) string {
	one, two := m.State.Mechanisms()
	for _, try := range []struct {
		how   string
		offer offer
		mode  [2]string
	}{
		{"it left out the types of channel binding", offer{seen.mechanisms, nil}, separators},
		{"it took the list of the other profile (SASL and SASL2 have one each)", offer{other(one, two, m), seen.bindings}, separators},
		{"it took both lists together", offer{append(slices.Clone(one), two...), seen.bindings}, separators},
		{"it took the separators of the other version of XEP-0474", seen, oldSeparators},
		{"it took the separators of the other version of XEP-0474", seen, separators},
	} {
		if try.offer.hash(newHash, try.mode) == value {
			return try.how
		}
	}
	return ""
}

func other(one, two []string, m Message) []string {
	if m.Element.Name.Space == decode.NSSASL2 {
		return one
	}
	return two
}

// tlsVersions are the values of t= (XEP-0515).
var tlsVersions = map[string]string{"0304": "TLS 1.3", "0303": "TLS 1.2", "0302": "TLS 1.1", "0301": "TLS 1.0", "0300": "SSL 3.0"}

// tlsVersion holds the server's word on its TLS connection against what was seen.
func tlsVersion(m Message, value string) session.Note {
	n := decode.Field("t", value, m.Span).Classed(session.Identifier)
	n.Ref = "XEP-0515"
	name := tlsVersions[strings.ToLower(value)]
	if name == "" {
		n.Severity, n.Text = session.Warning, "the server's version of TLS is not one that is known: it must be four hex digits, 0304 for TLS 1.3"
		return n
	}
	n.Text = "the server's connection has " + name
	client, server := legVersion(m, session.ClientLeg), legVersion(m, session.ServerLeg)
	switch {
	case server != "" && server != name:
		n.Severity = session.Error
		n.Text = fmt.Sprintf("the server says that its connection has %s, but it has %s; the client must refuse", name, server)
	case client != "" && client != name:
		n.Severity = session.Error
		n.Text = fmt.Sprintf("the server's connection has %s, that of the client %s: someone between them speaks another version to each, and the client must refuse", name, client)
	case client != "" || server != "":
		n.Text += ", as was seen; the client compares it with its own, and must refuse if they differ"
	}
	return n
}

func legVersion(m Message, leg session.Leg) string {
	if t := m.State.TLS[leg]; t != nil {
		return t.Version
	}
	return ""
}

// bindingOffer lists the channel-binding types in the features (XEP-0440 §3).
func bindingOffer(features *session.Element) (types []string) {
	offer := features.Child(decode.NSCB, "sasl-channel-binding")
	if offer == nil {
		return nil
	}
	for c := range offer.Elements() {
		types = append(types, c.Attr("type"))
	}
	return types
}
