//go:build unix

package ownership

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asAnother runs do as if somebody else had started us.
func asAnother(t *testing.T, do func()) {
	t.Helper()
	defer func(before func() int) { Self = before }(Self)
	Self = func() int { return os.Geteuid() + 4711 }
	do()
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"mine", "two", "linked"} {
		if err := os.WriteFile(at(name), []byte("what was there"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{os.Link(at("two"), at("names")), os.Symlink("linked", at("link")), os.Symlink("nothing", at("dangling")), syscall.Mkfifo(at("pipe"), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func(name string) string {
		path := name
		if !filepath.IsAbs(name) {
			path = at(name)
		}
		f, err := Open(path, 0o600)
		if err != nil {
			return err.Error()
		}
		f.Close()
		return ""
	}
	for name, want := range map[string]string{
		"mine": "", "link": "", "pipe": "", os.DevNull: "", "new": "", "dangling": "",
		"two": "2 names (hard links)", "names": "2 names (hard links)",
		"no/folder": "no such file or directory",
	} {
		if got := open(name); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	asAnother(t, func() {
		for name, want := range map[string]string{
			"mine": "belongs to another user", "link": "belongs to another user", "pipe": "is a pipe, and", os.DevNull: "",
		} {
			if got := open(name); (got == "") != (want == "") || !strings.Contains(got, want) {
				t.Errorf("another's %s: %q, want %q", name, got, want)
			}
		}
	})
	for _, name := range []string{"mine", "two", "linked"} {
		if text, err := os.ReadFile(at(name)); err != nil || string(text) != "what was there" {
			t.Errorf("%s holds %q now, %v", name, text, err)
		}
	}
}

func TestExposed(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(dir, "shared")
	file := filepath.Join(shared, "deep", "file")
	if err := os.MkdirAll(file, 0o700); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]string{0o755: "", 0o775: "", 0o777: shared, 0o777 | os.ModeSticky: "", 0o702: shared} {
		if err := os.Chmod(shared, mode); err != nil {
			t.Fatal(err)
		}
		if got, err := Exposed(file); err != nil || got != want {
			t.Errorf("%v: %q, %v, want %q", mode, got, err, want)
		}
	}
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.Symlink(file, link), os.Chmod(shared, 0o777)); err != nil {
		t.Fatal(err)
	}
	if got, err := Exposed(link); err != nil || got != shared {
		t.Errorf("through a link: %q, %v", got, err)
	}
}
