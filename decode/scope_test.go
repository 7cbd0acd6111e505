package decode

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestScopeIndex: declarations are the same ones whether they are looked through or
// found by their prefix.
func TestScopeIndex(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var plain, indexed inForce
	indexed.look(maxLooked + 1)
	for i := range 20_000 {
		switch prefix := strconv.Itoa(rnd.IntN(20)); rnd.IntN(4) {
		case 0:
			n := rnd.IntN(len(plain.all) + 1)
			plain.backTo(n)
			indexed.backTo(n)
		case 1, 2:
			b := binding{prefix, strconv.Itoa(i)}
			plain.declare(b)
			indexed.declare(b)
		default:
			plain.looked = 0
			want, wantOK := plain.find(prefix)
			if got, ok := indexed.find(prefix); got != want || ok != wantOK {
				t.Fatalf("step %d: prefix %s is %q, %v; want %q, %v", i, prefix, got, ok, want, wantOK)
			}
		}
	}
	if plain.newest != nil || indexed.newest == nil {
		t.Error("that compared one way with itself")
	}
}
