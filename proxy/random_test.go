package proxy

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
		mingle(t, seed, rnd, r, g, texts, hold)
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

// mingle has two sides pipeline what they say, while a gate comes and goes, elements are held
// and things are put in.
func mingle(t *testing.T, seed uint64, rnd *rand.Rand, r *gatedRelay, g *gateFunc, texts [3]string, hold func() Decision) {
	t.Helper()
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
}

// TestWebSocketArmedAndDisarmedAtRandom: the same in WebSocket, where some messages are taken out,
// too: each side can read all that it gets, and gets all else.
func TestWebSocketArmedAndDisarmedAtRandom(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		hold := func() Decision {
			return []Decision{{Hold: "h"}, {Delay: 1}, {Copies: 1}, {}, {}, {}, {}, {}}[rnd.IntN(8)]
		}
		dropped, doubled := map[string]bool{}, map[string]bool{}
		g := &gateFunc{done: true}
		g.consider = func(p *decode.Piece) Decision {
			if rnd.IntN(12) == 0 {
				dropped[string(p.Raw)] = true
				return Decision{Drop: true}
			}
			d := hold()
			doubled[string(p.Raw)] = d.Copies > 0
			return d
		}
		way := []string{"plain", "deflate", "deflate", "deflate without context"}[rnd.IntN(4)]
		r := newWebRelay(t, packings[way], g)
		var texts [3]string
		var said [3][]string
		for dir, f := range map[session.Dir]*framing{session.C2S: r.up, session.S2C: r.down} {
			for i := range 12 {
				text := fmt.Sprintf("<m%d-%[2]s>again and again and again</m%[1]d-%[2]s>", i, dir)
				said[dir] = append(said[dir], text)
				switch rnd.IntN(4) {
				case 0:
					texts[dir] += f.frame(0x01, text[:5]) + f.frame(0x89, "") + f.frame(0x80, text[5:])
				case 1:
					texts[dir] += f.frame(0x81, text) + f.frame(0x8a, "pong")
				default:
					texts[dir] += f.says(text)
				}
			}
		}
		mingle(t, seed, rnd, r.gatedRelay, g, texts, func() Decision { return []Decision{{}, {Hold: "h"}}[rnd.IntN(2)] })
		for _, dir := range both {
			r.give(Ended{Dir: dir})
			var want []string
			for _, text := range said[dir] {
				if !dropped[text] {
					want = append(want, text)
				}
				if doubled[text] {
					want = append(want, text)
				}
			}
			got := slices.DeleteFunc(r.got(dir)[1:], func(s string) bool {
				return s == "ping" || s == "pong" || s == "<INJECTED xmlns='jabber:client'/>"
			})
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, %s: %s got %q\nand not %q", seed, way, dir.Opposite().Sender(), got, want)
			}
		}
	}
}
