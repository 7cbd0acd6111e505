package decode

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// sieve finds secrets in bytes, however many there are, in one go: each third place is
// looked at, with the four bytes there, and few have those that some secret has.
type sieve struct {
	secrets []quotable
	bits    []uint64 // what hashes of such four bytes there are
	shift   int      // of a hash
	places  []placed // in the order of the four bytes
}

// placed is where four bytes stand in a form of a secret.
type placed struct {
	four             uint32
	secret, form, at uint8
}

const (
	sieveStep = leastQuote - 4 + 1 // so that a form is met once, wherever it stands
	sieveRoom = 16                 // bits for each place at least, so that few other four bytes hit one
)

func newSieve(secrets []quotable) *sieve {
	forms := 0
	for i := range secrets {
		forms += len(secrets[i].forms)
	}
	n := forms * sieveStep
	size := bits.Len(uint(max(n*sieveRoom, 64) - 1)) // as a power of two
	s := &sieve{secrets: secrets, bits: make([]uint64, 1<<size/64), shift: 32 - size, places: make([]placed, 0, n)}
	for i := range secrets {
		for j, form := range secrets[i].forms {
			for at := range sieveStep {
				four := binary.LittleEndian.Uint32(form[at:])
				s.places = append(s.places, placed{four, uint8(i), uint8(j), uint8(at)})
				h := s.hash(four)
				s.bits[h>>6] |= 1 << (h & 63)
			}
		}
	}
	slices.SortFunc(s.places, func(a, b placed) int { return cmp.Compare(a.four, b.four) })
	return s
}

// hash is a number below that of the bits, for four bytes.
func (s *sieve) hash(four uint32) uint32 { return four * 0x9e3779b1 >> s.shift }

// find calls found for each place where a form of a secret stands.
func (s *sieve) find(raw []byte, found func(q *quotable, start, end int)) {
	for i := 0; i+4 <= len(raw); i += sieveStep {
		four := binary.LittleEndian.Uint32(raw[i:])
		if h := s.hash(four); s.bits[h>>6]>>(h&63)&1 == 0 {
			continue
		}
		n, _ := slices.BinarySearchFunc(s.places, four, func(p placed, four uint32) int { return cmp.Compare(p.four, four) })
		for ; n < len(s.places) && s.places[n].four == four; n++ {
			p := s.places[n]
			q := &s.secrets[p.secret]
			if start := i - int(p.at); start >= 0 && bytes.HasPrefix(raw[start:], q.forms[p.form]) {
				found(q, start, start+len(q.forms[p.form]))
			}
		}
	}
}
