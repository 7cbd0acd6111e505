package session

// Printable is how many bytes at the start of s are printable ASCII other than a and
// b. It looks at eight bytes at a time, as one number: most text is nothing else.
func Printable[S string | []byte](s S, a, b byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		isA, isB := w^uint64(a)*ones, w^uint64(b)*ones // zero in the bytes that are
		// Subtracting borrows from bytes that are too low, adding carries into the high
		// bit of those that are too high. Bytes beyond the first that is found may be
		// taken for others: the loop below tells.
		if ((w-' '*ones)|w|(w+ones)|(isA-ones)&^isA|(isB-ones)&^isB)&highs != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= 0x7f || c == a || c == b {
			break
		}
	}
	return i
}
