package decode

import "slices"

// slab hands out pieces of one array, so that the many small slices of a tree cost
// no allocation, once the array is large enough. All pieces are taken back at once.
type slab[T any] struct {
	used []T // what was handed out; the room behind it is zero
}

// Bounds of a slab's array, in elements: what a new one has, and the largest that is
// kept for later.
const (
	minSlab = 4
	maxSlab = 1 << 14
)

// grow makes room for n more. Pieces of a full array stay as they are.
func (s *slab[T]) grow(n int) {
	if cap(s.used)-len(s.used) < n {
		s.used = make([]T, 0, max(2*cap(s.used), n, minSlab))
	}
}

// take returns n zero elements, without room behind them.
func (s *slab[T]) take(n int) []T {
	s.grow(n)
	from := len(s.used)
	s.used = s.used[:from+n]
	return s.used[from : from+n : from+n]
}

// keep returns a copy of what was gathered.
func (s *slab[T]) keep(gathered []T) []T {
	if len(gathered) == 0 {
		return nil
	}
	out := s.take(len(gathered))
	copy(out, gathered)
	return out
}

// since returns what was appended to used from there on, without room behind it.
func (s *slab[T]) since(from int) []T {
	if from == len(s.used) {
		return nil
	}
	return slices.Clip(s.used[from:])
}

// reset takes all pieces back: they are zero from now on.
func (s *slab[T]) reset() {
	if cap(s.used) > maxSlab {
		s.used = nil
	}
	clear(s.used)
	s.used = s.used[:0]
}
