package tls

import "crypto/sha256"

// mostSessions bounds what is remembered for connections that resume others.
const mostSessions = 1 << 14

// resumable is what a connection leaves for one that resumes it.
type resumable struct {
	master   []byte // up to TLS 1.2
	endPoint []byte // of the server's certificate, which is not sent again
}

// sessions remembers connections by what a client shows to resume them: a session
// id or a ticket. The oldest are forgotten.
type sessions struct {
	byName map[[sha256.Size]byte]resumable
	order  [][sha256.Size]byte
	next   int
}

func (s *sessions) put(shown []byte, r resumable) {
	if len(shown) == 0 {
		return
	}
	if s.byName == nil {
		s.byName = map[[sha256.Size]byte]resumable{}
	}
	name := sha256.Sum256(shown)
	if _, known := s.byName[name]; !known {
		if len(s.order) < mostSessions {
			s.order = append(s.order, name)
		} else {
			delete(s.byName, s.order[s.next])
			s.order[s.next] = name
			s.next = (s.next + 1) % mostSessions
		}
	}
	s.byName[name] = r
}

func (s *sessions) get(shown []byte) (resumable, bool) {
	if len(shown) == 0 {
		return resumable{}, false
	}
	r, ok := s.byName[sha256.Sum256(shown)]
	return r, ok
}
