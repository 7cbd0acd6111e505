package inspect

import "iter"

// Entries are many of them, in a form that takes three bytes each: a busy session has some
// ten thousand a second, and nothing is given up. What is copied stays as it is when the
// original grows: whoever searches in it has a copy.
type Entries struct {
	blocks []block // full ones
	last   []Entry // what comes behind them
}

// blockSize is how many entries a block holds.
const blockSize = 1 << 10

// block is blockSize entries.
type block struct {
	first int      // the index of the first
	after []uint16 // how far the index of each is behind that
	flags []uint8
	wide  []Entry // in place of all that: where they are in another order, or far apart
}

// newBlock is a block of some entries.
func newBlock(of []Entry) block {
	b := block{of[0].Index(), make([]uint16, blockSize), make([]uint8, blockSize), nil}
	for i, e := range of {
		after := e.Index() - b.first
		if after < 0 || after > 1<<16-1 {
			return block{wide: of}
		}
		b.after[i], b.flags[i] = uint16(after), uint8(e)
	}
	return b
}

func (b *block) at(i int) Entry {
	if b.wide != nil {
		return b.wide[i]
	}
	return Entry(b.first+int(b.after[i]))<<flagBits | Entry(b.flags[i])
}

// Add puts one at the end.
func (l *Entries) Add(e Entry) {
	if l.last = append(l.last, e); len(l.last) == blockSize {
		l.blocks, l.last = append(l.blocks, newBlock(l.last)), nil
	}
}

// Len is how many there are.
func (l *Entries) Len() int { return len(l.blocks)*blockSize + len(l.last) }

// At is the entry at a place.
func (l *Entries) At(i int) Entry {
	if n := i / blockSize; n < len(l.blocks) {
		return l.blocks[n].at(i % blockSize)
	}
	return l.last[i-len(l.blocks)*blockSize]
}

// From are the entries from a place on, with their places.
func (l *Entries) From(i int) iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		for i := max(i, 0); i < l.Len() && yield(i, l.At(i)); i++ {
		}
	}
}

// Where is the place of the first entry for which this is so, -1 if there is none.
func (l *Entries) Where(so func(Entry) bool) int {
	for i, e := range l.From(0) {
		if so(e) {
			return i
		}
	}
	return -1
}
