package decode

import (
	"encoding/binary"
	"math/bits"

	"xmppscope/session"
)

// Attributes are short. Looking at eight of their bytes at a time, as one number,
// beats a loop over bytes as well as bytes.IndexByte, which is for long ones.
//
// Subtracting one from each byte of a number borrows from the bytes that were
// zero, and only from those if one takes the lowest that has: so x^(c*ones) finds
// the first byte c.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// zeros has the high bit of the lowest zero byte, and none if there is no such byte.
// Bits above the lowest mean nothing.
func zeros(w uint64) uint64 { return (w - ones) &^ w & highs }

// valueEnd is where in p the first quote or "<" stands, or its length.
func valueEnd(p []byte, quote byte) int {
	quotes := uint64(quote) * ones
	i := 0
	for ; i+8 <= len(p); i += 8 {
		w := binary.LittleEndian.Uint64(p[i:])
		if found := zeros(w^quotes) | zeros(w^('<'*ones)); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(p) && p[i] != quote && p[i] != '<' {
		i++
	}
	return i
}

// ordinary is how many bytes at the start of s are nothing but themselves,
// wherever they stand: printable ASCII without "&" and "<".
func ordinary(s string) int { return session.Printable([]byte(s), '&', '<') }
