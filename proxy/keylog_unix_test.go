//go:build unix

package proxy

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestKeyLogPipe: a key log that is a pipe, at which reading waits for whoever writes, holds
// nobody up.
func TestKeyLogPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	w := NewKeyLog(path).watch(nil)
	w.close() // reads once more
}
