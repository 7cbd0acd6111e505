package session

import (
	"hash/maphash"
	"strings"
)

// Bounds of a stringTable. What is said of XMPP has a few thousand strings; what a
// peer repeats must not take much more.
const (
	tableSlots = 1 << 14
	tableRoom  = 1 << 20 // bytes of all its strings
	tableWord  = 256     // bytes of the longest
)

// stringTable numbers the strings that events repeat: ids of rules, sections, names,
// namespaces, sentences. A file has the number, memory has the string, once. A string
// gets its number when it comes again, so what comes once, such as an address in a
// sentence, takes no room.
type stringTable struct {
	list  []string // by number; what stands in it stays
	size  int      // bytes of list
	seed  maphash.Seed
	slots [tableSlots]tableSlot // by hash, or one of the three places behind it
}

// tableSlot is a string that has come before: its hash, and its number plus one once it
// has come again.
type tableSlot struct {
	hash   uint64
	number int
}

func newStringTable() *stringTable { return &stringTable{seed: maphash.MakeSeed()} }

// number returns the number of a string, if it has one.
func (t *stringTable) number(s string) (int, bool) {
	if len(s) > tableWord {
		return 0, false
	}
	hash := maphash.String(t.seed, s)
	var free *tableSlot
	for i := range uint64(4) {
		slot := &t.slots[(hash+i)%tableSlots]
		if slot.hash == hash {
			return t.again(slot, s)
		}
		if free == nil && slot.number == 0 {
			free = slot
		}
	}
	if free != nil {
		free.hash = hash
	}
	return 0, false
}

// again is for a string that has come before, unless it is another with its hash.
func (t *stringTable) again(slot *tableSlot, s string) (int, bool) {
	if n := slot.number - 1; n >= 0 {
		return n, t.list[n] == s
	}
	if t.size+len(s) > tableRoom {
		return 0, false
	}
	t.list = append(t.list, strings.Clone(s)) // it may be a part of something large
	t.size += len(s)
	slot.number = len(t.list)
	return slot.number - 1, true
}
