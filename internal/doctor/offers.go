package doctor

import (
	"slices"

	"xmppscope/decode"
	"xmppscope/session"
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
	decode.NSSM3: "stream management", decode.NSSM2: "stream management 2", decode.NSCB: "channel binding",
	decode.NSFAST: "FAST", "urn:xmpp:csi:0": "client state", "urn:xmpp:features:rosterver": "roster versions",
	"urn:xmpp:features:dialback": "dialback", "urn:xmpp:features:pre-approval": "pre-approval", "urn:xmpp:bidi": "bidi",
	"http://jabber.org/features/iq-register": "registration", "http://jabber.org/features/iq-auth": "iq-auth",
	"http://jabber.org/features/compress": "compression", "http://jabber.org/protocol/caps": "capabilities",
	"urn:ietf:params:xml:ns:xmpp-session": "session", "urn:xmpp:features:limits:0": "limits", "urn:xmpp:stream-limits:0": "limits",
	"urn:xmpp:carbons:2": "carbons", "urn:xmpp:sasl:upgrade:0": "SASL upgrade", "urn:xmpp:invite": "invitations",
}

// offersIn reads a features element of a stream. What cannot be read has been told by the rules.
func offersIn(raw []byte, scope decode.Scope) *Offers {
	root, _ := decode.Parse(raw, scope)
	if root == nil {
		return new(Offers)
	}
	return offersOf(root)
}

func offersOf(root *session.Element) *Offers {
	o := new(Offers)
	for f := range root.Elements() {
		o.Features = append(o.Features, nameOf(f))
		switch f.Name.Space {
		case decode.NSTLS:
			o.Required = f.Child("", "required") != nil
		case decode.NSSASL:
			o.Mechanisms = mechanisms(f)
		case decode.NSSASL2:
			o.sasl2(f)
		case decode.NSCB:
			for c := range f.Elements() {
				if kind, is := c.LookupAttr("type"); is {
					o.Bindings = append(o.Bindings, kind)
				}
			}
		}
	}
	return o
}

func (o *Offers) sasl2(f *session.Element) {
	o.SASL2 = mechanisms(f)
	inline := f.Child("", "inline")
	if inline == nil {
		return
	}
	for in := range inline.Elements() {
		o.Inline = append(o.Inline, nameOf(in))
		if in.Name.Local == "fast" {
			o.FAST = mechanisms(in)
		}
	}
}

func nameOf(f *session.Element) string {
	if s, ok := short[f.Name.Space]; ok {
		return s
	}
	return f.Name.Space + " " + f.Name.Local
}

func mechanisms(of *session.Element) (out []string) {
	for c := range of.Elements() {
		if c.Name.Local == "mechanism" {
			out = append(out, c.Text())
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
