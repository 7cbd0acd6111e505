package certs

import "container/list"

// cache keeps the most recently used minted chains.
type cache struct {
	most    int
	entries map[string]*list.Element // of *entry
	order   *list.List               // newest use first
}

type entry struct {
	key   string
	value minted
}

func newCache(most int) *cache {
	return &cache{most: most, entries: map[string]*list.Element{}, order: list.New()}
}

func (c *cache) get(key string) (minted, bool) {
	e, ok := c.entries[key]
	if !ok {
		return minted{}, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*entry).value, true
}

// put adds or replaces an entry, and lets the one go that was not used for longest.
func (c *cache) put(key string, value minted) {
	if e, ok := c.entries[key]; ok {
		e.Value.(*entry).value = value
		c.order.MoveToFront(e)
		return
	}
	c.entries[key] = c.order.PushFront(&entry{key, value})
	if c.order.Len() > c.most {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.entries, oldest.Value.(*entry).key)
	}
}
