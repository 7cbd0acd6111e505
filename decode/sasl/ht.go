package sasl

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"unicode/utf8"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	refHT    = "draft-schmaus-kitten-sasl-ht-09 §3"
	refHTOld = "draft-schmaus-kitten-sasl-ht-05 §3"
	refHT2   = "draft-ietf-kitten-sasl-ht-02 §3"
)

func init() {
	add(decode.Mechanism{
		ID: "sasl-ht", Title: "HT (hashed token)", Ref: refHT,
		Names: strings.Fields(`HT-SHA-256-NONE HT-SHA-256-UNIQ HT-SHA-256-ENDP HT-SHA-256-EXPR HT-SHA-512-NONE HT-SHA-512-UNIQ
			HT-SHA-512-ENDP HT-SHA-512-EXPR HT-SHA3-512-NONE HT-SHA3-512-EXPR`),
		Match:   func(name string) bool { return strings.HasPrefix(name, "HT-") || strings.HasPrefix(name, "HT2-") },
		FAST:    true,
		Binding: htBinding,
		Refused: wrongToken,
		Retry:   "let the client log in with its password and get a new token",
	}, func(name string) Decoder { return newHashedToken(name) })
}

// hashedToken is the mechanism of FAST (XEP-0484), in its three forms on the wire:
//   - drafts up to 05: length of the authcid in 2 or 4 bytes, authcid, HMAC;
//   - draft-schmaus-09, HT-…: authcid NUL HMAC;
//   - draft-ietf-kitten, HT2-…: authcid NUL extras NUL HMAC.
//
// The HMAC has the token as its key, and covers the word Initiator, the data of
// the channel binding, and the extras. The server answers with that of Responder.
type hashedToken struct {
	name    string
	second  bool   // HT2
	hash    string // "SHA-256"
	size    int    // of the HMAC, 0 if the hash is not known
	binding string // type of channel binding, "" if none

	parts htParts // of the client's message
	check tokenCheck
}

// htBindings says what the last part of the name binds the token to.
var htBindings = map[string]string{
	"NONE": "", "ENDP": session.BindingEndPoint, "UNIQ": session.BindingUnique, "EXPR": session.BindingExporter,
}

func htBinding(name string) string { return htBindings[name[strings.LastIndexByte(name, '-')+1:]] }

// TokenHash is the hash of a mechanism for tokens by its name in SASL
// (HT-SHA-256-EXPR), nil if it is none, or an unknown one.
func TokenHash(mechanism string) func() hash.Hash {
	if !strings.HasPrefix(mechanism, "HT-") {
		return nil
	}
	return hashes[newHashedToken(mechanism).hash]
}

func newHashedToken(name string) *hashedToken {
	family, rest, _ := strings.Cut(name, "-")
	h := &hashedToken{name: name, second: family == "HT2", hash: rest}
	if i := strings.LastIndexByte(rest, '-'); i >= 0 {
		h.hash, h.binding = rest[:i], htBinding(name)
	}
	if newHash := hashes[h.hash]; newHash != nil {
		h.size = newHash().Size()
	}
	return h
}

func (h *hashedToken) Decode(m Message) []session.Note {
	switch {
	case m.Kind == Initial && !m.Present:
		return []session.Note{decode.Say(session.Error, m.Element.Tag, "the client sends no initial response, but in this mechanism it has the first word")}
	case len(m.Payload) == 0 && m.Kind == Success && len(h.parts.mac) > 0:
		return []session.Note{decode.Say(session.Warning, m.Element.Tag, "the server lets the client in without an answer to its HMAC, and so without a proof that it has the token: the client should refuse")}
	case len(m.Payload) == 0 && !m.Kind.FromClient():
		return nil
	case !m.Kind.FromClient():
		return h.server(m)
	}
	parts, ok := h.parse(m.Payload)
	if !ok {
		layout := "a user name, a NUL byte and an HMAC"
		if h.second {
			layout = "a user name, a NUL byte, more values, a NUL byte and an HMAC"
		}
		return malformed(m, "sasl-ht", parts.ref, "the client did not send %s", layout)
	}
	h.parts = parts
	return h.client(m)
}

// htParts are the parts of a message of either side.
type htParts struct {
	authcid, extras string
	mac             []byte
	ref             string
	old             bool // the form of early drafts
}

// parse takes a client's message apart. The HMAC is binary, and may hold NUL.
func (h *hashedToken) parse(p []byte) (parts htParts, ok bool) {
	if h.second {
		authcid, rest, ok1 := bytes.Cut(p, []byte{0})
		extras, mac, ok2 := bytes.Cut(rest, []byte{0})
		return htParts{string(authcid), string(extras), mac, refHT2, false}, ok1 && ok2 && utf8.Valid(authcid) && len(authcid) > 0 && len(mac) > 0
	}
	if authcid, mac, found := bytes.Cut(p, []byte{0}); found && len(authcid) > 0 && len(mac) > 0 && utf8.Valid(authcid) {
		return htParts{string(authcid), "", mac, refHT, false}, true
	}
	for _, width := range []int{4, 2} {
		if len(p) < width || h.size == 0 {
			continue
		}
		n := int(binary.BigEndian.Uint16(p))
		if width == 4 {
			n = int(binary.BigEndian.Uint32(p))
		}
		if rest := p[width:]; n > 0 && n == len(rest)-h.size && utf8.Valid(rest[:n]) {
			return htParts{string(rest[:n]), "", rest[n:], refHTOld, true}, true
		}
	}
	return htParts{ref: refHT}, false
}

func (h *hashedToken) client(m Message) []session.Note {
	parts := h.parts
	notes := []session.Note{explained(decode.Field("authcid", parts.authcid, m.Span).Is(session.User), "the user that the token was issued to")}
	if parts.extras != "" {
		notes = append(notes, explained(decode.Field("extras", readable([]byte(parts.extras)), m.Span), "more values, which the HMAC covers"))
	}
	proof := secret("proof", fmt.Sprintf("%x", parts.mac), "token MAC", m.Span)
	proof.Text = "an HMAC with the token as its key: it proves that the client has the token without showing it"
	notes = append(notes, proof)
	if parts.old {
		notes = append(notes, decode.Say(session.Notice, m.Span, "the client sends the form of early drafts, with the length of the user name before it; servers of today expect the name, then a NUL byte"))
	}
	notes = append(notes, h.length(m, parts.mac)...)
	notes = append(notes, h.bound(m)...)
	notes = append(notes, h.verify(m)...)
	for i := range notes {
		notes[i].Ref = parts.ref
	}
	return notes
}

// length holds the HMAC against its hash.
func (h *hashedToken) length(m Message, mac []byte) []session.Note {
	if h.size == 0 || len(mac) == h.size {
		return nil
	}
	return []session.Note{decode.Say(session.Error, m.Span, "the %s's HMAC has %s, that of %s has %d", sender(m), session.Plural(len(mac), "byte"), h.hash, h.size)}
}

// bound explains what the HMAC ties the login to.
func (h *hashedToken) bound(m Message) []session.Note {
	if h.binding == "" {
		return nil
	}
	notes := []session.Note{explained(decode.Field("cb-type", h.binding, m.Span).Is(session.Word), "the HMAC covers the client's TLS connection too")}
	tls := m.State.TLS
	if between(tls) && !m.State.Rebinds && !(h.binding == session.BindingEndPoint && sameCertificate(tls)) {
		notes = append(notes, decode.Say(session.Warning, m.Span,
			"the client binds the token to its TLS connection (%s): that connection ends at xmppscope, so the server will compute something else and refuse", h.binding))
	}
	if t := clientTLS(tls); h.binding == session.BindingUnique && t != nil && t.Version == "TLS 1.3" {
		notes = append(notes, decode.Say(session.Notice, m.Span, "tls-unique is not defined for TLS 1.3; the client should use a mechanism that ends in -EXPR"))
	}
	return notes
}

// server is the answer: the HMAC; in HT2 NUL extras NUL HMAC.
func (h *hashedToken) server(m Message) []session.Note {
	mac, ref := m.Payload, refHT
	var notes []session.Note
	var more string
	if h.second {
		ref = refHT2
		rest, ok := bytes.CutPrefix(mac, []byte{0})
		extras, after, found := bytes.Cut(rest, []byte{0})
		if !ok || !found {
			return malformed(m, "sasl-ht", ref, "the server did not send a NUL byte, more values, a NUL byte and an HMAC")
		}
		mac, more = after, string(extras)
		if len(extras) > 0 {
			notes = append(notes, explained(decode.Field("extras", readable(extras), m.Span), "more values, which the HMAC covers"))
		}
	} else if len(mac) == h.size+1 && mac[0] == 0 { // so in some drafts
		mac = mac[1:]
	}
	n := secret("signature", fmt.Sprintf("%x", mac), "token MAC", m.Span)
	n.Text = "an HMAC that proves to the client that the server has the token too"
	notes = append(append(notes, n), h.length(m, mac)...)
	notes = append(notes, h.verifyServer(m, mac, more)...)
	for i := range notes {
		notes[i].Ref = ref
	}
	return notes
}
