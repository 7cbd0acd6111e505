package proxy

import "time"

// hurry notices a peer that sends many small records one right after the other. Each costs
// two system calls and somebody to be woken; a short pause before the next read has a dozen
// of them at hand, which cost that once. Whoever waits for an answer before he goes on, as
// people and logins do, is never in such a hurry.
type hurry struct {
	last time.Duration // when the last read was, or the pause after it
	many int           // small reads that came soon after the one before; halved by each other one
}

const (
	hurrySoon  = 25 * time.Microsecond // so soon after the read before
	hurrySmall = legRoom / 4           // so little was read
	hurryMany  = 32                    // so often
	hurryPause = 20 * time.Microsecond // at least; the system takes some 60 more
)

// read takes note of a read of n bytes, and says whether to pause before the next.
func (h *hurry) read(at time.Duration, n int) bool {
	if at-h.last < hurrySoon && n < hurrySmall {
		h.many = min(h.many+1, hurryMany)
	} else {
		h.many /= 2
	}
	h.last = at
	return h.many == hurryMany
}
