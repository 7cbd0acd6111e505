//go:build unix

package session

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
)

type ownedBy struct {
	fs.FileInfo
	uid int
}

func (o ownedBy) Sys() any { return &syscall.Stat_t{Uid: uint32(o.uid)} }

// TestOwned: what is another user's is not ours to remove, or to write into.
func TestOwned(t *testing.T) {
	if !owned(ownedBy{uid: os.Getuid()}) || owned(ownedBy{uid: os.Getuid() + 1}) {
		t.Error("files of others are taken for ours, or ours for theirs")
	}
}
