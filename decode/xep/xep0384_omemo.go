package xep

import (
	"strconv"

	"xmppscope/decode"
	"xmppscope/session"
)

// The three wire formats of OMEMO: the one that was rolled out first, and the two
// that came with XEP-0384 0.4 and 0.8. They do not understand each other.
var nsOMEMO = []string{"eu.siacs.conversations.axolotl", "urn:xmpp:omemo:1", "urn:xmpp:omemo:2"}

func init() {
	add(decode.Rule{
		ID: "xep-0384", Title: "OMEMO Encryption", Ref: "XEP-0384",
		Match: stored(nsOMEMO...),
		New:   decode.Stateless(eachStored(omemo, nsOMEMO...)),
	})
}

func omemo(_ *decode.Seen, el *session.Element) []session.Note {
	switch el.Name.Local {
	case "encrypted":
		return omemoMessage(el)
	case "list", "devices":
		var ids []string
		for d := range el.Elements() {
			ids = append(ids, d.Attr("id"))
		}
		return tell("XEP-0384", el.Tag, "the account has %s that can read encrypted messages: %s", session.Plural(len(ids), "device"), listOr(ids, "none"))
	case "bundle":
		return omemoBundle(el)
	}
	return nil
}

// omemoMessage explains the envelope: who can read it, not what is in it.
func omemoMessage(el *session.Element) []session.Note {
	header := el.Child("", "header")
	if header == nil {
		return []session.Note{decode.Finding("xep-0384", "XEP-0384", session.Warning, el.Tag, "an encrypted message without a header: nobody can decrypt it")}
	}
	keys, fresh, last := omemoKeys(header)
	text := "encrypted for " + session.Plural(len(keys), "device") + ": " + listOr(keys, "none")
	if fresh > 0 {
		text += "; a new session is begun with " + strconv.Itoa(fresh) + " of them"
	}
	if el.Child("", "payload") == nil {
		text += "; without content, only to keep the keys moving"
	}
	at := header.Tag
	if last != nil {
		at.End = last.End
	}
	return []session.Note{
		field("XEP-0384", "sid", header.Attr("sid"), attrSpan(header, "sid"), "the device that has sent this").Is(session.ID),
		decode.Explain("XEP-0384", at, "%s", text),
	}
}

// omemoKeys gives the devices that the message key is encrypted for. In the newer
// format they are grouped by account.
func omemoKeys(header *session.Element) (rids []string, fresh int, last *session.Span) {
	for c := range header.Elements() {
		switch c.Name.Local {
		case "key":
			rids = append(rids, c.Attr("rid"))
			if isTrue(c.Attr("prekey")) || isTrue(c.Attr("kex")) {
				fresh++
			}
			last = &c.Span
		case "keys":
			more, n, _ := omemoKeys(c)
			rids, fresh, last = append(rids, more...), fresh+n, &c.Span
		}
	}
	return rids, fresh, last
}

func omemoBundle(el *session.Element) []session.Note {
	n := 0
	if keys := el.Child("", "prekeys"); keys != nil {
		n = len(keys.Children())
	}
	return tell("XEP-0384", el.Tag, "the public keys of one device, with %s: who wants to write to it for the first time uses up one", session.Plural(n, "key")+" for first contact")
}
