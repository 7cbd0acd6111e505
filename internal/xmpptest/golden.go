package xmpptest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is compared with in testdata anew")

// Update says whether the flag -update was given: then what tests compare with is
// written anew, for a person to look at.
func Update() bool { return *update }

// Golden compares a text with a file in testdata, or writes the file.
func Golden(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		write(t, file, []byte(got))
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	compare(t, file, string(want), got)
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func compare(t testing.TB, name, want, got string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, diff)
	}
}

// Archives plays the txtar files that the pattern names, and says how many there
// are. Each has one part or more that play is given, parts of them, and then what
// play has to make of these, which is compared or written.
func Archives(t *testing.T, pattern string, parts int, play func(t *testing.T, given []string) string) int {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil || len(ar.Files) != parts+1 {
				t.Fatalf("%v, %d parts", err, len(ar.Files))
			}
			var given []string
			for _, f := range ar.Files[:parts] {
				given = append(given, string(f.Data))
			}
			got := play(t, given)
			result := &ar.Files[parts]
			if *update {
				result.Data = []byte(got)
				write(t, file, txtar.Format(ar))
				return
			}
			compare(t, result.Name, string(result.Data), got)
		})
	}
	return len(files)
}
