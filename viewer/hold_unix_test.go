//go:build unix

package viewer

import (
	"os"
	"path/filepath"
	"testing"
)

// TestEditor: $EDITOR gets the bytes as they are, and what it makes of them goes on.
func TestEditor(t *testing.T) {
	editor := filepath.Join(t.TempDir(), "editor")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\nsed -i s/one/two/ \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	b, wire := holding(t, 120, 40, "<message>one\t</message>", "<message/>")
	t.Setenv("EDITOR", editor)
	b.press("HE").has("was passed on as edited")
	if len(wire.decided) != 1 || string(wire.decided[0].XML) != "<message>two\t</message>" {
		t.Errorf("edited: %+v", wire.decided)
	}
	b.press("E").has("nothing was changed: it is still held")
	gone := wire.held[0]
	wire.held = nil
	b.ui.editOutside(gone)
	b.has("it is no longer held: nothing was sent")
	wire.held = []Held{gone}
	t.Setenv("EDITOR", "")
	b.press("E").has("$EDITOR is not set")
}
