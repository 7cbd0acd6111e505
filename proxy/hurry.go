package proxy

import "time"

// hurry notices a peer that sends many small records one right after the other. Each costs
// two system calls and somebody to be woken; a short pause before the next read has some dozens
// of them at hand, which cost that once, and the peer itself sends them faster. Whoever waits
// for an answer before he goes on, as people and logins do, is never in such a hurry.
type hurry struct {
	last time.Duration // when the last read was
	many int           // reads of small records that came soon; halved by each other one
}

const (
	hurrySoon  = 25 * time.Microsecond  // so little time a record, since the read before
	hurrySmall = 2 << 10                // so few bytes a record
	hurryMany  = 32                     // so often
	hurryPause = 120 * time.Microsecond // at least; the system takes some 60 more
)

// read takes note of a read of n bytes in so many records, and says whether to pause before
// the next.
func (h *hurry) read(at time.Duration, n, records int) bool {
	if at-h.last < time.Duration(records)*hurrySoon && n < records*hurrySmall {
		h.many = min(h.many+1, hurryMany)
	} else {
		h.many /= 2
	}
	h.last = at
	return h.many == hurryMany
}
