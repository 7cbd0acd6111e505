package inspect

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEntries: they are what was added, in its order, however far apart and whatever the
// flags; and a copy stays as it was while the original grows.
func TestEntries(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 5222))
	for name, next := range map[string]func(at int) int{
		"one after the other":      func(at int) int { return at + 1 },
		"a few apart":              func(at int) int { return at + random.IntN(60) },
		"far apart":                func(at int) int { return at + random.IntN(1000) },
		"in another order":         func(int) int { return random.IntN(1 << 40) },
		"now near, now far behind": func(at int) int { return max(0, at+random.IntN(2000)-1000) },
	} {
		var want, copied []Entry
		var got, early Entries
		at := 0
		for i := range 3*blockSize + blockSize/2 {
			at = next(at)
			e := Entry(at)<<flagBits | Entry(random.IntN(1<<flagBits))
			want = append(want, e)
			if got.Add(e); i == blockSize+7 {
				early, copied = got, slices.Clone(want)
			}
		}
		for what, c := range map[string]struct {
			list Entries
			want []Entry
		}{"all": {got, want}, "the copy": {early, copied}} {
			all := make([]Entry, 0, c.list.Len())
			for i, e := range c.list.From(0) {
				if i != len(all) {
					t.Fatalf("%s, %s: place %d comes after %d", name, what, i, len(all)-1)
				}
				all = append(all, e)
			}
			if !slices.Equal(all, c.want) {
				t.Errorf("%s: %s are not what was added", name, what)
			}
		}
		for range 100 {
			if i := random.IntN(len(want)); got.At(i) != want[i] {
				t.Errorf("%s: the entry at %d is %x, want %x", name, i, got.At(i), want[i])
			}
		}
		if i := got.Where(func(e Entry) bool { return e == want[2*blockSize] }); i < 0 || want[i] != want[2*blockSize] {
			t.Errorf("%s: it is found at %d", name, i)
		}
		if i := got.Where(func(Entry) bool { return false }); i != -1 {
			t.Errorf("%s: what is not there is found at %d", name, i)
		}
	}
}
