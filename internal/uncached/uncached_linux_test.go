package uncached

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// cached is how many pages of a file the system has in its cache; a system before 6.5 does
// not say, and has none.
func cached(t *testing.T, f *os.File) uint64 {
	t.Helper()
	var all unix.CachestatRange // to the end
	var pages unix.Cachestat_t
	if err := unix.Cachestat(uint(f.Fd()), &all, &pages, 0); err != nil && err != unix.ENOSYS {
		t.Fatal(err)
	}
	return pages.Cache
}

// TestDirectLeavesNothing: what was written and read directly is not in the cache, if there is a
// disk below; the file needs no name.
func TestDirectLeavesNothing(t *testing.T) {
	f := open(t)
	var s unix.Statfs_t
	if err := unix.Statfs(f.Name(), &s); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	const size = 1 << 20
	if _, err := f.WriteDirect(blocks(size), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadDirect(blocks(size), 0); err != nil {
		t.Fatal(err)
	}
	switch s.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC: // others have their own ways
		if n := cached(t, f.File); f.direct == nil || n > 0 {
			t.Errorf("%d pages are in the cache", n)
		}
	}
}
