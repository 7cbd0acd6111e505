package xep

import (
	"encoding/base64"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const nsCaps = "http://jabber.org/protocol/caps"

func init() {
	add(decode.Rule{
		ID: "xep-0115", Title: "Entity Capabilities", Ref: "XEP-0115",
		Match: decode.Payload(nsCaps, nsDiscoInfo).Or(decode.Top(decode.NSStreams, "features")),
		New:   func() decode.Explainer { return &caps{} },
	})
}

// maxCaps bounds how many hashes are remembered.
const maxCaps = 10_000

// caps remembers which hashes were announced in this session, and with which hash
// function: by "node#ver", as disco#info asks for them.
type caps struct{ hash map[string]string }

func isFeatures(root *session.Element) bool {
	return root != nil && root.Name.Local == "features" && root.Name.Space == decode.NSStreams
}

// Explain implements decode.Explainer.
func (k *caps) Explain(s *decode.Seen) []session.Note {
	if q := s.Root.Child(nsDiscoInfo, "query"); q != nil {
		if isAnswer(s) {
			return k.check(q)
		}
		return nil
	}
	c := s.Root.Child(nsCaps, "c")
	switch {
	case c == nil:
		return nil
	case isFeatures(s.Root): // explained with the other features
		k.remember(c)
		return nil
	case c.Attr("hash") == "":
		return []session.Note{decode.Finding("xep-0115", "XEP-0115 §4", session.Warning, c.Span,
			"capabilities without a hash, as before version 1.4 of XEP-0115: they cannot be verified")}
	case k.remember(c):
		return tell("XEP-0115 §5", c.Span, "the same hash of capabilities as before: nobody has to ask %q", c.Attr("node")+"#"+c.Attr("ver"))
	}
	return tell("XEP-0115 §5", c.Span, "a hash of what the sender can do: whoever does not know it yet may ask %q", c.Attr("node")+"#"+c.Attr("ver"))
}

// remember says whether the hash was known.
func (k *caps) remember(c *session.Element) bool {
	node := c.Attr("node") + "#" + c.Attr("ver")
	_, ok := k.hash[node]
	if !ok && len(k.hash) < maxCaps {
		if k.hash == nil {
			k.hash = map[string]string{}
		}
		k.hash[node] = strings.Clone(c.Attr("hash"))
	}
	return ok
}

// check computes the hash of what was answered and compares it with what was
// announced (XEP-0115 §5.4).
func (k *caps) check(q *session.Element) []session.Note {
	node := q.Attr("node")
	i := strings.LastIndexByte(node, '#')
	name, announced := k.hash[node]
	if i < 0 || !announced {
		return nil
	}
	ver := node[i+1:]
	newHash := capsHashes[strings.ToLower(name)]
	if newHash == nil {
		return tell("XEP-0115 §5.4", q.AttrSpan("node"), "the announced hash cannot be checked: the function %q is not known here", name)
	}
	if raw, err := base64.StdEncoding.DecodeString(ver); err != nil || len(raw) != newHash().Size() {
		return []session.Note{decode.Finding("xep-0115", "XEP-0115 §5.1", session.Warning, q.AttrSpan("node"), "the announced hash %q is no %s in base64", ver, name)}
	}
	got := capsHash(newHash, q)
	_, newer := k.hash[node[:i+1]+got]
	switch {
	case got == ver:
		return tell("XEP-0115 §5.4", q.AttrSpan("node"), "the announced hash fits this answer: it holds for everyone who announces the same one")
	case newer: // it was asked about one and had gone over to the other
		return []session.Note{decode.Finding("xep-0115", "XEP-0115 §5.4", session.Notice, q.AttrSpan("node"),
			"this answer matches another hash that the sender has announced, %q, and not the one it was asked about: what it can do has changed meanwhile", got)}
	}
	return []session.Note{decode.Finding("xep-0115", "XEP-0115 §5.4", session.Warning, q.AttrSpan("node"),
		"the announced hash does not fit this answer, which gives %q: others must not remember it under that hash", got)}
}
