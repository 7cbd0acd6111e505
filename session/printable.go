package session

import "encoding/binary"

// Printable is how many bytes at the start of p are printable ASCII other than a and
// b. It looks at eight bytes at a time, as one number: most text is nothing else. (For
// a string, []byte(s) makes no copy here: the compiler sees that nobody writes to it.)
func Printable(p []byte, a, b byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(p); i += 8 {
		w := binary.LittleEndian.Uint64(p[i:])
		isA, isB := w^uint64(a)*ones, w^uint64(b)*ones // zero in the bytes that are
		// Subtracting borrows from bytes that are too low, adding carries into the high
		// bit of those that are too high. Bytes beyond the first that is found may be
		// taken for others: the loop below tells.
		if ((w-' '*ones)|w|(w+ones)|(isA-ones)&^isA|(isB-ones)&^isB)&highs != 0 {
			break
		}
	}
	for ; i < len(p); i++ {
		if c := p[i]; c < ' ' || c >= 0x7f || c == a || c == b {
			break
		}
	}
	return i
}
