package decode

import "slices"

// Scope is the namespace declarations in force around an element.
type Scope []binding

type binding struct{ prefix, space string }

// ScopeOf returns the declarations that a stream header makes for the elements
// of its stream. It takes the header's raw bytes, and never fails.
func ScopeOf(header []byte) Scope {
	p := parser{raw: string(header), scope: inForce{all: slices.Clone(baseScope)}, Trees: new(Trees)}
	p.toHeader()
	p.startTag()
	return p.scope.all
}

var baseScope = Scope{{"xml", nsXML}, {"xmlns", nsXMLNS}}

// inForce is the declarations in force while a tree is made, the newest last.
type inForce struct {
	all    Scope
	looked int            // at how many of them
	newest map[string]int // where in all a prefix was declared last; nil until it is worth it
	hidden []int          // for each in all, what newest said before it
}

const (
	maxScope  = 1000    // declarations beyond that are not looked at
	maxLooked = 100_000 // from then on, they are found by their prefix
)

func (s *inForce) declare(b binding) {
	if s.newest != nil {
		s.index(len(s.all), b.prefix)
	}
	s.all = append(s.all, b)
}

func (s *inForce) index(at int, prefix string) {
	before, ok := s.newest[prefix]
	if !ok {
		before = -1
	}
	s.hidden = append(s.hidden, before)
	s.newest[prefix] = at
}

// backTo ends the newest declarations: n remain.
func (s *inForce) backTo(n int) {
	if s.newest != nil {
		for at := len(s.all) - 1; at >= n; at-- {
			s.newest[s.all[at].prefix] = s.hidden[at]
		}
		s.hidden = s.hidden[:n]
	}
	s.all = s.all[:n]
}

func (s *inForce) find(prefix string) (space string, ok bool) {
	if s.newest != nil {
		if at, ok := s.newest[prefix]; ok && at >= 0 {
			return s.all[at].space, true
		}
		return "", false
	}
	for at, b := range slices.Backward(s.all) {
		if b.prefix == prefix {
			s.look(len(s.all) - at)
			return b.space, true
		}
	}
	s.look(len(s.all))
	return "", false
}

// look counts what was looked at, and makes the index if that is much.
func (s *inForce) look(n int) {
	if s.looked += n; s.looked > maxLooked {
		s.newest = make(map[string]int, len(s.all))
		for at, b := range s.all {
			s.index(at, b.prefix)
		}
	}
}
