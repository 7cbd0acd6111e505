package capture

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/session"
)

// Rotate says when a recording goes on in another file; the zero value is never.
// The event that is over the limit is still written to the file before.
type Rotate struct {
	Size  int64         // bytes in a file
	Every time.Duration // age of a file
}

// minRotate is the least that makes sense: a file has a beginning, too.
const minRotate = 64 << 10

var size = regexp.MustCompile(`^([0-9]+)(k|M|G)i?B$`)

// ParseSize reads a number of bytes, such as "100MB". A MB is 1,000,000 bytes and a MiB
// 1,048,576.
func ParseSize(s string) (int64, error) {
	m := size.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("capture: %q is no size: want one such as 100MB or 4GiB", s)
	}
	n, err := strconv.ParseInt(m[1], 10, 32)
	base := int64(1000)
	if strings.Contains(s, "i") {
		base = 1024
	}
	for range strings.Index("kMG", m[2]) + 1 {
		if n > math.MaxInt64/base {
			return 0, fmt.Errorf("capture: %q is too large", s)
		}
		n *= base
	}
	return n, err
}

// ParseRotate reads "100MB", "1h", or both with a comma between them.
func ParseRotate(s string) (Rotate, error) {
	var r Rotate
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if size.MatchString(part) && r.Size == 0 {
			n, err := ParseSize(part)
			if err != nil || n < minRotate {
				return Rotate{}, fmt.Errorf("capture: %q: a file has to hold %d kB at least", part, minRotate/1000)
			}
			r.Size = n
			continue
		}
		d, err := time.ParseDuration(part)
		if err != nil || r.Every != 0 || d < time.Second {
			return Rotate{}, fmt.Errorf("capture: cannot read %q: want a size such as 100MB, a time such as 1h (1s at least), or both: 100MB,1h", part)
		}
		r.Every = d
	}
	return r, nil
}

// CreateRotating is Create for a recording that goes on in further files:
// login.pcapng becomes login-00001.pcapng, login-00002.pcapng and so on. Each
// opens alone: it begins with what is needed of the sessions that are under way,
// which is their connections, keys, and the steps of their logins, once more and
// with their own numbers and times.
func CreateRotating(path string, overwrite bool, o Options, r Rotate) (*File, error) {
	if r == (Rotate{}) {
		return Create(path, overwrite, o)
	}
	ext := filepath.Ext(path)
	there, err := filepath.Glob(escapeGlob(strings.TrimSuffix(path, ext)) + "-[0-9][0-9][0-9][0-9][0-9]" + escapeGlob(ext))
	if err != nil {
		return nil, fmt.Errorf("capture: %w", err)
	}
	if len(there) > 0 && !overwrite {
		return nil, fmt.Errorf("capture: %q is there already: choose another name, or say --overwrite", there[0])
	}
	f, err := newFile(path, overwrite, o)
	if err != nil {
		return nil, err
	}
	f.number, f.rotate = 1, r
	first := numberedPath(path, 1)
	file, err := openPrivate(first, overwrite)
	if err != nil {
		return nil, err
	}
	return f.begin(first, file)
}

var globSpecial = regexp.MustCompile(`[*?\[\\]`)

func escapeGlob(s string) string { return globSpecial.ReplaceAllString(s, `\$0`) }

func numberedPath(path string, n int) string {
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%05d%s", strings.TrimSuffix(path, ext), n, ext)
}

// due says whether the file at hand has reached its limit. Half of it at least is
// new, however much it repeats of the sessions under way.
func (f *File) due() bool {
	return f.rotate.Size > 0 && f.size() >= max(f.rotate.Size, 2*f.repeated) ||
		f.rotate.Every > 0 && time.Since(f.begun) >= f.rotate.Every
}

// next goes on in another file. That has its name only when all is in it that it
// begins with, and the one at hand ends after that: whenever we are killed, what was
// recorded is in files that open. The caller holds mu.
func (f *File) next() error {
	before := f.output
	out, err := f.follow(numberedPath(f.base, f.number+1))
	if err == nil {
		f.use(out)
		f.number++
	}
	return errors.Join(err, before.end())
}

// follow makes the next file, with what it has to know of the sessions under way.
func (f *File) follow(path string) (*output, error) {
	if err := mayReplace(path, f.overwrite); err != nil {
		return nil, err
	}
	file, err := openUnfinished(path)
	if err != nil {
		return nil, err
	}
	out, err := f.start(path, file)
	if err != nil {
		os.Remove(file.Name())
		return nil, err
	}
	if err = f.repeat(out); err == nil {
		err = out.name()
	}
	if err != nil {
		out.file.Close()
		os.Remove(file.Name())
		return nil, err
	}
	return out, nil
}

// repeat writes what was carried so far.
func (f *File) repeat(out *output) error {
	for _, id := range slices.Sorted(maps.Keys(f.underway)) {
		for _, e := range f.underway[id].events {
			if err := out.writer.Write(e); err != nil {
				return fmt.Errorf("capture: cannot write %q: %w", out.path, err)
			}
		}
	}
	var err error
	if out.flusher != nil {
		err = out.flusher.Flush()
	}
	out.repeated = out.size()
	return err
}

// Bounds of what is carried from file to file for one session.
const (
	maxCarried    = 200
	maxCarriedRaw = 256 << 10
)

// underway is what the next file has to know of a session.
type underway struct {
	events []session.Event
	raw    int
	legs   int // open ones
}

// carry remembers what the next file needs, if there may be one.
func (f *File) carry(e *session.Event) {
	if f.rotate == (Rotate{}) {
		return
	}
	u := f.underway[e.Session]
	if u == nil {
		u = &underway{}
		f.underway[e.Session] = u
	}
	needed := e.Step != nil
	switch e.Body.(type) {
	case session.TCPOpened:
		u.legs++
		needed = true
	case session.TLSSecret:
		needed = true
	case session.TCPClosed:
		if u.legs--; u.legs <= 0 {
			delete(f.underway, e.Session)
			return
		}
	}
	if needed && len(u.events) < maxCarried && u.raw+len(e.Raw) <= maxCarriedRaw {
		u.events = append(u.events, *e)
		u.raw += len(e.Raw)
	}
}
