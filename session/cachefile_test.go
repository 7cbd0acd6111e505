package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"xmppscope/internal/ownership"
)

// testCache lies in a folder of the test, on a disk with much room.
func testCache(t testing.TB) cache {
	dir := t.TempDir()
	return cache{
		own: filepath.Join(dir, "cache", "xmppscope"), shared: filepath.Join(dir, "tmp"),
		volume: func(string) (volume, error) { return volume{size: 1 << 40, free: 1 << 39}, nil },
	}
}

// makeShared makes the folder that every system has.
func makeShared(t *testing.T, c cache) {
	t.Helper()
	if err := os.Mkdir(c.shared, 0o777); err != nil {
		t.Fatal(err)
	}
}

// names are the files of a folder.
func names(t *testing.T, folder string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// TestCacheFile: it is the user's alone, and gone when it is closed.
func TestCacheFile(t *testing.T) {
	c := testCache(t)
	f, err := c.create("spill")
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v %v", info.Mode(), err)
	}
	if info, err := os.Stat(c.own); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
	if left := names(t, c.own); f.named != (len(left) == 1) {
		t.Errorf("while it is open there is %q", left)
	}
	p := make([]byte, 3)
	if _, err := f.WriteAt([]byte("abcdef"), 5); err != nil {
		t.Error(err)
	}
	if _, err := f.ReadAt(p, 7); err != nil || string(p) != "cde" {
		t.Errorf("read %q, %v", p, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left := names(t, c.own); len(left) > 0 {
		t.Errorf("it has left %q", left)
	}
}

// TestCacheFolder: a folder that others can look into is closed to them; one that
// cannot be had, or lies in memory, is passed over.
func TestCacheFolder(t *testing.T) {
	c := testCache(t)
	if err := os.MkdirAll(c.own, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := c.create("spill")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if info, err := os.Stat(c.own); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}

	makeShared(t, c)
	inMemory := c
	inMemory.volume = func(folder string) (volume, error) { return volume{memory: folder == c.own}, nil }
	noFolder := c
	noFolder.own = ""
	aFile := c
	aFile.own = filepath.Join(c.shared, "file")
	if err := os.WriteFile(aFile.own, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cache{inMemory, noFolder, aFile} {
		f, err := c.create("spill")
		if err != nil {
			t.Fatal(err)
		}
		if dir := filepath.Dir(f.Name()); dir != c.shared {
			t.Errorf("the file lies in %s", dir)
		}
		f.Close()
	}

	inMemory.volume = func(string) (volume, error) { return volume{memory: true}, nil }
	_, err = inMemory.create("spill")
	if err == nil || !strings.Contains(err.Error(), c.own+" lies in memory") || !strings.Contains(err.Error(), c.shared+" lies in memory") {
		t.Errorf("with no disk: %v", err)
	}
}

// TestGrow: a GB is left free, or a tenth of a disk that is small.
func TestGrow(t *testing.T) {
	for _, test := range []struct {
		size, free, n int64
		ok            bool
	}{
		{100 << 30, 1<<30 + 100, 100, true},
		{100 << 30, 1<<30 + 100, 101, false},
		{100 << 30, 0, 0, false},
		{1000, 200, 100, true},
		{1000, 200, 101, false},
	} {
		f := cacheFile{volume: func(string) (volume, error) { return volume{size: test.size, free: test.free}, nil }}
		if err := f.Grow(test.n); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test, err)
		}
	}
	f := cacheFile{volume: func(string) (volume, error) { return volume{}, os.ErrInvalid }}
	if err := f.Grow(1 << 40); err != nil {
		t.Errorf("where it cannot be told: %v", err)
	}
}

// TestVolume: the disk of the test has room.
func TestVolume(t *testing.T) {
	v, err := volumeOf(t.TempDir())
	if err != nil || v.size <= 0 || v.free <= 0 || v.free > v.size {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := volumeOf(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a folder that does not exist has a disk")
	}
}

// TestStrays: what runs that are gone have left is removed, and nothing else.
func TestStrays(t *testing.T) {
	const gone = 1 << 30 // no system has so many processes
	c := testCache(t)
	makeShared(t, c)
	if err := ownership.MakePrivate(c.own); err != nil {
		t.Fatal(err)
	}
	strays := []string{fmt.Sprintf("xmppscope-spill-%d-77", gone), fmt.Sprintf("xmppscope-spool-%d-1", os.Getpid())}
	others := []string{
		fmt.Sprintf("xmppscope-spill-%d-2", os.Getppid()), fmt.Sprintf("xmppscope-spill-%d-3.txt", gone),
		fmt.Sprintf("other-spill-%d-4", gone), "xmppscope-spill-5", "xmppscope-spill-99999999999999999999-6",
	}
	for _, folder := range []string{c.own, c.shared} {
		for _, name := range append(strays, others...) {
			if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Mkdir(filepath.Join(folder, fmt.Sprintf("xmppscope-spill-%d-8", gone)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(others[0], filepath.Join(folder, fmt.Sprintf("xmppscope-spill-%d-9", gone))); err != nil {
			t.Fatal(err)
		}
	}
	c.removeStrays()
	for _, folder := range []string{c.own, c.shared} {
		left := names(t, folder)
		if len(left) != len(others)+2 {
			t.Errorf("left: %q", left)
		}
		for _, stray := range strays {
			if _, err := os.Stat(filepath.Join(folder, stray)); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", stray, err)
			}
		}
	}
}

// TestStraysAtStart: a run clears up as soon as it has a log, in the user's folders.
func TestStraysAtStart(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData", "TMPDIR", "TMP"} {
		t.Setenv(name, dir)
	}
	before := removeStrays
	removeStrays = sync.OnceFunc(func() { userCache().removeStrays() })
	defer func() { removeStrays = before }()
	c := userCache()
	if err := ownership.MakePrivate(c.own); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{c.own, c.shared} {
		if err := os.WriteFile(filepath.Join(folder, "xmppscope-spill-1073741824-1"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := NewLog().Close(); err != nil {
		t.Error(err)
	}
	if left := names(t, c.own); len(left) > 0 || c.shared != dir {
		t.Errorf("left in %s: %q", c.own, left)
	}
	if _, err := os.Stat(filepath.Join(dir, "xmppscope-spill-1073741824-1")); !os.IsNotExist(err) {
		t.Errorf("left in %s: %v", c.shared, err)
	}
}
