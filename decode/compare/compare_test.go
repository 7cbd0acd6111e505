package compare_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/decode/compare"
	"xmppscope/decode/core"
	"xmppscope/decode/sasl"
	"xmppscope/decode/verdict"
	"xmppscope/decode/xep"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

var update = flag.Bool("update", false, "rewrite what is said in testdata")

func play(t *testing.T, dialogue string) []session.Event {
	t.Helper()
	rules := slices.Concat(core.Rules(), sasl.Rules(), xep.Rules(), verdict.Rules())
	return xmpptest.Dialogue(t, dialogue, rules, 0)
}

func lab(t *testing.T, name string) []session.Event {
	t.Helper()
	text, err := os.ReadFile("../../internal/xmpptest/testdata/lab/" + name + ".xml.txt")
	if err != nil {
		t.Fatal(err)
	}
	return play(t, xmpptest.LabDialogue(string(text)))
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", file, d)
	}
}

// TestRealPairs says of logins of real clients at real servers what made the
// difference.
func TestRealPairs(t *testing.T) {
	pairs := [][2]string{
		{"slixmpp-prosody", "slixmpp-prosody-badpw"},
		{"slixmpp-prosody-badpw", "slixmpp-prosody"},
		{"profanity-prosody", "profanity-prosody-badpw"},
		{"go-sendxmpp-prosody-badpw", "slixmpp-prosody-badpw"},
		{"slixmpp-prosody", "slixmpp-ejabberd"},
		{"slixmpp-prosody", "profanity-prosody"},
		{"slixmpp-prosody", "slixmpp-prosody-tls"},
		{"slixmpp-prosody", "slixmpp-prosody-tls12"},
		{"slixmpp-prosody", "slixmpp-prosody-trunk"},
		{"slixmpp-prosody", "slixmpp-prosody-badca"},
		{"slixmpp-prosody", "slixmpp-prosody-badhost"},
		{"slixmpp-ejabberd-badhost", "slixmpp-prosody-badhost"},
		{"slixmpp-ejabberd-badhost", "slixmpp-prosody-badpw"},
		{"go-sendxmpp-ejabberd", "go-sendxmpp-prosody"},
	}
	var b strings.Builder
	for _, p := range pairs {
		r := compare.Sessions(lab(t, p[0]), lab(t, p[1]), compare.Options{A: p[0], B: p[1]})
		fmt.Fprintf(&b, "A %s\nB %s\nsame: %v; %s\n\n", p[0], p[1], r.Same, r.Sentence)
	}
	golden(t, "testdata/lab.txt", b.String())
	for _, p := range pairs[:8] {
		r := compare.Sessions(lab(t, p[0]), lab(t, p[1]), compare.Options{})
		golden(t, "testdata/"+p[0]+"_"+p[1]+".txt", strings.Join(compare.Lines(r, compare.Layout{Details: true}), "\n")+"\n")
	}
}

// TestSameRecording: every login is the same as itself, ids included.
func TestSameRecording(t *testing.T) {
	files, err := filepath.Glob("../../internal/xmpptest/testdata/lab/*.xml.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".xml.txt")
		events := lab(t, name)
		r := compare.Sessions(events, events, compare.Options{IDs: true})
		if !r.Same || !strings.Contains(r.Sentence, "no difference that matters") {
			t.Errorf("%s: %s", name, r.Sentence)
		}
		for _, row := range r.Rows {
			if row.Mark != compare.Same || len(row.Differences) > 0 {
				t.Errorf("%s: %+v", name, row)
			}
		}
	}
}
