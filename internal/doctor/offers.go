package doctor

import (
	"bytes"
	"encoding/xml"
	"slices"

	"xmppscope/decode"
)

// Offers is what a server offers in its stream features.
type Offers struct {
	Mechanisms []string `json:"mechanisms,omitempty"` // SASL (RFC 6120 §6)
	SASL2      []string `json:"sasl2,omitempty"`      // mechanisms of XEP-0388
	Inline     []string `json:"inline,omitempty"`     // what SASL2 does in the same step
	FAST       []string `json:"fast,omitempty"`       // mechanisms of XEP-0484
	Bindings   []string `json:"bindings,omitempty"`   // types of channel binding (XEP-0440)
	Required   bool     `json:"starttls_required,omitempty"`
	Features   []string `json:"features,omitempty"` // all of them, by a short name or their namespace
}

// short are the names of features by the namespace of their element.
var short = map[string]string{
	decode.NSTLS: "starttls", decode.NSSASL: "sasl", decode.NSSASL2: "sasl2", decode.NSBind: "bind", decode.NSBind2: "bind2",
	decode.NSSM3: "stream management", decode.NSSM2: "stream management 2", "urn:xmpp:sasl-cb:0": "channel binding",
	"urn:xmpp:fast:0": "FAST", "urn:xmpp:csi:0": "client state", "urn:xmpp:features:rosterver": "roster versions",
	"urn:xmpp:features:dialback": "dialback", "urn:xmpp:features:pre-approval": "pre-approval", "urn:xmpp:bidi": "bidi",
	"http://jabber.org/features/iq-register": "registration", "http://jabber.org/features/iq-auth": "iq-auth",
	"http://jabber.org/features/compress": "compression", "http://jabber.org/protocol/caps": "capabilities",
	"urn:ietf:params:xml:ns:xmpp-session": "session", "urn:xmpp:features:limits:0": "limits", "urn:xmpp:stream-limits:0": "limits",
	"urn:xmpp:carbons:2": "carbons", "urn:xmpp:sasl:upgrade:0": "SASL upgrade", "urn:xmpp:invite": "invitations",
}

// node is an element.
type node struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []node     `xml:",any"`
}

// offersIn reads a features element. What cannot be read has been told by the rules.
func offersIn(raw []byte) *Offers {
	var root node
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict = false // its prefix is declared in the stream header
	if d.Decode(&root) != nil {
		return new(Offers)
	}
	return offersOf(&root)
}

func offersOf(root *node) *Offers {
	o := new(Offers)
	for _, f := range root.Children {
		o.Features = append(o.Features, nameOf(f.XMLName))
		switch f.XMLName.Space {
		case decode.NSTLS:
			o.Required = slices.ContainsFunc(f.Children, func(c node) bool { return c.XMLName.Local == "required" })
		case decode.NSSASL:
			o.Mechanisms = f.texts("mechanism")
		case decode.NSSASL2:
			o.sasl2(f)
		case "urn:xmpp:sasl-cb:0":
			for _, c := range f.Children {
				for _, a := range c.Attrs {
					if a.Name.Local == "type" {
						o.Bindings = append(o.Bindings, a.Value)
					}
				}
			}
		}
	}
	return o
}

func (o *Offers) sasl2(f node) {
	o.SASL2 = f.texts("mechanism")
	for _, c := range f.Children {
		if c.XMLName.Local != "inline" {
			continue
		}
		for _, in := range c.Children {
			o.Inline = append(o.Inline, nameOf(in.XMLName))
			if in.XMLName.Local == "fast" {
				o.FAST = in.texts("mechanism")
			}
		}
	}
}

func nameOf(n xml.Name) string {
	if s, ok := short[n.Space]; ok {
		return s
	}
	return n.Space + " " + n.Local
}

// texts are those of the children with a name.
func (n *node) texts(name string) (out []string) {
	for _, c := range n.Children {
		if c.XMLName.Local == name {
			out = append(out, c.Text)
		}
	}
	return out
}

// has says whether a feature is offered, by its short name.
func (o *Offers) has(feature string) bool { return slices.Contains(o.Features, feature) }

// equal says whether the same is offered.
func (o *Offers) equal(p *Offers) bool {
	for _, pair := range [][2][]string{{o.Mechanisms, p.Mechanisms}, {o.SASL2, p.SASL2}, {o.Inline, p.Inline}, {o.FAST, p.FAST}, {o.Bindings, p.Bindings}, {o.Features, p.Features}} {
		if !slices.Equal(slices.Sorted(slices.Values(pair[0])), slices.Sorted(slices.Values(pair[1]))) { // some servers have no order
			return false
		}
	}
	return o.Required == p.Required
}
