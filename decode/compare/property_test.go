package compare_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"xmppscope/decode/compare"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// recorded is the events of one transcript.
type recorded struct {
	name   string
	events []session.Event
}

// transcripts are the dialogues of all packages that explain, and the logins of real
// clients, by session.
func transcripts(t *testing.T) (out []recorded) {
	t.Helper()
	add := func(name string, events []session.Event) {
		for id := 1; ; id++ {
			one := slices.DeleteFunc(slices.Clone(events), func(e session.Event) bool { return e.Session != id })
			if len(one) == 0 {
				return
			}
			out = append(out, recorded{name, one})
		}
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".txtar" {
			return err
		}
		ar, err := txtar.ParseFile(path)
		if err != nil {
			return err
		}
		for _, f := range ar.Files {
			if f.Name == "dialogue" || f.Name == "a" || f.Name == "b" {
				add(path+" "+f.Name, xmpptest.Play(t, string(f.Data)))
			}
		}
		return nil
	})
	if err != nil || len(out) < 150 {
		t.Fatalf("%d transcripts, %v", len(out), err)
	}
	for _, name := range xmpptest.Recordings(t) {
		add(name, lab(t, name))
	}
	return out
}

// TestAlwaysTheSame: every session is the same as itself, whatever is asked for.
func TestAlwaysTheSame(t *testing.T) {
	for _, x := range transcripts(t) {
		r := compare.Sessions(x.events, x.events, compare.Options{IDs: true})
		if !r.Same || !strings.Contains(r.Sentence, "no difference that matters") {
			t.Errorf("%s: %s", x.name, r.Sentence)
		}
		for _, row := range r.Rows {
			if row.Mark != compare.Same || len(row.Differences) > 0 {
				t.Errorf("%s: %+v", x.name, row)
			}
		}
		checkSafe(t, strings.Join(linesOf(r, compare.Layout{Details: true, Times: true}), "\n"))
	}
}

// TestTurnedRound: what differs between two sessions is the same, with the sides
// exchanged, when they are named the other way round. So is what the sentence says.
func TestTurnedRound(t *testing.T) {
	all := transcripts(t)
	for i, x := range all {
		for _, k := range []int{1, 7, 31} { // a few others for each
			y := all[(i+k)%len(all)]
			o := compare.Options{IDs: i%2 == 0}
			there, back := compare.Sessions(x.events, y.events, o), compare.Sessions(y.events, x.events, o)
			if d := cmp.Diff(differing(&there, false), differing(&back, true), cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("%s, %s (-there +back):\n%s", x.name, y.name, d)
			}
			if there.Same != back.Same || there.Ignored != back.Ignored || words(there.Sentence) != words(back.Sentence) {
				t.Errorf("%s, %s:\n%s\n%s", x.name, y.name, there.Sentence, back.Sentence)
			}
			for _, line := range linesOf(there, compare.Layout{}) {
				checkSafe(t, line)
			}
		}
	}
}

// differing are the differences of a result, in an order that does not depend on
// which side is named first.
func differing(r *compare.Result, turned bool) (out []string) {
	tell := func(where string, all []compare.Difference) {
		for _, d := range all {
			a, b := strings.Join(d.A, "|"), strings.Join(d.B, "|")
			if turned {
				a, b = b, a
			}
			a, b = strings.ReplaceAll(a, "another of", "one of"), strings.ReplaceAll(b, "another of", "one of")
			out = append(out, strings.Join([]string{where, d.What, a, b, string(d.Weight)}, " / "))
		}
	}
	for _, row := range r.Rows {
		mark := row.Mark
		switch {
		case turned && mark == compare.OnlyA:
			mark = compare.OnlyB
		case turned && mark == compare.OnlyB:
			mark = compare.OnlyA
		}
		out = append(out, string(mark)+" "+row.Kind+" "+row.About)
		tell(row.Kind, row.Differences)
	}
	tell("", r.Other)
	slices.Sort(out)
	return out
}

// words are the words of a sentence in an order that does not depend on which side
// is named first.
func words(sentence string) string {
	list := strings.FieldsFunc(sentence, func(r rune) bool { return strings.ContainsRune(" ;:,()", r) })
	for i, w := range list {
		if w == "A" || w == "B" || w == "A's" || w == "B's" {
			list[i] = "X"
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
