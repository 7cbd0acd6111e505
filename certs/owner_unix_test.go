//go:build unix

package certs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/ownership"
)

// refused wants an error of Open and Rotate with all the words, and the folder as it was.
func refused(t *testing.T, dir string, words ...string) {
	t.Helper()
	_, err1 := Open(dir)
	_, kept, err2 := Rotate(dir)
	for _, err := range []error{err1, err2} {
		if err == nil || len(kept) > 0 {
			t.Fatalf("opened or rotated %s: kept %q", dir, kept)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error does not say %q: %v", word, err)
			}
		}
	}
}

// TestFolderOfAnother: a folder of another user is not taken, empty or with a CA in it.
func TestFolderOfAnother(t *testing.T) {
	made, empty := filepath.Join(t.TempDir(), "ca"), t.TempDir()
	mustOpen(t, made)
	defer func(before func() int) { ownership.Self = before }(ownership.Self)
	ownership.Self = func() int { return os.Geteuid() + 4711 }
	for _, dir := range []string{made, empty} {
		refused(t, dir, dir, "not yours", "belongs to another user", "--ca-dir")
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Errorf("made in it: %v, %v", entries, err)
	}
}

// TestKeyOfAnother: whoever owns a key file has the key.
func TestKeyOfAnother(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, dir)
	defer func(before func() int) { ownership.Self = before }(ownership.Self)
	ownership.Self = func() int { return os.Geteuid() + 4711 }
	for _, name := range []string{secretFile, leafFile} {
		path := filepath.Join(dir, name)
		_, err := readSecret(path)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "belongs to another user") || !strings.Contains(err.Error(), "xmppscope ca rotate --ca-dir") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSharedFolder: where everybody may rename what is in a folder above, the CA could
// be exchanged for another; with the sticky bit it could not.
func TestSharedFolder(t *testing.T) {
	shared := filepath.Join(t.TempDir(), "shared")
	dir := filepath.Join(shared, "deep", "ca")
	if err := errors.Join(os.Mkdir(shared, 0o700), os.Chmod(shared, 0o777)); err != nil {
		t.Fatal(err)
	}
	refused(t, dir, dir, shared, "chmod o-w", "--ca-dir")
	chmod(t, shared, 0o777|os.ModeSticky)
	mustOpen(t, dir)
	chmod(t, shared, 0o777)
	refused(t, dir, dir, shared)
	chmod(t, shared, 0o755)
	mustOpen(t, dir)
}
