package inspect

import "xmppscope/session"

const (
	cacheEvents = 4096     // how many events a Cache holds at most
	cacheBytes  = 16 << 20 // and how many bytes of them
)

// Cache reads events of the Log by their index and keeps the newest reads, up to
// a bound. It copies what it keeps, so that it does not hold on to the Log's
// window. It belongs to one goroutine.
type Cache struct {
	log    *session.Log
	events map[int]*session.Event
	order  []int // as they came in
	bytes  int
}

// NewCache is an empty one for a Log.
func NewCache(log *session.Log) *Cache {
	return &Cache{log: log, events: map[int]*session.Event{}}
}

// At returns the event with this index of the Log. One that was lost comes as a
// LogLost event; past the end it is nil.
func (c *Cache) At(index int) *session.Event {
	if e, ok := c.events[index]; ok {
		return e
	}
	// Start a little before, on a fixed grid: who looks at one event is likely to
	// look at its neighbours, on both sides, and old ones are read back in batches.
	from := index &^ 127
	for from <= index {
		events, next := c.log.Read(from)
		if len(events) == 0 {
			return nil
		}
		if len(events) != next-from { // one event that stands for many lost ones
			if index < next {
				return &events[0]
			}
			from = next
			continue
		}
		for i := range events {
			c.keep(from+i, events[i])
		}
		from = next
	}
	c.trim(index)
	return c.events[index]
}

func (c *Cache) keep(index int, e session.Event) {
	if _, ok := c.events[index]; ok {
		return
	}
	c.events[index] = &e
	c.order = append(c.order, index)
	c.bytes += len(e.Raw)
}

// trim drops the oldest reads but for the one that is wanted now.
func (c *Cache) trim(wanted int) {
	n := 0
	for ; n < len(c.order)-1 && (len(c.order)-n > cacheEvents || c.bytes > cacheBytes); n++ {
		index := c.order[n]
		if index == wanted {
			c.order = append(c.order, index)
			continue
		}
		c.bytes -= len(c.events[index].Raw)
		delete(c.events, index)
	}
	c.order = append(c.order[:0:0], c.order[n:]...)
}
