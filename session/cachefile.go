package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"

	"xmppscope/internal/ownership"
	"xmppscope/internal/uncached"
)

// keepFree is what a cacheFile leaves free on its disk, or a tenth of the disk if that
// is less.
const keepFree = 1 << 30

// cacheFile is a private file (0600) for what a run sees and memory does not hold. It
// is gone at the end of the run, however that comes: on Unix it has no name once it is
// open; elsewhere the next run removes it.
type cacheFile struct {
	*uncached.File
	named  bool // it still has its name
	folder string
	volume func(folder string) (volume, error)
}

// volume is the disk that a folder lies on.
type volume struct {
	size, free int64 // in bytes; free is what we may still take
	memory     bool  // it is no disk
}

// newCacheFile makes a file in the user's cache folder, or else in the temporary one.
// The purpose, a word, is a part of its name.
func newCacheFile(purpose string) (*cacheFile, error) {
	removeStrays()
	return userCache().create(purpose)
}

// Grow says whether the file may grow by so many bytes; the error says why not.
func (f *cacheFile) Grow(n int64) error {
	v, err := f.volume(f.folder)
	if err != nil {
		return nil // it cannot be told: the disk itself will say
	}
	if left := min(keepFree, v.size/10); v.free-n < left {
		return fmt.Errorf("the disk of %s has %d MB free, and %d MB are left to others", f.folder, v.free>>20, left>>20)
	}
	return nil
}

// newFileAt makes such a file with a name that lasts until Close, and whatever becomes of
// us. It must not be there yet.
func newFileAt(path string) (*cacheFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &cacheFile{uncached.New(f), true, filepath.Dir(path), volumeOf}, nil
}

// Close closes the file and removes it.
func (f *cacheFile) Close() error {
	err := f.File.Close()
	if f.named {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// cache is where files of this kind lie.
type cache struct {
	own    string // a folder that is only ours, or "" if there is none
	shared string // in place of it
	volume func(folder string) (volume, error)
}

func userCache() cache {
	c := cache{shared: os.TempDir(), volume: volumeOf}
	if dir, err := os.UserCacheDir(); err == nil {
		c.own = filepath.Join(dir, "xmppscope")
	}
	return c
}

func (c cache) create(purpose string) (*cacheFile, error) {
	f, err := c.createIn(c.own, purpose)
	if err != nil {
		var second error
		if f, second = c.createIn(c.shared, purpose); second != nil {
			return nil, fmt.Errorf("session: %s file: %w; %w", purpose, err, second)
		}
	}
	return f, nil
}

func (c cache) createIn(folder, purpose string) (*cacheFile, error) {
	if folder == "" {
		return nil, errors.New("there is no cache folder")
	}
	if folder == c.own {
		if err := ownership.MakePrivate(folder); err != nil {
			return nil, err
		}
	}
	if v, err := c.volume(folder); err == nil && v.memory {
		return nil, fmt.Errorf("%s lies in memory, not on a disk", folder)
	}
	f, err := os.CreateTemp(folder, fmt.Sprintf("xmppscope-%s-%d-*", purpose, os.Getpid())) // made 0600
	if err != nil {
		return nil, err
	}
	named := runtime.GOOS == "windows" || os.Remove(f.Name()) != nil
	return &cacheFile{uncached.New(f), named, folder, c.volume}, nil
}

// Stray says whether a file or folder that the run of a process has made is this user's, and
// that run is gone. It is asked before this run makes any, so one with our pid is of another.
func Stray(info fs.FileInfo, pid int) bool {
	return owned(info) && (pid == os.Getpid() || !alive(pid))
}

// removeStrays removes the files of runs that are gone. It is called before this run
// has files of its own, so one with its pid is of another run too.
func (c cache) removeStrays() {
	for _, folder := range []string{c.own, c.shared} {
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			m := strayName.FindStringSubmatch(entry.Name())
			if m == nil {
				continue
			}
			info, err := entry.Info()
			pid, pidErr := strconv.Atoi(m[1])
			if err == nil && pidErr == nil && info.Mode().IsRegular() && Stray(info, pid) {
				os.Remove(filepath.Join(folder, entry.Name()))
			}
		}
	}
}

var strayName = regexp.MustCompile(`^xmppscope-[a-z]+-(\d+)-\d+$`)

// removeStrays clears up once in a run, before its first file.
var removeStrays = sync.OnceFunc(func() { userCache().removeStrays() })
