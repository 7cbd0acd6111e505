package growing

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMore: each line is told once it is whole, also of a file that was begun anew, and of
// one that comes later.
func TestMore(t *testing.T) {
	f := &File{Path: filepath.Join(t.TempDir(), "x")}
	if text := f.More(); text != nil {
		t.Errorf("there is no file, and it has %q", text)
	}
	for _, c := range []struct{ is, more string }{
		{"", ""}, {"a\nb", "a\n"}, {"a\nb", ""}, {"a\nbc\nd\n", "bc\nd\n"}, {"e\n", "e\n"}, {"e\n" + strings.Repeat("f", 100) + "\n", strings.Repeat("f", 100) + "\n"},
	} {
		if err := os.WriteFile(f.Path, []byte(c.is), 0o600); err != nil {
			t.Fatal(err)
		}
		if text := f.More(); string(text) != c.more {
			t.Errorf("of %q: %q, want %q", c.is, text, c.more)
		}
	}
	folder := &File{Path: filepath.Dir(f.Path)}
	if text := folder.More(); text != nil {
		t.Errorf("a folder has %q", text)
	}
}
