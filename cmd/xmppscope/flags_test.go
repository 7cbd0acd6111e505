package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEveryFlagHasATest: every flag of every command stands in a command line of a
// test. What that test asserts is for its author to see to: it has to fail when the
// flag does nothing.
func TestEveryFlagHasATest(t *testing.T) {
	lines := commandLines(t)
	shared := pflag.NewFlagSet("", 0)
	addLive(shared, new(live), new(caFlags), new(string), "")
	ofTLS := pflag.NewFlagSet("", 0)
	new(proxyFlags).addTLS(ofTLS)
	ofOpen := pflag.NewFlagSet("", 0)
	new(openFlags).add(ofOpen)
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			each(sub)
		}
		if !c.Runnable() || c == c.Root() { // which is proxy
			return
		}
		name := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name := name
			switch of := func(names ...string) bool { return slices.Contains(names, name) }; { // the same code reads them
			case shared.Lookup(f.Name) != nil && of("demo", "proxy", "run", "replay"):
				name = "(demo|proxy|run|replay)"
			case ofTLS.Lookup(f.Name) != nil && of("proxy", "run"):
				name = "(proxy|run)"
			case ofOpen.Lookup(f.Name) != nil && of("open", "attach"):
				name = "(open|attach)"
			}
			given := regexp.MustCompile(`(^| )` + name + ` (.* )?(--` + f.Name + `|-` + cmp.Or(f.Shorthand, "-"+f.Name) + `)( |=|$)`)
			if !slices.ContainsFunc(lines, given.MatchString) {
				t.Errorf("no test has a command line with %s … --%s", name, f.Name)
			}
		})
	}
	each(newRoot())
}

// notWord is what stands between the words of a command line in a test: quotes, commas.
var notWord = regexp.MustCompile("[^-=A-Za-z0-9]+")

// commandLines are the lines of this package's tests and of those with peers, as words.
func commandLines(t *testing.T) (lines []string) {
	t.Helper()
	for _, pattern := range []string{"testdata/*.txtar", "*_test.go", "../../internal/peertest/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				lines = append(lines, strings.TrimSpace(notWord.ReplaceAllString(line, " ")))
			}
		}
	}
	return lines
}
