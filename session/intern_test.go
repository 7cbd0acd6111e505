package session

import (
	"fmt"
	"strings"
	"testing"
)

// TestStringTable: a string has a number from the second time on, always the same.
func TestStringTable(t *testing.T) {
	table := newStringTable()
	if _, ok := table.number("xep-0199"); ok {
		t.Error("a string has a number when it comes first")
	}
	first, ok := table.number("xep-0199")
	if !ok || table.list[first] != "xep-0199" {
		t.Errorf("it has no number when it comes again: %v", table.list)
	}
	table.number("xep-0198")
	if again, ok := table.number("xep-0199"); !ok || again != first || len(table.list) != 1 {
		t.Errorf("it was %d and is %d, of %v", first, again, table.list)
	}
}

// TestStringTableIsBounded: strings of a peer take no more than a stated room, and what
// had a number before keeps it.
func TestStringTableIsBounded(t *testing.T) {
	table := newStringTable()
	word := func(i int) string { return fmt.Sprintf("%d%s", i, strings.Repeat("x", i%tableWord)) }
	for i := range 100_000 {
		table.number(word(i))
		table.number(word(i))
	}
	size := 0
	for _, s := range table.list {
		if size += len(s); len(s) > tableWord {
			t.Errorf("a string of %d bytes", len(s))
		}
	}
	if size != table.size || size > tableRoom || size < tableRoom/2 || len(table.list) > tableSlots {
		t.Errorf("%d strings of %d bytes", len(table.list), size)
	}
	for i, s := range table.list {
		if n, ok := table.number(s); !ok || n != i {
			t.Fatalf("%q was %d and is %d, %v", s, i, n, ok)
		}
	}
}
