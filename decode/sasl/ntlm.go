package sasl

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"xmppscope/decode"
	"xmppscope/session"
)

const (
	ntlmSignature = "NTLMSSP\x00"
	refNTLM       = "MS-NLMP §2.2.1"
)

func init() {
	add(decode.Mechanism{
		ID: "sasl-ntlm", Title: "NTLM", Ref: refNTLM, Names: []string{"NTLM"},
	}, func(string) Decoder { return ntlm{} })
}

// ntlm is Microsoft's challenge and response, in three messages.
type ntlm struct{}

func (ntlm) Decode(m Message) []session.Note {
	switch {
	case len(m.Payload) == 0 && m.Kind == Initial:
		return []session.Note{decode.Say(session.Info, m.Element.Tag, "no initial response: the server has to ask with an empty challenge first")}
	case len(m.Payload) == 0:
		return nil
	}
	if notes, ok := ntlmMessage(m, m.Payload); ok {
		return notes
	}
	return malformed(m, "sasl-ntlm", refNTLM, "the %s sent something that is not an NTLM message", sender(m))
}

// ntlmFlags names the flags of NEGOTIATE_MESSAGE and its answers (MS-NLMP §2.2.2.5)
// that tell something.
var ntlmFlags = []struct {
	bit  uint32
	text string
}{
	{1 << 0, "Unicode"}, {1 << 1, "OEM text"}, {1 << 2, "asks for the target"}, {1 << 4, "signing"}, {1 << 5, "sealing"},
	{1 << 6, "datagrams"}, {1 << 7, "LM key"}, {1 << 9, "NTLM"}, {1 << 11, "anonymous"}, {1 << 12, "names its domain"},
	{1 << 13, "names its workstation"}, {1 << 15, "always sign"}, {1 << 16, "target is a domain"}, {1 << 17, "target is a server"},
	{1 << 19, "extended session security"}, {1 << 20, "identify only"}, {1 << 22, "LM session key"}, {1 << 23, "target info"}, {1 << 25, "version"},
	{1 << 29, "128-bit keys"}, {1 << 30, "key exchange"}, {1 << 31, "56-bit keys"},
}

func flagWords(flags uint32) string {
	var out []string
	for _, f := range ntlmFlags {
		if flags&f.bit != 0 {
			out = append(out, f.text)
		}
	}
	return strings.Join(out, ", ")
}

// ntlmMessage takes one of the three messages apart; ok is false if it is none.
func ntlmMessage(m Message, p []byte) (notes []session.Note, ok bool) {
	if len(p) < 16 || string(p[:8]) != ntlmSignature {
		return nil, false
	}
	read := ntlmReader{m: m, p: p}
	kind := binary.LittleEndian.Uint32(p[8:])
	switch kind {
	case 1:
		notes = read.negotiate()
	case 2:
		notes = read.challenge()
	case 3:
		notes = read.authenticate()
	default:
		return nil, false
	}
	if fromClient := kind != 2; fromClient != m.Kind.FromClient() {
		notes = append(notes, read.fault("the %s sends message %d of NTLM, which is for the other side to send", sender(m), int(kind)))
	}
	if read.cut || len(p) < map[uint32]int{1: 16, 2: 32, 3: 52}[kind] {
		notes = append(notes, read.fault("the %s's message is cut off: a field lies outside of it", sender(m)))
	}
	return notes, true
}

// ntlmReader reads fields at their places; what lies outside of the message is
// empty.
type ntlmReader struct {
	m       Message
	p       []byte
	unicode bool
	cut     bool // a field lies outside of the message
}

func (r *ntlmReader) fault(format string, args ...any) session.Note {
	n := decode.Say(session.Error, r.m.Span, format, args...)
	n.Ref = refNTLM
	return n
}

func (r *ntlmReader) field(name, value, text string) session.Note {
	n := explained(decode.Field(name, value, r.m.Span), text)
	n.Ref = refNTLM
	return n
}

// flags are the four bytes at an offset.
func (r *ntlmReader) flags(at int) uint32 {
	if len(r.p) < at+4 {
		return 0
	}
	f := binary.LittleEndian.Uint32(r.p[at:])
	r.unicode = f&1 != 0
	return f
}

// buffer is what a length and an offset, at a place in the header, point to.
func (r *ntlmReader) buffer(at int) []byte {
	if len(r.p) < at+8 {
		return nil
	}
	length, start := int(binary.LittleEndian.Uint16(r.p[at:])), int(binary.LittleEndian.Uint32(r.p[at+4:]))
	if start > len(r.p) || length > len(r.p)-start {
		r.cut = r.cut || length > 0
		return nil
	}
	return r.p[start : start+length]
}

func (r *ntlmReader) text(b []byte) string {
	if !r.unicode {
		return string(b)
	}
	return utf16Text(b)
}

func utf16Text(b []byte) string {
	var out []uint16
	for ; len(b) >= 2; b = b[2:] {
		out = append(out, binary.LittleEndian.Uint16(b))
	}
	return string(utf16.Decode(out))
}

// names are the fields of these names that are not empty.
func (r *ntlmReader) names(fields ...ntlmName) (notes []session.Note) {
	for _, f := range fields {
		if s := r.text(r.buffer(f.at)); s != "" {
			notes = append(notes, r.field(f.name, s, f.text).Is(f.holds))
		}
	}
	return notes
}

type ntlmName struct {
	at         int
	name, text string
	holds      session.Holds
}

func (r *ntlmReader) negotiate() []session.Note {
	notes := []session.Note{r.field("ntlm-message", "1 (NEGOTIATE)", "the client says what it can do")}
	flags := r.flags(12)
	notes = append(notes, r.field("flags", flagWords(flags), "what the client can do").Is(session.Word))
	r.unicode = false // names in this message are always OEM text
	return append(notes, r.names(ntlmName{16, "domain", "the domain that the client's computer is in", session.Host}, ntlmName{24, "workstation", "the name of the client's computer", session.Host})...)
}

// ntlmTarget names the pairs that describe the server (MS-NLMP §2.2.2.1).
var ntlmTarget = map[uint16]string{
	1: "netbios-computer", 2: "netbios-domain", 3: "dns-computer", 4: "dns-domain", 5: "dns-forest", 9: "target-name",
}

func (r *ntlmReader) challenge() []session.Note {
	notes := []session.Note{r.field("ntlm-message", "2 (CHALLENGE)", "the server's challenge")}
	flags := r.flags(20)
	notes = append(notes, r.names(ntlmName{12, "target", "the domain or server that the account belongs to", session.Host})...)
	notes = append(notes, r.field("flags", flagWords(flags), "what both sides will do").Is(session.Word))
	if len(r.p) >= 32 {
		notes = append(notes, r.field("nonce", fmt.Sprintf("%x", r.p[24:32]), "the server's challenge, for the client to hash with its password").Classed(session.Identifier))
	}
	for _, pair := range avPairs(r.buffer(40)) {
		if name := ntlmTarget[pair.id]; name != "" {
			notes = append(notes, r.field(name, utf16Text(pair.value), "").Is(session.Host))
		} else if pair.id == 7 && len(pair.value) == 8 {
			notes = append(notes, r.field("timestamp", fileTime(pair.value), "the server's clock").Classed(session.Identifier))
		}
	}
	return notes
}

func (r *ntlmReader) authenticate() []session.Note {
	notes := []session.Note{r.field("ntlm-message", "3 (AUTHENTICATE)", "the client's answer")}
	flags := r.flags(60)
	notes = append(notes, r.names(
		ntlmName{28, "domain", "the domain that the account belongs to", session.Host}, ntlmName{36, "authcid", "the user name; the password itself never travels", session.User},
		ntlmName{44, "workstation", "the name of the client's computer", session.Host})...)
	if flags != 0 {
		notes = append(notes, r.field("flags", flagWords(flags), "what both sides will do").Is(session.Word))
	}
	nt := r.buffer(20)
	if answer := append(append([]byte{}, r.buffer(12)...), nt...); len(answer) > 0 {
		n := secret("response", fmt.Sprintf("%x", answer), "NTLM response", r.m.Span)
		n.Ref, n.Text = refNTLM, "a hash over the server's challenge and the password; whoever records it can guess passwords off line"
		notes = append(notes, n)
	} else { // an answer without one may still hold a session key
		notes = append(notes, credentials(fmt.Sprintf("%x", r.p), r.m.Span))
	}
	if len(nt) == 24 {
		n := decode.Say(session.Warning, r.m.Span, "the client answers with NTLMv1, which can be broken in hours; NTLMv2 has replaced it in 1998")
		n.Ref = "MS-NLMP §3.3.1"
		notes = append(notes, n)
	}
	if len(nt) > 44 {
		notes = append(notes, r.bound(avPairs(nt[44:]))...)
	}
	return notes
}

// bound looks for a channel binding in the client's part of NTLMv2.
func (r *ntlmReader) bound(pairs []avPair) []session.Note {
	for _, pair := range pairs {
		if pair.id != 10 || strings.Trim(string(pair.value), "\x00") == "" {
			continue
		}
		notes := []session.Note{r.field("cb-type", session.BindingEndPoint, "the answer covers the certificate that the client was shown, as an MD5 of it").Is(session.Word)}
		if between(r.m.State.TLS) && !sameCertificate(r.m.State.TLS) {
			notes = append(notes, decode.Say(session.Warning, r.m.Span,
				"the client binds the login to the server's certificate, and was shown that of xmppscope: a server that checks it will refuse"))
		}
		return notes
	}
	return nil
}

// avPair is one AV_PAIR.
type avPair struct {
	id    uint16
	value []byte
}

func avPairs(b []byte) (out []avPair) {
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if id == 0 || len(b) < 4+n {
			break
		}
		out = append(out, avPair{id, b[4 : 4+n]})
		b = b[4+n:]
	}
	return out
}

// fileTime is Windows' clock: 100 ns since 1601.
func fileTime(b []byte) string {
	const toUnix = 11644473600
	ticks := binary.LittleEndian.Uint64(b)
	return time.Unix(int64(ticks/1e7)-toUnix, 0).UTC().Format(time.RFC3339)
}
