package sasl

import (
	"bytes"
	"fmt"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(Mechanism{
		ID: "sasl-ht", Title: "HT (hashed token)", Ref: "draft-schmaus-kitten-sasl-ht-09 §3",
		Match: func(name string) bool { return strings.HasPrefix(name, "HT-") },
		New:   func(name string) Decoder { return hashedToken{name} },
	})
}

// hashedToken is the mechanism of FAST (XEP-0484): authcid NUL HMAC(token,
// "Initiator" ‖ channel-binding data), answered by the HMAC of "Responder".
type hashedToken struct{ name string }

// htBindings says what the last part of the name binds the token to.
var htBindings = map[string]string{
	"NONE": "", "ENDP": "tls-server-end-point", "UNIQ": "tls-unique", "EXPR": "tls-exporter",
}

func (h hashedToken) Decode(m Message) []session.Note {
	switch {
	case !m.Present || (len(m.Payload) == 0 && !m.Kind.FromClient()):
		return nil
	case !m.Kind.FromClient():
		n := secret("signature", fmt.Sprintf("%x", m.Payload), "token MAC", m.Span)
		n.Text = "an HMAC that proves to the client that the server has the token too"
		return []session.Note{n}
	}
	authcid, mac, ok := bytes.Cut(m.Payload, []byte{0}) // the MAC is binary, and may hold NUL
	if !ok || len(authcid) == 0 || len(mac) == 0 {
		return malformed(m, "sasl-ht", "draft-schmaus-kitten-sasl-ht-09 §3.1", "the client did not send a user name, a NUL byte and an HMAC")
	}
	notes := []session.Note{explained(decode.Field("authcid", string(authcid), m.Span), "the user that the token was issued to")}
	proof := secret("proof", fmt.Sprintf("%x", mac), "token MAC", m.Span)
	proof.Text = "an HMAC with the token as its key: it proves that the client has the token without showing it"
	notes = append(notes, proof)
	binding := htBindings[h.name[strings.LastIndexByte(h.name, '-')+1:]]
	if binding == "" {
		return notes
	}
	notes = append(notes, explained(decode.Field("cb-type", binding, m.Span), "the HMAC covers the client's TLS connection too"))
	if between(m.State.TLS) && !(binding == "tls-server-end-point" && sameCertificate(m.State.TLS)) {
		notes = append(notes, decode.Say(session.Warning, m.Span,
			"the client binds the token to its TLS connection (%s): that connection ends at xmppscope, so the server will compute something else and refuse", binding))
	}
	return notes
}
