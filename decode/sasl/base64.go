package sasl

import (
	"encoding/base64"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// unbase64 decodes the text of a SASL element. It is strict (check A06, RFC 6120
// §6.3.5: RFC 4648 §4 with padding, zero spare bits, no white space), but what
// can be read all the same is returned beside the error; the payload is nil if
// nothing can be.
func unbase64(text string, span session.Span) ([]byte, []session.Note) {
	if p, ok := strictBase64(text); ok {
		return p, nil
	}
	at, why := base64Fault(text)
	if span.Len() == len(text) && at < len(text) { // no entities: offsets agree
		span = session.Span{Start: span.Start + at, End: span.Start + at + 1}
	}
	n := decode.Breach("A06", span, "the SASL data is not strict base64: %s", why)
	return looseBase64(text), []session.Note{n}
}

// strictBase64 is base64.StdEncoding.Strict without its tolerance for line ends.
func strictBase64(text string) ([]byte, bool) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	p, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || p == nil {
		return []byte{}, err == nil
	}
	return p, true
}

// base64Fault says where and why text is not strict base64. It quotes nothing:
// this may be a password.
func base64Fault(text string) (at int, why string) {
	if i := strings.IndexAny(text, " \t\r\n"); i >= 0 {
		return i, "there is white space in it"
	}
	body := strings.TrimRight(text, "=")
	for i := range len(body) {
		switch c := body[i]; {
		case isBase64(c):
		case c == '-' || c == '_':
			return i, "it uses the URL-safe alphabet"
		case c == '=':
			return i, "padding stands in the middle"
		default:
			return i, "it holds a character that is not in the alphabet"
		}
	}
	last := max(len(text)-1, 0)
	switch {
	case len(body)%4 == 1:
		return last, "a character is missing or too many"
	case len(text)%4 != 0:
		return last, "the padding is missing or wrong"
	}
	return max(len(body)-1, 0), "the spare bits of its last character are not zero"
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// looseBase64 reads what a lenient server would: any alphabet, white space, no
// padding.
func looseBase64(text string) []byte {
	text = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", "-", "+", "_", "/").Replace(text)
	p, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return p
}
