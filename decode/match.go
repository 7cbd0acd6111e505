package decode

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Match is a cheap test whether a rule should see an event. The zero value sees all.
//
// Most rules are about few events. So that an event need not ask each of them, a Match
// has keys, which events have too: one that shares none is never asked. Keys may be
// shared by what has nothing in common, then the test decides.
type Match struct {
	keys  uint64
	holds uint64           // one of these namespaces has to be declared, wherever; 0 for none
	test  func(*Seen) bool // nil if the keys say all
}

// The lowest keys are the kinds of events; the others stand for namespaces.
const (
	keyNone     = 1 << iota // an event without an element
	keyMessage              // a stanza
	keyPresence             //
	keyIQ                   //
	keyElement              // another element
	spaceKeys   = 5         // how many are taken
)

// stanzaKind is the kind of a stanza and its key; "" if stanzas are not called so.
func stanzaKind(local string) (kind string, key uint64) {
	switch local {
	case "message":
		return "message", keyMessage
	case "presence":
		return "presence", keyPresence
	case "iq":
		return "iq", keyIQ
	}
	return "", 0
}

// When matches what passes a test.
func When(test func(*Seen) bool) Match { return Match{test: test} }

// AnyElement matches events with an element.
func AnyElement() Match {
	return Match{keys: keyMessage | keyPresence | keyIQ | keyElement}
}

// NoElement matches events that have none, or one that could not be parsed.
func NoElement() Match { return Match{keys: keyNone} }

// NoStanza matches all events but stanzas: what is about the stream.
func NoStanza() Match { return Match{keys: keyNone | keyElement} }

// Stanza matches stanzas: those with one of these names, or all if none is given.
func Stanza(names ...string) Match {
	if len(names) == 0 {
		return Match{keys: keyMessage | keyPresence | keyIQ}
	}
	var m Match
	for _, name := range names {
		_, key := stanzaKind(name)
		m.keys |= key
	}
	return m
}

// Top matches elements with this name; an empty local name matches all of the
// namespace.
func Top(space, local string) Match {
	return Match{keys: spaceKey(space), test: func(s *Seen) bool {
		return s.Root != nil && s.Root.Name.Space == space && (local == "" || s.Root.Name.Local == local)
	}}
}

// Payload matches stanzas that have a direct child in one of the namespaces.
func Payload(spaces ...string) Match {
	var keys uint64
	for _, space := range spaces {
		keys |= spaceKey(space)
	}
	return Match{keys: keys, test: func(s *Seen) bool {
		if !s.IsStanza() {
			return false
		}
		for i := range s.Root.Nodes {
			if c := s.Root.Nodes[i].Element; c != nil && slices.Contains(spaces, c.Name.Space) {
				return true
			}
		}
		return false
	}}
}

// Holding matches what m matches if one of the namespaces is declared in the event or
// around it. That says that an element may be in it, at any depth; a test has to find it.
func (m Match) Holding(spaces ...string) Match {
	for _, space := range spaces {
		m.holds |= spaceKey(space)
	}
	return m
}

// And matches what m matches and passes a test.
func (m Match) And(test func(*Seen) bool) Match {
	if before := m.test; before != nil {
		m.test = func(s *Seen) bool { return before(s) && test(s) }
	} else {
		m.test = test
	}
	return m
}

// Or matches what either matches.
func (m Match) Or(other Match) Match {
	var either Match
	if m.keys != 0 && other.keys != 0 {
		either.keys = m.keys | other.keys
	}
	if m.test != nil || other.test != nil || m.holds|other.holds != 0 {
		either.test = func(s *Seen) bool { return m.Fits(s) || other.Fits(s) }
	}
	return either
}

// Fits says whether it matches.
func (m *Match) Fits(s *Seen) bool {
	return (m.keys == 0 || m.keys&s.keys != 0) && (m.holds == 0 || m.holds&s.holds != 0) && (m.test == nil || m.test(s))
}

// spaceKey is the key of a namespace.
func spaceKey(space string) uint64 {
	var end [8]byte // in which namespaces differ
	copy(end[:], space[max(0, len(space)-len(end)):])
	const mix = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: it spreads what differs
	h := (binary.LittleEndian.Uint64(end[:]) ^ uint64(len(space))) * mix >> 32
	return 1 << (spaceKeys + h*(64-spaceKeys)>>32)
}

// classify finds out once what many rules ask about: whether the event is a stanza,
// and its keys.
func (s *Seen) classify() {
	if s.Root == nil {
		s.keys = keyNone
		return
	}
	s.keys = keyElement | spaceKey(s.Root.Name.Space)
	kind, key := stanzaKind(s.Root.Name.Local)
	if key == 0 || !IsContentNS(s.Root.Name.Space) {
		return
	}
	s.stanza = kind
	s.keys ^= keyElement | key
	for c := range s.Root.Elements() {
		s.keys |= spaceKey(c.Name.Space)
	}
}

// IsStanza says whether the event is a message, presence or iq.
func (s *Seen) IsStanza() bool { return s.stanza != "" }

// Stanza is "message", "presence" or "iq", "" if the event is none of them.
func (s *Seen) Stanza() string { return s.stanza }

// index finds the rules that may have something to say about an event.
type index struct {
	always []uint64     // a bit for each rule: those that see all
	by     [64][]uint64 // by key
}

func newIndex(rules []Rule) *index {
	words := (len(rules) + 63) / 64
	x := &index{always: make([]uint64, words)}
	for i := range x.by {
		x.by[i] = make([]uint64, words)
	}
	for n, r := range rules {
		bit := uint64(1) << (n % 64)
		if r.Match.keys == 0 {
			x.always[n/64] |= bit
		}
		for i := range x.by {
			if r.Match.keys>>i&1 == 1 {
				x.by[i][n/64] |= bit
			}
		}
	}
	return x
}

// find puts the rules for an event with these keys into found.
func (x *index) find(keys uint64, found []uint64) []uint64 {
	found = append(found[:0], x.always...)
	for ; keys != 0; keys &= keys - 1 {
		for w, set := range x.by[bits.TrailingZeros64(keys)] {
			found[w] |= set
		}
	}
	return found
}
