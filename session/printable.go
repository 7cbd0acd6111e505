package session

import "encoding/binary"

// Printable is how many bytes at the start of p are printable ASCII other than a and
// b. It looks at eight bytes at a time, as one number: most text is nothing else. (For
// a string, []byte(s) makes no copy here: the compiler sees that nobody writes to it.)
func Printable(p []byte, a, b byte) int {
	i, as, bs := 0, uint64(a)*ones, uint64(b)*ones
	for ; i+8 <= len(p); i += 8 {
		if unusual(binary.LittleEndian.Uint64(p[i:]), as, bs) {
			break
		}
	}
	if last := len(p) - 8; last >= 0 && i > last && !unusual(binary.LittleEndian.Uint64(p[last:]), as, bs) {
		return len(p)
	}
	for ; i < len(p); i++ {
		if c := p[i]; c < ' ' || c >= 0x7f || c == a || c == b {
			break
		}
	}
	return i
}

const ones, highs = 0x0101010101010101, 0x8080808080808080

// unusual says whether one of eight bytes is not printable ASCII, or is the byte that
// as or bs consists of. Subtracting borrows from bytes that are too low, and from those
// that are zero; adding carries into the high bit of those that are too high. Which of
// the bytes it is cannot be told: bytes above the first may be taken for others.
func unusual(w, as, bs uint64) bool {
	isA, isB := w^as, w^bs // zero in the bytes that are
	return ((w-' '*ones)|w|(w+ones)|(isA-ones)&^isA|(isB-ones)&^isB)&highs != 0
}
