package main

import (
	_ "embed"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
)

//go:embed stanzas.txt
var kindsText string

// idMark begins the id of every stanza of the load: so they are told from those of the
// login in a capture.
const idMark = "bench-"

// Who speaks, in the load's stanzas and in its logins.
const (
	domain = "bench.example"
	user   = "juliet"
	me     = user + "@" + domain + "/balcony"
)

// A sender is a direction as stanzas.txt names it.
type sender string

const (
	fromClient sender = "c2s"
	fromServer sender = "s2c"
)

// generator makes everyday stanzas, the same ones each time. Nobody answers them: what
// is asked stays open, and what is answered was not asked for, which costs an observer
// most.
type generator struct {
	rnd    *rand.Rand
	kinds  []string // templates
	upTo   []int    // for each of kinds: its weight and all before it
	number int
}

func newGenerator(from sender) *generator {
	g := &generator{rnd: rand.New(rand.NewPCG(8, 6120))}
	all := 0
	for line := range strings.Lines(kindsText) {
		who, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		weight, template, _ := strings.Cut(rest, " ")
		if n, err := strconv.Atoi(weight); err == nil && who == string(from) {
			all += n
			g.kinds, g.upTo = append(g.kinds, template), append(g.upTo, all)
		}
	}
	return g
}

// appendNext appends the next stanza.
func (g *generator) appendNext(b []byte) []byte {
	g.number++
	n := g.rnd.IntN(g.upTo[len(g.upTo)-1])
	rest := g.kinds[sort.SearchInts(g.upTo, n+1)]
	for {
		plain, after, more := strings.Cut(rest, "{")
		b = append(b, plain...)
		if !more {
			return b
		}
		word, next, _ := strings.Cut(after, "}")
		b = g.appendWord(b, word)
		rest = next
	}
}

// appendWord appends what stands for a word in braces.
func (g *generator) appendWord(b []byte, word string) []byte {
	switch word {
	case "me":
		return append(b, me...)
	case "id":
		return fmt.Appendf(b, "%s%08d", idMark, g.number)
	case "contact":
		return fmt.Appendf(b, "romeo%d@montague.example", g.rnd.IntN(50))
	case "room":
		return fmt.Appendf(b, "orchard%d@rooms.bench.example", g.rnd.IntN(8))
	case "nick":
		return fmt.Appendf(b, "Nurse %d", g.rnd.IntN(80))
	case "number":
		return strconv.AppendUint(b, uint64(g.rnd.Uint32()), 10)
	case "uuid":
		return fmt.Appendf(b, "%08x-52c1-4a6e-9d3f-%012x", g.rnd.Uint32(), g.rnd.Uint64()>>16)
	case "time":
		return fmt.Appendf(b, "2026-11-%02dT%02d:%02d:00Z", 1+g.rnd.IntN(28), g.rnd.IntN(24), g.rnd.IntN(60))
	case "text":
		return g.appendText(b)
	case "iv":
		return g.appendBase64(b, 12)
	case "key":
		return g.appendBase64(b, 96)
	case "payload":
		return g.appendBase64(b, 40+g.rnd.IntN(200))
	case "image":
		return g.appendBase64(b, 1500+g.rnd.IntN(3000))
	}
	panic("stanzas.txt: there is no word {" + word + "}")
}

var words = strings.Fields("art thou not Romeo, and a Montague? neither, fair maid, if either thee dislike: " +
	"how cam'st thou hither, tell me? the orchard walls are high &amp; hard to climb &lt;3 für 🌹 https://example.org/x?y=z")

func (g *generator) appendText(b []byte) []byte {
	for n := 3 + g.rnd.IntN(30); n > 0; n-- {
		b = append(append(b, words[g.rnd.IntN(len(words))]...), ' ')
	}
	return b
}

func (g *generator) appendBase64(b []byte, size int) []byte {
	raw := make([]byte, size)
	for i := range raw {
		raw[i] = byte(g.rnd.Uint32())
	}
	return base64.StdEncoding.AppendEncode(b, raw)
}

// smallSize is that of the small stanzas, in bytes: one TLS record each.
const smallSize = 300

// small is a message of smallSize bytes.
func small(n int) []byte {
	b := fmt.Appendf(nil, "<message from='%s' to='romeo@montague.example' id='%s%08d' type='chat'><body>", me, idMark, n)
	const end = "</body></message>"
	for len(b) < smallSize-len(end) {
		b = append(b, "art thou not Romeo, and a Montague? "[len(b)%36])
	}
	return append(b, end...)
}

// huge is one message of so many bytes.
func huge(size int) []byte {
	g := newGenerator(fromClient)
	b := fmt.Appendf(make([]byte, 0, size), "<message from='%s' to='romeo@montague.example' id='%s1'><body>", me, idMark)
	const end = "</body></message>"
	for len(b) < size-len(end) {
		b = g.appendText(b)
	}
	return append(b, end...)
}
