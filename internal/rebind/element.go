package rebind

import (
	"bytes"
	"encoding/base64"
	"strings"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/session"
)

// message is an element of a SASL exchange (RFC 6120 §6.4, XEP-0388 §2).
type message struct {
	name      string // of the element
	mechanism string // that it begins
	token     string // that it issues (XEP-0484)
	payload   []byte // what it carries, decoded; nil if nothing, or no base64
	unread    bool   // it carries something else
	raw       []byte
	span      session.Span // of the payload in raw
}

// read takes an element of a stream with these declarations apart; ok is false if it belongs
// to no SASL exchange.
func read(p *decode.Piece, scope decode.Scope) (m message, ok bool) {
	if p.Kind != decode.Element {
		return m, false
	}
	root, _ := decode.Parse(p.Raw, scope)
	if root == nil || !decode.IsSASL(root.Name.Space) {
		return m, false
	}
	m = message{name: root.Name.Local, mechanism: root.Attr("mechanism"), raw: p.Raw}
	if root.Name.Space == decode.NSSASL2 && (m.name == "success" || m.name == "continue") {
		m.token = issued(root)
	}
	holds := sasl.Carrier(root)
	if holds == nil {
		return m, true
	}
	text := strings.TrimSpace(holds.Text())
	span := holds.TextSpan()
	at := bytes.Index(p.Raw[span.Start:span.End], []byte(text)) // what stands around it stays
	payload, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || at < 0 {
		m.unread = true
		return m, true
	}
	start := span.Start + at
	m.payload, m.span = payload, session.Span{Start: start, End: start + len(text)}
	return m, true
}

// with is the element with another payload, and else as it came.
func (m *message) with(payload string) []byte {
	return m.span.Replaced(m.raw, base64.StdEncoding.EncodeToString([]byte(payload)))
}
