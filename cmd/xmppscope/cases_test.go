package main

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xmppscope/session"
)

// causeCase is a login with a known cause: testdata/cases/README.md has the form.
type causeCase struct {
	must, mustnot []*regexp.Regexp
	upstream      string // what stands before the address of --upstream
	flags         []string
	lines         []caseLine
}

// caseLine is one thing that happens: who, and what is sent.
type caseLine struct{ verb, data string }

func readCase(t *testing.T, file string) (c causeCase) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(strings.NewReader(string(text)))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := scan.Text()
		switch {
		case strings.HasPrefix(line, "# "):
			c.head(t, line[2:])
		case strings.HasPrefix(line, "   ") && len(c.lines) > 0:
			c.lines[len(c.lines)-1].data += unescapeCase(t, strings.TrimLeft(line, " "))
		case line != "":
			verb, data, _ := strings.Cut(line, ": ")
			c.lines = append(c.lines, caseLine{verb, unescapeCase(t, data)})
		}
	}
	return c
}

func (c *causeCase) head(t *testing.T, line string) {
	name, value, _ := strings.Cut(line, ": ")
	switch name {
	case "must":
		c.must = append(c.must, regexp.MustCompile("(?i)"+value))
	case "mustnot":
		c.mustnot = append(c.mustnot, regexp.MustCompile("(?i)"+value))
	case "upstream":
		c.upstream = value
	case "flags":
		c.flags = strings.Fields(value)
	case "after", "cause", "port": // for people, and for captures
	default:
		t.Fatalf("a case has no %q", name)
	}
}

// TestCauses plays each case through the proxy: the verdict has to name the cause.
func TestCauses(t *testing.T) {
	files, err := filepath.Glob("testdata/cases/*.txt")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			c := readCase(t, file)
			events := c.play(t)
			if err := agree(events); err != nil {
				t.Error(err)
			}
			verdict := newestVerdict(events)
			for _, m := range c.must {
				if !m.MatchString(verdict) {
					t.Errorf("the verdict has to match %q:\n%s", m, verdict)
				}
			}
			for _, m := range c.mustnot {
				if m.MatchString(verdict) {
					t.Errorf("the verdict must not match %q:\n%s", m, verdict)
				}
			}
			if testing.Verbose() {
				t.Log(verdict)
			}
		})
	}
}

// newestVerdict is sentence and advice of the newest verdict.
func newestVerdict(events []session.Event) (out string) {
	var o session.Overview
	for i := range events {
		o.Apply(&events[i])
	}
	return o.Verdict + "\n" + o.Advice
}

// TestCaseEscapes: the player says what a case has written.
func TestCaseEscapes(t *testing.T) {
	for in, want := range map[string]string{
		`a\r\n\t\x41`:          "a\r\n\tA",
		`{b64:\0al\xf4}`:       "AGFs9A==",
		`<a>{hex:1603 01}</a>`: "<a>\x16\x03\x01</a>",
	} {
		if got := unescapeCase(t, in); got != want {
			t.Errorf("%s is %q, want %q", in, got, want)
		}
	}
}
