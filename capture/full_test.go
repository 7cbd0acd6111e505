package capture

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/session"
)

// smallDisk is a file on a disk that has room for so many bytes. As a real one
// does, it takes what fits.
type smallDisk struct {
	*os.File
	room int64
}

func (d smallDisk) WriteAt(b []byte, at int64) (int, error) {
	fits := max(0, min(int64(len(b)), d.room-at))
	n, err := d.File.WriteAt(b[:fits], at)
	if err == nil && fits < int64(len(b)) {
		err = fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return n, err
}

// TestFullDisk: wherever the disk is full, the writer says so, and the file opens
// with every event that was taken.
func TestFullDisk(t *testing.T) {
	b := newBuilder(t, 1)
	b.login(tls.VersionTLS13)
	b.nasty()
	b.hang()
	for _, f := range Formats() {
		t.Run(f.Ext, func(t *testing.T) {
			whole := int64(len(record(t, f.Ext, Options{Reveal: true}, b.events)))
			for room := whole / 3; room < whole; room += whole/17 + 1 {
				file, taken := fill(t, f, room, b.events)
				if len(file) == 0 || int64(len(file)) > room {
					t.Fatalf("room for %d, and the file has %d bytes", room, len(file))
				}
				if f.Read == nil {
					if f.Ext == ".html" {
						holds(t, file, taken)
					}
					continue
				}
				got, err := replay(file)
				var cut *Truncated
				if err != nil && !errors.As(err, &cut) {
					t.Fatalf("room for %d: %v", room, err)
				}
				if len(got) < len(taken) {
					t.Fatalf("room for %d: %d of %d events", room, len(got), len(taken))
				}
				if diff := cmp.Diff(taken, got[:len(taken)], sameEvent); diff != "" {
					t.Fatalf("room for %d: %.2000s", room, diff)
				}
			}
		})
	}
}

// fill writes events until the disk is full; taken are the numbered ones for
// which Write has returned nil.
func fill(t *testing.T, f Format, room int64, events []session.Event) (file []byte, taken []session.Event) {
	t.Helper()
	disk, err := os.Create(filepath.Join(t.TempDir(), "x"+f.Ext))
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	w, err := f.New(&diskFile{file: smallDisk{disk, room}, written: new(atomic.Int64)}, Options{Reveal: true})
	for i := 0; err == nil && i < len(events); i++ {
		if err = w.Write(events[i]); err == nil && session.Numbered(events[i].Body) {
			taken = append(taken, events[i])
		}
		if fl, ok := w.(Flusher); ok && err == nil && i%5 == 0 {
			err = fl.Flush()
		}
	}
	if c, ok := w.(Closer); ok && err == nil {
		err = c.Close()
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("room for %d: the disk is full, and the error is %v", room, err)
	}
	if file, err = os.ReadFile(disk.Name()); err != nil {
		t.Fatal(err)
	}
	return file, taken
}

// holds says whether a report shows events.
func holds(t *testing.T, file []byte, events []session.Event) {
	t.Helper()
	for _, e := range events {
		if !bytes.Contains(file, fmt.Appendf(nil, `id="s%de%d"`, e.Session, e.Seq)) {
			t.Fatalf("event %d.%d is not there", e.Session, e.Seq)
		}
	}
}
