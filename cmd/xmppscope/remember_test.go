package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// TestFiltersAreRemembered from one run to the next, by several runs at once, for their owner
// alone; a file that cannot be read stays as it is.
func TestFiltersAreRemembered(t *testing.T) {
	dir := state(t)
	first, second := remember(), remember()
	for _, err := range []error{first.Used("a"), second.Used("b"), first.Used("a"), first.Save("mine", "a"), second.Save("yours", "b"), first.Save("gone", "c"), second.Save("gone", "")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m := remember()
	if !slices.Equal(m.Filters, []string{"b", "a"}) || len(m.Saved) != 2 || m.Saved["mine"] != "a" || m.Saved["yours"] != "b" {
		t.Errorf("remembered: %q, %q", m.Filters, m.Saved)
	}
	path := filepath.Join(dir, memoryName)
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files are left", len(files))
	}
	if err := os.WriteFile(path, []byte("{broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m := remember(); len(m.Filters) != 0 || m.Used("a") == nil || m.Save("x", "y") == nil {
		t.Error("a broken file is written over")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "{broken" {
		t.Errorf("it holds %q now, %v", text, err)
	}
}
