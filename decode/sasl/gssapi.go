package sasl

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refGSSAPI = "RFC 4752 §3"

func init() {
	add(decode.Mechanism{
		ID: "sasl-gssapi", Title: "GSSAPI, GSS-SPNEGO and GS2", Ref: refGSSAPI,
		Names:   []string{"GSSAPI", "GSS-SPNEGO", "GS2-KRB5", "GS2-KRB5-PLUS"},
		Match:   func(name string) bool { return strings.HasPrefix(name, "GS2-") },
		Refused: "the ticket is not for this server, has expired, or cannot be decrypted with the server's keytab; the clocks, the host name and the keytab are the first things to look at",
		Retry:   "get a new ticket, and look at the host name that it is for",
	}, func(name string) Decoder { return &gssapi{name: name} })
}

// gssapi is RFC 4752: tokens of GSS-API, nearly always Kerberos 5, and at the end
// an agreement on a security layer. GS2 (RFC 5801) puts a header before the first.
type gssapi struct {
	name    string
	started bool // the client has sent its first token
}

func (g *gssapi) Decode(m Message) []session.Note {
	token := m.Payload
	var notes []session.Note
	switch {
	case len(token) == 0 && m.Kind == Initial:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "no initial response: the server has to ask with an empty challenge first")}
	case len(token) == 0 && m.Kind == Response:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "the client has nothing to add to its token; the server now names the security layers it can do")}
	case len(token) == 0:
		return nil
	case strings.HasPrefix(g.name, "GS2-") && !g.started && m.Kind.FromClient():
		notes, token = gs2Header(m, token)
	}
	g.started = true
	inner, ok := gssToken(m, token, 0)
	if !ok {
		return malformed(m, "sasl-gssapi", refGSSAPI, "the %s sent something that is not a GSS-API token", sender(m))
	}
	if cutOff(token) {
		n := decode.Say(session.Error, m.Span, "the %s's token is cut off: it is longer by what it says itself", sender(m))
		inner = append(inner, n)
	}
	return append(append(notes, inner...), wholeToken(m, inner)...)
}

// cutOff says whether a token in DER is shorter than its first length says.
func cutOff(p []byte) bool {
	if len(p) < 2 || p[0] != 0x60 && p[0] != 0x6e && p[0] != 0xa0 && p[0] != 0xa1 {
		return false
	}
	return derLength(p) > len(p)
}

// wholeToken marks a client's token as secret, unless its parts are already.
func wholeToken(m Message, notes []session.Note) []session.Note {
	if !m.Kind.FromClient() {
		return nil
	}
	for _, n := range notes {
		if n.Secret != "" || n.Name == "security-layers" || n.Name == "ntlm-message" {
			return nil
		}
	}
	n := secret("token", fmt.Sprintf("%x", m.Payload), "Kerberos token", m.Span)
	n.Text = "proves who the client is, for this service and for a few minutes"
	return []session.Note{n}
}

// gs2Header takes the header off a first token (RFC 5801 §4).
func gs2Header(m Message, p []byte) ([]session.Note, []byte) {
	rest := bytes.TrimPrefix(p, []byte("F,"))
	parts := bytes.SplitN(rest, []byte(","), 3)
	if len(parts) < 3 || len(parts[0]) > 100 {
		return nil, p
	}
	n := decode.Field("gs2-flag", string(parts[0]), m.Span).Is(session.Word)
	n.Ref, n.Text = "RFC 5801 §5.1", "the client does no channel binding"
	if kind, ok := bytes.CutPrefix(parts[0], []byte("p=")); ok {
		n.Text = "the client binds the login to its TLS connection by " + decode.Quote(string(kind))
	}
	notes := []session.Note{n}
	if id, ok := bytes.CutPrefix(parts[1], []byte("a=")); ok {
		name, _ := unescape(string(id))
		notes = append(notes, explained(decode.Field("authzid", name, m.Span).Is(session.JID), "the client asks to act as this identity"))
	}
	return notes, parts[2]
}

// gssMechanisms names the mechanisms under GSS-API by OID.
var gssMechanisms = map[string]string{
	"1.2.840.113554.1.2.2":   "Kerberos 5",
	"1.2.840.48018.1.2.2":    "Kerberos 5 (Microsoft's old number)",
	"1.2.840.113554.1.2.2.3": "Kerberos 5, user to user",
	"1.3.5.1.5.2":            "Kerberos 5 (old number)",
	"1.3.6.1.5.5.2":          "SPNEGO",
	"1.3.6.1.5.2.5":          "IAKERB",
	"1.3.6.1.4.1.311.2.2.10": "NTLM",
	"1.3.6.1.4.1.311.2.2.30": "NEGOEX",
	"1.3.6.1.5.5.14":         "SCRAM",
	"1.3.6.1.5.5.15.1.1.17":  "EAP, aes128",
	"1.3.6.1.5.5.15.1.1.18":  "EAP, aes256",
}

func mechanismName(id string) string {
	if name := gssMechanisms[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}

// gssToken tells the kinds of token apart; ok is false if it is none of them.
func gssToken(m Message, p []byte, depth int) (notes []session.Note, ok bool) {
	if len(p) < 2 || depth > 4 {
		return nil, false
	}
	switch {
	case bytes.HasPrefix(p, []byte(ntlmSignature)):
		return ntlmMessage(m, p)
	case p[0] == 0x05 && (p[1] == 0x04 || p[1] == 0x05):
		return securityLayer(m, p)
	case p[0] == 0xa0 || p[0] == 0xa1:
		return spnego(m, p, depth)
	case p[0] == 0x60:
		return framed(m, inside(p, 0x60), depth)
	case (p[0] == 1 || p[0] == 2 || p[0] == 3) && p[1] == 0 && len(p) > 2: // GS2 has no frame
		return kerberosMessage(m, p[2:])
	}
	return kerberosMessage(m, p)
}

// framed is the frame of first tokens: the mechanism's OID (RFC 2743 §3.1).
func framed(m Message, p []byte, depth int) ([]session.Note, bool) {
	v, rest, ok := readTLV(p)
	if !ok || v.tag != derOID {
		return nil, false
	}
	n := explained(decode.Field("gss-mechanism", mechanismName(oid(v.body)), m.Span).Is(session.Word), "what proves the client's identity under GSS-API")
	n.Ref = "RFC 2743 §3.1"
	if len(rest) >= 2 && rest[0] == 2 && rest[1] == 1 {
		return append([]session.Note{n}, oldWrapped(m, rest)...), true
	}
	if inner, ok := gssToken(m, rest, depth+1); ok {
		return append([]session.Note{n}, inner...), true
	}
	return []session.Note{n}, true
}

// negStates are the answers of SPNEGO (RFC 4178 §4.2.2).
var negStates = map[int]string{0: "accept-completed", 1: "accept-incomplete", 2: "reject", 3: "request-mic"}

// spnego is the agreement on a mechanism (RFC 4178 §4.2).
func spnego(m Message, p []byte, depth int) (notes []session.Note, ok bool) {
	v, _, ok := readTLV(p)
	if !ok {
		return nil, false
	}
	field := func(name, value, text string) {
		n := explained(decode.Field(name, value, m.Span), text)
		n.Ref = "RFC 4178 §4.2"
		notes = append(notes, n)
	}
	body := tagged(inside(v.body, derSeq))
	if v.tag == 0xa0 {
		var offered []string
		for _, x := range derValues(inside(body[0], derSeq)) {
			offered = append(offered, mechanismName(oid(x.body)))
		}
		field("gss-mechanisms", strings.Join(offered, ", "), "what the client offers under SPNEGO, the best first")
	} else {
		if state, ok := derNumber(body[0]); ok {
			field("neg-state", negStates[state], "what the peer says to the offer")
			if negStates[state] == "reject" {
				n := &notes[len(notes)-1]
				n.Severity, n.Text = session.Error, "the "+sender(m)+" takes none of the mechanisms on offer, or refuses the token"
			}
		}
		if chosen := inside(body[1], derOID); len(chosen) > 0 {
			field("gss-mechanism", mechanismName(oid(chosen)), "what the server has chosen")
		}
	}
	if token := inside(body[2], derOctets); len(token) > 0 {
		inner, _ := gssToken(m, token, depth+1)
		notes = append(notes, inner...)
	}
	return notes, true
}

// securityLayer is a wrapped message of RFC 4121 §4.2: at the end of the login it
// holds the layers that a side can do, and the client's authzid (RFC 4752 §3.1).
func securityLayer(m Message, p []byte) ([]session.Note, bool) {
	if len(p) < 16 {
		return nil, false
	}
	flags, extra, rotated := p[2], int(binary.BigEndian.Uint16(p[4:])), int(binary.BigEndian.Uint16(p[6:]))
	if flags&2 != 0 {
		return []session.Note{decode.Explain("RFC 4121 §4.2.4", m.Span, "the agreement on a security layer, encrypted")}, true
	}
	data := p[16:]
	if len(data) > 0 {
		at := rotated % len(data)
		data = append(append([]byte{}, data[at:]...), data[:at]...)
	}
	if extra > len(data) || len(data)-extra < 4 {
		return nil, false
	}
	return layersOf(m, data[:len(data)-extra]), true
}

// oldWrapped is a wrapped message in the old form of Kerberos tokens (RFC 1964 §1.2.2).
func oldWrapped(m Message, p []byte) []session.Note {
	const head, confounder = 16, 8 // up to the checksum; random bytes that stand before the text
	sums := map[string]int{"\x00\x00": 8, "\x04\x00": 20, "\x11\x00": 8}
	if len(p) > head && p[4] == 0xff && p[5] == 0xff {
		start := head + sums[string(p[2:4])] + confounder
		if pad := int(p[len(p)-1]); start > head+confounder && pad >= 1 && pad <= 8 && len(p)-pad-start >= 4 {
			return layersOf(m, p[start:len(p)-pad])
		}
	}
	return []session.Note{decode.Explain("RFC 1964 §1.2.2", m.Span, "the agreement on a security layer, in the old form of Kerberos tokens, encrypted")}
}

// layersOf is the agreement on a security layer itself (RFC 4752 §3.1).
func layersOf(m Message, data []byte) []session.Note {
	var layers []string
	for i, name := range []string{"none", "integrity", "confidentiality"} {
		if data[0]&(1<<i) != 0 {
			layers = append(layers, name)
		}
	}
	what := "the security layers that the server can do; inside TLS the client takes none"
	if m.Kind.FromClient() {
		what = "the security layer that the client has chosen"
	}
	n := explained(decode.Field("security-layers", strings.Join(layers, ", "), m.Span).Is(session.Word), what)
	if m.Kind.FromClient() && data[0]&1 == 0 {
		n.Severity, n.Text = session.Warning, "the client has chosen a security layer: what follows success is wrapped, and cannot be read"
	}
	size := int(data[1])<<16 | int(data[2])<<8 | int(data[3])
	notes := []session.Note{n, explained(decode.Field("maxbuf", fmt.Sprint(size), m.Span).Is(session.Word), "the largest message under a security layer, in bytes")}
	if id := data[4:]; len(id) > 0 && m.Kind.FromClient() {
		notes = append(notes, explained(decode.Field("authzid", readable(id), m.Span).Is(session.JID), "the client asks to act as this identity"))
	}
	return notes
}
