package decode

import "xmppscope/session"

// maxWaiting bounds how many requests without an answer are remembered.
const maxWaiting = 10_000

// pairs matches iq answers with requests (RFC 6120 §8.2.3): same id, opposite
// direction, and a peer that fits. Pairing by id alone would let a stanza of one
// peer pass for the answer of another.
type pairs struct {
	waiting map[pairKey][]*Request
	count   int
}

type pairKey struct {
	dir session.Dir
	id  string
}

// asked remembers a get or set.
func (p *pairs) asked(id string, r *Request) {
	if p.waiting == nil {
		p.waiting = map[pairKey][]*Request{}
	}
	if p.count >= maxWaiting {
		for k, old := range p.waiting { // any will do: it is old, or one of very many
			p.count -= len(old)
			delete(p.waiting, k)
			break
		}
	}
	k := pairKey{r.Dir, id}
	p.waiting[k] = append(p.waiting[k], r)
	p.count++
}

// answered takes out the request that an iq result or error answers, or nil.
func (p *pairs) answered(dir session.Dir, id, from string) *Request {
	k := pairKey{dir.Opposite(), id}
	list := p.waiting[k]
	for i, r := range list {
		// A request without "to" goes to the own account, whose server may answer
		// without "from", or with the account's or the domain's address.
		if r.To == from || r.To == "" || from == "" {
			p.waiting[k] = append(list[:i:i], list[i+1:]...)
			if len(p.waiting[k]) == 0 {
				delete(p.waiting, k)
			}
			p.count--
			return r
		}
	}
	return nil
}
