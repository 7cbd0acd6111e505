package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func secretLine(n int) string {
	return fmt.Sprintf("CLIENT_RANDOM %064x %096x\n", n, n)
}

// TestKeylogGrows: of a key log that is being written every whole line is taken in
// once it is there, also after the file was begun anew.
func TestKeylogGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "client.keys")
	var told []string
	tell := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
	if _, err := openKeylogs([]string{path}, false, tell); err == nil {
		t.Error("a missing key log is no error for a file that is all there")
	}
	k, err := openKeylogs([]string{path}, true, tell)
	if err != nil || len(told) != 1 || !strings.Contains(told[0], "not there yet") {
		t.Fatalf("%v, said %q", err, told)
	}
	for i, c := range []struct {
		text string
		want int
	}{
		{"", 0}, {secretLine(1), 1}, {secretLine(1) + secretLine(2)[:50], 1}, {secretLine(1) + secretLine(2), 2},
		{secretLine(3), 3}, // shorter: another file
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if k.grown(); k.keys.Len() != c.want {
			t.Errorf("step %d: secrets of %d connections, want %d", i, k.keys.Len(), c.want)
		}
	}
}
