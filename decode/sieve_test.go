package decode

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSieve: it finds what a plain search finds, wherever it stands.
func TestSieve(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abc"[r.IntN(3)]
		}
		return b
	}
	met := 0
	for range 2000 {
		secrets := make([]quotable, 1+r.IntN(4))
		for i := range secrets {
			secrets[i].forms = [][]byte{letters(leastQuote + r.IntN(4)), letters(leastQuote + r.IntN(9))}
		}
		text := letters(r.IntN(300))
		if q := &secrets[r.IntN(len(secrets))]; len(text) > 100 { // few are there by chance
			copy(text[r.IntN(80):], q.forms[1])
		}
		var got, want []string
		newSieve(secrets).find(text, func(q *quotable, start, end int) {
			got = append(got, fmt.Sprintf("%s at %d", text[start:end], start))
		})
		for i := range secrets {
			for _, form := range secrets[i].forms {
				for at := range text {
					if bytes.HasPrefix(text[at:], form) {
						want = append(want, fmt.Sprintf("%s at %d", form, at))
					}
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if met += len(want); !slices.Equal(got, want) {
			t.Fatalf("in %s: %q, want %q", text, got, want)
		}
	}
	if met < 1000 {
		t.Errorf("only %d places", met)
	}
}
