package certs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keptPrefix begins the names of files that a rotation has put aside.
const keptPrefix = "old-"

// Rotate puts the folder's root and leaf key aside, under names with the date,
// and makes new ones: for a root that has expired, is damaged, has lost its key,
// or may have been read by others. kept are the paths of the old files; clients
// have to be told of the new root. Processes that run go on with the old one
// until they end. A folder that is not a CA's is left as it is.
func Rotate(dir string) (ca *CA, kept []string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("certs: CA folder %q: %w", dir, err)
	}
	if _, err := survey(dir); err != nil {
		return nil, nil, err
	}
	// Nanoseconds: of two rotations at once neither overwrites what the other kept.
	stamp := time.Now().UTC().Format("20060102T150405.000000000Z")
	// The copy of the root goes first: without its key it would be taken for a
	// CA that has lost it by a process that starts at this moment.
	for _, name := range []string{publicFile, secretFile, leafFile} {
		to := filepath.Join(dir, keptPrefix+stamp+"-"+name)
		err := os.Rename(filepath.Join(dir, name), to)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, kept, fmt.Errorf("certs: cannot put %q aside: %w", filepath.Join(dir, name), cause(err))
		}
		kept = append(kept, to)
	}
	has, err := survey(dir)
	if err != nil {
		return nil, kept, err
	}
	ca, err = load(dir, has.ca, time.Now())
	return ca, kept, err
}

func rotateCommand(dir string) string { return "xmppscope ca rotate --ca-dir " + Shell(dir) }

func expiredError(dir string, at time.Time) error {
	if dir == "" {
		return fmt.Errorf("certs: the CA expired on %s; start again", day(at))
	}
	return fmt.Errorf("certs: the CA in %q expired on %s; make a new one with: %s", dir, day(at), rotateCommand(dir))
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// Shell quotes a path for a command line that a person copies.
func Shell(path string) string {
	plain := func(r rune) bool {
		return r >= 0x80 || strings.ContainsRune(`/._-+:@\`, r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if path != "" && !strings.ContainsFunc(path, func(r rune) bool { return !plain(r) }) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
