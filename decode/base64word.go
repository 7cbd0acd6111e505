package decode

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// LeastCode is how long what stands for a secret is at least.
const LeastCode = 8

// IsCode says whether a text is one word of base64.
func IsCode(text string) bool {
	text = strings.TrimSpace(text)
	if len(text) < LeastCode || len(text)%4 != 0 {
		return false
	}
	text = strings.TrimRight(text, "=")
	for i := range len(text) {
		if !isBase64(text[i]) {
			return false
		}
	}
	return true
}

func isBase64(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// MayBePlain says whether a text, with what stands before it, may begin with a message of
// PLAIN (RFC 4616) in base64: that mostly begins with a NUL.
func MayBePlain(before, text string) bool {
	return len(text) >= 12 && 'A' <= text[1] && text[1] <= 'P' && IsCode(text[:12]) && (before == "" || !isBase64(before[len(before)-1]))
}

// IsPlain says whether base64 holds two texts that NUL stands before.
func IsPlain(code string) bool {
	p, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(code, "="))
	return err == nil && bytes.Count(p, []byte{0}) == 2 && p[0] == 0 && utf8.Valid(p) && !bytes.ContainsFunc(p[1:], func(r rune) bool { return r != 0 && r < ' ' })
}

// plainAt is where in a text such a message may begin, -1 if there is none.
func plainAt(text string) int {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], 'A')
		if i < 0 {
			return -1
		}
		if at += i; MayBePlain(text[:at], text[at:]) {
			return at
		}
	}
}
