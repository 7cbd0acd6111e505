package decode

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// maxWaiting bounds how many requests without an answer are remembered.
const maxWaiting = 10_000

// pairs matches iq answers with requests (RFC 6120 §8.2.3): same id, opposite
// direction, and a peer that fits. Pairing by id alone would let a stanza of one
// peer pass for the answer of another.
type pairs struct {
	waiting map[pairKey]asked
	count   int
}

// pairKey is what requests have in common with answers that may be theirs, and those
// whose id was spelt otherwise.
type pairKey struct {
	dir session.Dir // of the request
	id  string      // in lower case, without white space around it
}

func keyOf(dir session.Dir, id string) pairKey {
	return pairKey{dir, strings.ToLower(strings.TrimSpace(id))}
}

// asked are the requests of a key, oldest first; more than one there are hardly ever.
type asked struct {
	first *Request
	more  []*Request
}

func (a *asked) len() int { return 1 + len(a.more) }

func (a *asked) at(i int) *Request {
	if i == 0 {
		return a.first
	}
	return a.more[i-1]
}

// ask remembers a get or set.
func (p *pairs) ask(r *Request) {
	if p.waiting == nil {
		p.waiting = map[pairKey]asked{}
	}
	if p.count >= maxWaiting {
		for k, old := range p.waiting { // any will do: it is old, or one of very many
			p.count -= old.len()
			delete(p.waiting, k)
			break
		}
	}
	p.count++
	k := keyOf(r.Dir, r.ID)
	a, ok := p.waiting[k]
	if !ok {
		p.waiting[k] = asked{first: r}
		return
	}
	a.more = append(a.more, r)
	p.waiting[k] = a
}

// answer takes out the request that an iq result or error answers; where there is none,
// near is the newest whose id differs in nothing but its spelling.
func (p *pairs) answer(dir session.Dir, id, from string) (r, near *Request) {
	k := keyOf(dir.Opposite(), id)
	a, ok := p.waiting[k]
	if !ok {
		return nil, nil
	}
	for i := range a.len() {
		if r = a.at(i); r.ID != id {
			near = r
			continue
		}
		// A request without "to" goes to the own account, whose server may answer
		// without "from", or with the account's or the domain's address.
		if r.To == from || r.To == "" || from == "" {
			p.take(k, a, i)
			return r, nil
		}
	}
	return nil, near
}

// take takes out a request.
func (p *pairs) take(k pairKey, a asked, i int) {
	p.count--
	switch {
	case len(a.more) == 0:
		delete(p.waiting, k)
		return
	case i == 0:
		a.first, a.more = a.more[0], a.more[1:]
	default:
		a.more = slices.Delete(a.more, i-1, i)
	}
	p.waiting[k] = a
}

// AnswerPatience is how long an answer may take before it counts as missing: the end of a
// connection overtakes what was asked shortly before it.
const AnswerPatience = 10 * time.Second

// Waiting are the requests of a direction that have had no answer, oldest first.
func (s *State) Waiting(dir session.Dir) (out []*Request) {
	for k, a := range s.pairs.waiting {
		if k.dir == dir {
			out = append(append(out, a.first), a.more...)
		}
	}
	slices.SortFunc(out, func(a, b *Request) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}
