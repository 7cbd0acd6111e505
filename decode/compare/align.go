package compare

import (
	"cmp"
	"slices"
	"strings"

	"xmppscope/decode/facts"
)

// pair is a step of both logins, or of one: then the other is nil.
type pair struct{ a, b *facts.Rung }

// align pairs the steps of two logins. Where several pairings are worth the same, it
// does not depend on which login is named first.
func align(a, b []facts.Rung) []pair {
	if slices.CompareFunc(a, b, byFit) <= 0 {
		return shorterFirst(matched(a, b))
	}
	out := matched(b, a)
	for i, p := range out {
		out[i] = pair{p.b, p.a}
	}
	return shorterFirst(out)
}

// byFit orders steps by what worth looks at.
func byFit(a, b facts.Rung) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Mechanism, b.Mechanism))
}

// matched finds the pairing of most worth that keeps both orders (Needleman and
// Wunsch). Steps of a kind that were taken in the same phase fit each other: so
// the stream inside TLS fits, whether STARTTLS came before it or not.
func matched(a, b []facts.Rung) (out []pair) {
	best := make([][]int, len(a)+1)
	for i := range best {
		best[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if w := worth(&a[i], &b[j]); w > 0 {
				best[i][j] = max(best[i][j], w+best[i+1][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		w := worth(&a[i], &b[j])
		switch {
		case w > 0 && best[i][j] == w+best[i+1][j+1]:
			out = append(out, pair{&a[i], &b[j]})
			i++
			j++
		case best[i][j] == best[i+1][j]:
			out = append(out, pair{&a[i], nil})
			i++
		default:
			out = append(out, pair{nil, &b[j]})
			j++
		}
	}
	for ; i < len(a); i++ {
		out = append(out, pair{&a[i], nil})
	}
	for ; j < len(b); j++ {
		out = append(out, pair{nil, &b[j]})
	}
	return out
}

// shorterFirst puts, where the two logins part, the side first that has less to
// say: mostly the one that failed there.
func shorterFirst(all []pair) []pair {
	for i := 0; i < len(all); {
		n := 0
		for i+n < len(all) && (all[i+n].a == nil || all[i+n].b == nil) {
			n++
		}
		gap := all[i : i+n]
		var a, b []facts.Rung
		for _, p := range gap {
			if p.a != nil {
				a = append(a, *p.a)
			} else {
				b = append(b, *p.b)
			}
		}
		firstA := cmp.Or(cmp.Compare(len(a), len(b)), slices.CompareFunc(a, b, byFit)) <= 0
		slices.SortStableFunc(gap, func(x, y pair) int {
			switch ofA := x.a != nil; {
			case ofA == (y.a != nil):
				return 0
			case ofA == firstA:
				return -1
			}
			return 1
		})
		i += n + 1
	}
	return all
}

// family is the kind of a step of SASL that one of SASL2 (XEP-0388) stands for.
func family(kind string) string {
	switch rest, ok := strings.CutPrefix(kind, "sasl2-"); {
	case !ok:
		return kind
	case rest == "authenticate":
		return "sasl-auth"
	default:
		return "sasl-" + rest
	}
}

// worth is how well two steps fit: attempts with the same mechanism fit best.
func worth(a, b *facts.Rung) int {
	switch {
	case family(a.Kind) != family(b.Kind) || a.Phase != b.Phase || a.Dir != b.Dir:
		return 0
	case a.Kind != b.Kind:
		return 1
	case a.Mechanism != b.Mechanism:
		return 2
	}
	return 5
}
