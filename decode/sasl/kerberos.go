package sasl

import (
	"fmt"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refKerberos = "RFC 4120 §5"

// etypes are Kerberos' ways to encrypt (RFC 3961 and its successors).
var etypes = map[int]string{
	1: "des-cbc-crc", 3: "des-cbc-md5", 16: "des3-cbc-sha1", 17: "aes128-cts-hmac-sha1-96", 18: "aes256-cts-hmac-sha1-96",
	19: "aes128-cts-hmac-sha256-128", 20: "aes256-cts-hmac-sha384-192", 23: "rc4-hmac", 24: "rc4-hmac-exp",
}

// kerberosErrors are the ones that logins fail with (RFC 4120 §7.5.9).
var kerberosErrors = map[int]string{
	6: "the client is not known", 7: "the service is not known: its principal is missing, or the host name is wrong",
	23: "the password has expired", 24: "wrong password", 31: "the ticket cannot be decrypted: the server's keytab has another key",
	32: "the ticket has expired", 33: "the ticket is not valid yet", 34: "the request was seen before (replay)",
	35: "the ticket is not for this server", 37: "the clocks of client and server differ by too much", 41: "the message was changed on its way",
	44: "the server's keytab has another version of the key", 45: "the server has no key for this service",
}

// kerberosMessage shows what of a Kerberos message is not encrypted; ok is false
// if it is none.
func kerberosMessage(m Message, p []byte) (notes []session.Note, ok bool) {
	v, _, ok := readTLV(p)
	if !ok {
		return nil, false
	}
	body := tagged(inside(v.body, derSeq))
	if len(body) == 0 {
		return nil, false
	}
	k := krb{m}
	switch v.tag {
	case 0x6e:
		notes = k.request(body)
	case 0x6f:
		notes = []session.Note{k.field("kerberos-message", "AP-REP", "the server proves that it could read the ticket; all of it is encrypted")}
	case 0x7e:
		notes = k.refused(body)
	default:
		return nil, false
	}
	return append(notes, k.version(v.tag, body)...), true
}

// version holds the two numbers that every message begins with against its tag,
// whose own number is that of the message (RFC 4120 §5.5 and §5.9).
func (k krb) version(tag byte, body map[int][]byte) (notes []session.Note) {
	fault := func(what string, got, want int) {
		n := decode.Say(session.Error, k.m.Span, "the %s's Kerberos message has the %s %d, where %d belongs", sender(k.m), what, got, want)
		n.Ref = refKerberos
		notes = append(notes, n)
	}
	if pvno, ok := derNumber(body[0]); ok && pvno != 5 {
		fault("version", pvno, 5)
	}
	if kind, ok := derNumber(body[1]); ok && kind != int(tag&0x1f) {
		fault("type", kind, int(tag&0x1f))
	}
	return notes
}

type krb struct{ m Message }

func (k krb) field(name, value, text string) session.Note {
	n := explained(decode.Field(name, value, k.m.Span), text)
	n.Ref = refKerberos
	return n
}

// request is AP-REQ: a ticket for the service, and a proof that the client owns it.
func (k krb) request(body map[int][]byte) []session.Note {
	notes := []session.Note{k.field("kerberos-message", "AP-REQ", "a ticket for this service, which the client got from its KDC outside of this stream; who the user is stands inside, encrypted")}
	if options := inside(body[2], derBits); len(options) >= 2 {
		var words []string
		if options[1]&0x40 != 0 {
			words = append(words, "use the session key")
		}
		if options[1]&0x20 != 0 {
			words = append(words, "mutual authentication")
		}
		notes = append(notes, k.field("ap-options", strings.Join(words, ", "), "what the client asks for").Is(session.Word))
	}
	ticket := tagged(inside(inside(body[3], 0x61), derSeq))
	if realm := derText(ticket[1]); realm != "" {
		notes = append(notes, k.field("realm", realm, "the Kerberos realm of the service").Is(session.Host))
	}
	if name := principal(ticket[2]); name != "" {
		notes = append(notes, k.field("sname", name, "the service that the ticket is for").Is(session.Host))
		if service, _, _ := strings.Cut(name, "/"); service != "xmpp" {
			notes = append(notes, decode.Say(session.Notice, k.m.Span, "the client's ticket is for the service %q; an XMPP server has the service \"xmpp\"", service))
		}
	}
	sealed := tagged(inside(ticket[3], derSeq))
	if etype, ok := derNumber(sealed[0]); ok {
		notes = append(notes, k.field("ticket-etype", etypeName(etype), "how the ticket is encrypted, with the server's key").Is(session.Word))
	}
	if kvno, ok := derNumber(sealed[1]); ok {
		notes = append(notes, k.field("ticket-kvno", strconv.Itoa(kvno), "which version of the server's key that is; it must be in the server's keytab").Is(session.Word))
	}
	return notes
}

// refused is KRB-ERROR.
func (k krb) refused(body map[int][]byte) []session.Note {
	code, _ := derNumber(body[6])
	n := k.field("kerberos-error", strconv.Itoa(code), kerberosErrors[code]).Is(session.Word)
	n.Severity, n.Ref = session.Error, "RFC 4120 §7.5.9"
	if n.Text == "" {
		n.Text = "the peer's Kerberos refuses"
	}
	notes := []session.Note{n}
	for _, f := range []session.Note{
		k.field("realm", derText(body[9]), "").Is(session.Host), k.field("sname", principal(body[10]), "").Is(session.Host), k.field("e-text", derText(body[11]), ""),
	} {
		if f.Value != "" {
			notes = append(notes, f)
		}
	}
	return notes
}

// principal is a PrincipalName: "xmpp/host".
func principal(b []byte) string {
	var parts []string
	for _, v := range derValues(inside(tagged(inside(b, derSeq))[1], derSeq)) {
		parts = append(parts, string(v.body))
	}
	return strings.Join(parts, "/")
}

func etypeName(n int) string {
	if name := etypes[n]; name != "" {
		return fmt.Sprintf("%s (%d)", name, n)
	}
	return strconv.Itoa(n)
}
