// Package ownership keeps what we write and trust apart from what other users of the
// machine have a hold on.
package ownership

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// Self is the user that we are, as systems number them; tests may be another.
var Self = os.Geteuid

// Foreign is an error that names whose a file is, if that is another user's; nil if
// it is ours, or the system does not say.
func Foreign(info fs.FileInfo) error {
	uid, known := uidOf(info)
	if !known || uid == Self() {
		return nil
	}
	name := "uid " + strconv.Itoa(uid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
	}
	return fmt.Errorf("it belongs to another user (%s)", name)
}

// Open opens a file for writing, at its beginning and as it is, and makes it with
// these permissions if it is not there. A file that another user owns, or that has
// further names (hard links), and a link that another user has laid are errors: what
// is written would be theirs to read, or overwrite what they have chosen. Devices are
// let through.
func Open(path string, perm fs.FileMode) (*os.File, error) {
	if err := Writable(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = ours(path, info) // what was looked at before may have been another
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Writable says why Open would refuse a path as it is now, apart from what the system
// itself refuses.
func Writable(path string) error {
	link, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	foreign := Foreign(link)
	switch mode := link.Mode(); {
	case foreign != nil && mode&fs.ModeSymlink != 0 && !isRoot(link):
		return fmt.Errorf("%q is a link, and %w", path, foreign)
	case foreign != nil && mode&fs.ModeNamedPipe != 0:
		return fmt.Errorf("%q is a pipe, and %w", path, foreign)
	}
	info, err := os.Stat(path)
	if err != nil { // a link to nothing
		return nil
	}
	return ours(path, info)
}

// ours says why a regular file is not ours alone.
func ours(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return nil
	}
	if err := Foreign(info); err != nil {
		return fmt.Errorf("%q cannot be written: %w", path, err)
	}
	if n := links(info); n > 1 {
		return fmt.Errorf("%q cannot be written: it has %d names (hard links), and would change under all of them", path, n)
	}
	return nil
}

// Exposed gives the first folder above a path in which everybody may put something
// else in its place: one that all can write, without the sticky bit; "" if there is
// none.
func Exposed(path string) (folder string, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return "", err
		}
		if everybody(info) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", nil
		}
	}
}

// MakePrivate makes a folder that nobody else may look into, or makes sure that it is one.
func MakePrivate(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, look := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} { // a link, and what it leads to
		info, err := look(folder)
		if err != nil {
			return err
		}
		if err := Foreign(info); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	info, err := os.Stat(folder)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", folder)
	case info.Mode().Perm()&0o077 != 0:
		return os.Chmod(folder, 0o700)
	}
	return nil
}
