package tlsintercept

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"
)

// maxPaths bounds the chains that are known to be good.
const maxPaths = 64

// goodPaths are chains that lead to a root, by the digest of what was sent, and between
// which times that holds: to work it out takes a tenth of a login. It holds for one set of
// roots, and may be used by any number of goroutines.
type goodPaths struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]validity
}

type validity struct{ from, until time.Time }

// digest is that of a chain, leaf first.
func digest(chain []*x509.Certificate) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, cert := range chain {
		h.Write(cert.Raw)
	}
	h.Sum(sum[:0])
	return sum
}

// has says whether the chain is known to lead to a root at a time.
func (g *goodPaths) has(chain []*x509.Certificate, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok := g.known[digest(chain)]
	return ok && !now.Before(v.from) && !now.After(v.until)
}

// add takes a chain that was verified along a path to a root.
func (g *goodPaths) add(chain, path []*x509.Certificate) {
	v := validity{path[0].NotBefore, path[0].NotAfter}
	for _, cert := range path[1:] {
		if cert.NotBefore.After(v.from) {
			v.from = cert.NotBefore
		}
		if cert.NotAfter.Before(v.until) {
			v.until = cert.NotAfter
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil || len(g.known) >= maxPaths {
		g.known = map[[sha256.Size]byte]validity{}
	}
	g.known[digest(chain)] = v
}
