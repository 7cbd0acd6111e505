package proxy

import (
	"math/rand/v2"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/session"
)

// TestArmedAndDisarmedAtRandom: however gates come and go, elements are held and things are
// put in, while both sides pipeline, each side gets what the other has said, in order, and
// what was put in stands between two elements.
func TestArmedAndDisarmedAtRandom(t *testing.T) {
	texts := [...]string{"", "<a x='>'>1</a> \n<b><c xmlns='x'/>]]&gt;</b><!-- <b/> --><b/><d>text &amp; more<e/></d><f/>", "<m/><n>12</n>\n<o><p/><p q='\"/>'/></o><r/><presence/><s/>"}
	for seed := range uint64(1000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		hold := func() Decision {
			switch rnd.IntN(6) {
			case 0:
				return Decision{Hold: "h"}
			case 1:
				return Decision{Delay: 1}
			}
			return Decision{}
		}
		g := &gateFunc{done: true, consider: func(*decode.Piece) Decision { return hold() }}
		r := loggedIn(t, []Gate{g}, "")
		var begun [3]int
		for _, dir := range both {
			begun[dir] = r.out[dir].Len()
		}
		left, injected := texts, 0
		var marked [3]bool
		for steps := 0; left[1]+left[2] != "" || r.gated[1].waiting+r.gated[2].waiting > 0; steps++ {
			if steps > 10_000 {
				t.Fatalf("seed %d: it comes to no end", seed)
			}
			dir := both[rnd.IntN(2)]
			switch rnd.IntN(10) {
			case 0:
				if g.done = !g.done; rnd.IntN(2) == 0 {
					r.give(Armed{})
				}
			case 1:
				if injected < 3 {
					injected++
					r.give(Injected{Sending{Dir: dir, XML: []byte("<INJECTED/>")}})
				}
			case 2:
				if r.joining[dir].state == interrupted {
					r.rest(dir)
					marked[dir] = true
				}
			case 3:
				if lane := r.marks[dir]; marked[dir] {
					marked[dir] = false
					r.hands(dir, &lane)
				}
			case 4:
				if r.gated[dir].waiting > 0 {
					r.give(Decided{dir, r.gated[dir].waiting, hold()})
				}
			default:
				if left[dir] == "" || !r.Wants(dir) {
					break
				}
				n := 1 + rnd.IntN(min(20, len(left[dir])))
				part := []byte(left[dir][:n])
				left[dir] = left[dir][n:]
				if r.Free() && !r.left[dir] {
					r.give(Left{dir})
				}
				if r.left[dir] && r.joining[dir].state == notJoining && r.Free() {
					r.free(dir, string(part))
				} else {
					r.give(Data{dir, part})
				}
				for i := range part { // it was borrowed
					part[i] = '?'
				}
			}
		}
		for _, dir := range both {
			r.give(Ended{Dir: dir})
			if got := strings.ReplaceAll(r.out[dir].String()[begun[dir]:], "<INJECTED/>", ""); got != texts[dir] {
				t.Fatalf("seed %d: %s got %q", seed, dir, got)
			}
			var s decode.Stream
			rest := append([]byte(gateHeader), r.out[dir].String()[begun[dir]:]...)
			for {
				n, piece, ok := s.Next(session.C2S, rest)
				if !ok {
					break
				}
				if rest = rest[n:]; strings.Contains(string(piece.Raw), "INJECTED") && string(piece.Raw) != "<INJECTED/>" {
					t.Fatalf("seed %d: %s: in the middle of an element: %s", seed, dir, piece.Raw)
				}
			}
		}
	}
}
