//go:build unix

package capture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/ownership"
)

// TestFilesOfOthers: nothing is recorded where another user would have it, or over what
// they have chosen, empty or to be overwritten, under whatever name.
func TestFilesOfOthers(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"empty.jsonl", "full.jsonl", "two.jsonl", "r-00001.jsonl"} {
		text := ""
		if name == "full.jsonl" {
			text = "what was there"
		}
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("full.jsonl", at("link.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(at("two.jsonl"), at("hard.jsonl")); err != nil {
		t.Fatal(err)
	}
	refused := func(name, word string) {
		t.Helper()
		for how, create := range map[string]func() (*File, error){
			"Create":         func() (*File, error) { return Create(at(name), true, Options{}) },
			"CreateWhole":    func() (*File, error) { return CreateWhole(at(name), true, Options{}) },
			"CreateRotating": func() (*File, error) { return CreateRotating(at("r.jsonl"), true, Options{}, Rotate{Size: 1 << 20}) },
		} {
			if how == "CreateRotating" && name != "r-00001.jsonl" {
				continue
			}
			f, err := create()
			if err == nil {
				f.Discard()
				t.Errorf("%s %s: made", how, name)
			} else if text := err.Error(); !strings.Contains(text, word) || !strings.Contains(text, name) || !strings.Contains(text, "choose another name") {
				t.Errorf("%s %s: %v", how, name, err)
			}
		}
	}
	refused("two.jsonl", "hard links")
	refused("hard.jsonl", "hard links")
	defer func(before func() int) { ownership.Self = before }(ownership.Self)
	ownership.Self = func() int { return os.Geteuid() + 4711 }
	for _, name := range []string{"empty.jsonl", "full.jsonl", "link.jsonl", "r-00001.jsonl"} {
		refused(name, "belongs to another user")
	}
	if text, err := os.ReadFile(at("full.jsonl")); err != nil || string(text) != "what was there" {
		t.Errorf("it holds %q, %v", text, err)
	}
	if info, err := os.Stat(at("empty.jsonl")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}
