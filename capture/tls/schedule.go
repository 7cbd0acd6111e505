package tls

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/binary"
	"hash"
)

// expandLabel is HKDF-Expand-Label (RFC 8446 §7.1).
func expandLabel(h func() hash.Hash, secret []byte, label string, context []byte, size int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(append(info, byte(len(label))), label...)
	info = append(append(info, byte(len(context))), context...)
	out, err := hkdf.Expand(h, secret, string(info), size)
	if err != nil { // size is far below the limit of 255 hashes
		return make([]byte, size)
	}
	return out
}

// exporter13 is the TLS 1.3 exporter (RFC 8446 §7.5) with an empty context.
func exporter13(h func() hash.Hash, secret []byte, label string, size int) []byte {
	empty := h().Sum(nil)
	derived := expandLabel(h, secret, label, empty, len(empty))
	return expandLabel(h, derived, "exporter", empty, size)
}

// prf is the pseudorandom function of TLS 1.2 with the suite's hash (RFC 5246
// §5), or that of TLS 1.0 and 1.1 (RFC 2246 §5) if h is nil.
func prf(h func() hash.Hash, secret []byte, label string, seed []byte, size int) []byte {
	seed = append([]byte(label), seed...)
	if h != nil {
		return pHash(h, secret, seed, size)
	}
	half := (len(secret) + 1) / 2
	out := pHash(md5.New, secret[:half], seed, size)
	for i, b := range pHash(sha1.New, secret[len(secret)-half:], seed, size) {
		out[i] ^= b
	}
	return out
}

func pHash(h func() hash.Hash, secret, seed []byte, size int) []byte {
	mac := hmac.New(h, secret)
	sum := func(parts ...[]byte) []byte {
		mac.Reset()
		for _, p := range parts {
			mac.Write(p)
		}
		return mac.Sum(nil)
	}
	var out []byte
	for a := sum(seed); len(out) < size; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:size]
}
