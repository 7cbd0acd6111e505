package certs

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// acePrefix marks a label that is encoded with Punycode (RFC 3490 §5).
const acePrefix = "xn--"

// The parameters of Punycode (RFC 3492 §5).
const (
	punyBase    = 36
	punyTMin    = 1
	punyTMax    = 26
	punySkew    = 38
	punyDamp    = 700
	punyBias    = 72
	punyInitial = 0x80
	punyDigits  = "abcdefghijklmnopqrstuvwxyz0123456789"
)

// encodePunycode is RFC 3492 §6.3. Labels are short (the caller sees to that), so
// nothing here overflows.
func encodePunycode(label string) string {
	runes := []rune(label)
	var out []byte
	for _, r := range runes {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(punyInitial), 0, punyBias
	for done := basic; done < len(runes); {
		next := rune(utf8.MaxRune)
		for _, r := range runes {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range runes {
			if r < n {
				delta++
			}
			if r == n {
				out = appendVarint(out, delta, bias)
				bias = adapt(delta, done+1, done == basic)
				delta = 0
				done++
			}
		}
		delta++
		n++
	}
	return string(out)
}

// appendVarint writes a generalized variable-length integer (RFC 3492 §3.3).
func appendVarint(out []byte, q, bias int) []byte {
	for k := punyBase; ; k += punyBase {
		t := threshold(k, bias)
		if q < t {
			return append(out, punyDigits[q])
		}
		out = append(out, punyDigits[t+(q-t)%(punyBase-t)])
		q = (q - t) / (punyBase - t)
	}
}

// decodePunycode is RFC 3492 §6.2; it fails on anything that is no encoding.
func decodePunycode(s string) (string, bool) {
	var out []rune
	if at := strings.LastIndexByte(s, '-'); at > 0 {
		out, s = []rune(s[:at]), s[at+1:]
	}
	n, i, bias := punyInitial, 0, punyBias
	for s != "" {
		old, w := i, 1
		for k := punyBase; ; k += punyBase {
			if s == "" {
				return "", false
			}
			digit := strings.IndexByte(punyDigits, s[0])
			s = s[1:]
			if digit < 0 || w > 1<<24 || digit*w > 1<<30 {
				return "", false
			}
			i += digit * w
			t := threshold(k, bias)
			if digit < t {
				break
			}
			w *= punyBase - t
		}
		bias = adapt(i-old, len(out)+1, old == 0)
		n += i / (len(out) + 1)
		i %= len(out) + 1
		if n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return "", false
		}
		out = slices.Insert(out, i, rune(n))
		i++
	}
	return string(out), true
}

func threshold(k, bias int) int { return min(max(k-bias, punyTMin), punyTMax) }

// adapt is RFC 3492 §6.1.
func adapt(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for delta > (punyBase-punyTMin)*punyTMax/2 {
		delta /= punyBase - punyTMin
		k += punyBase
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}
