package xep

import (
	"xmppscope/decode"
	"xmppscope/session"
)

const nsCaps = "http://jabber.org/protocol/caps"

func init() {
	add(decode.Rule{
		ID: "xep-0115", Title: "Entity Capabilities", Ref: "XEP-0115",
		Match: decode.Payload(nsCaps),
		New:   func() decode.Explainer { return &caps{seen: map[string]bool{}} },
	})
}

// maxCaps bounds how many hashes are remembered.
const maxCaps = 10_000

// caps remembers which hashes were seen in this session.
type caps struct{ seen map[string]bool }

// Explain implements decode.Explainer.
func (k *caps) Explain(s *decode.Seen) []session.Note {
	c := s.Root.Child(nsCaps, "c")
	if c == nil {
		return nil
	}
	if c.Attr("hash") == "" {
		return []session.Note{lint("xep-0115", "XEP-0115 §4", session.Warning, c.Span,
			"capabilities without a hash, as before version 1.4 of XEP-0115: they cannot be verified")}
	}
	ver := c.Attr("ver")
	text := "a hash of what the sender can do: whoever does not know it yet may ask %q"
	if k.seen[ver] {
		text = "the same hash of capabilities as before: nobody has to ask %q"
	} else if len(k.seen) < maxCaps {
		k.seen[ver] = true
	}
	return []session.Note{say("XEP-0115 §5", c.Span, text, c.Attr("node")+"#"+ver)}
}
