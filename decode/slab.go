package decode

// slab hands out pieces of a larger array, so that the many small slices of a
// tree cost one allocation for many. What was handed out is never used again: a
// rule may keep a piece, and with it keeps its array, for as long as it likes. What
// holds pointers must not share an array with another tree: else a piece that is
// kept would keep the next tree, that one the one after it, and so on for ever.
type slab[T any] struct {
	free []T
	last int // length of the newest array
}

// maxSlab bounds the elements of an array, and so what one kept piece can hold.
const maxSlab = 64

// begin forgets the newest array and makes one of about n elements.
func (s *slab[T]) begin(n int) {
	s.last = min(max(n, 1), maxSlab)
	s.free = make([]T, s.last)
}

// take returns n zero elements, without room behind them.
func (s *slab[T]) take(n int) []T {
	if n == 0 {
		return nil
	}
	if n > len(s.free) {
		if n > maxSlab/4 {
			return make([]T, n)
		}
		s.last = min(max(2*s.last, 2*n), maxSlab)
		s.free = make([]T, s.last)
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

// keep returns a copy of what was gathered.
func (s *slab[T]) keep(gathered []T) []T {
	out := s.take(len(gathered))
	copy(out, gathered)
	return out
}

// room is an empty slice to append to, with some room of the newest array; settle
// keeps what was appended to it. Nothing else may be taken in between.
func (s *slab[T]) room() []T {
	if len(s.free) < maxSlab/8 {
		s.last = min(max(2*s.last, maxSlab/8), maxSlab)
		s.free = make([]T, s.last)
	}
	return s.free[:0]
}

func (s *slab[T]) settle(out []T) []T {
	if len(out) == 0 {
		return nil
	}
	if len(out) <= len(s.free) { // else append has found room elsewhere
		s.free = s.free[len(out):]
	}
	return out[:len(out):len(out)]
}
