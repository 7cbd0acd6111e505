package capture

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// smallDisk is a file on a disk that has room for so many bytes. As a real one
// does, it takes what fits.
type smallDisk struct {
	data []byte
	room int
}

func (d *smallDisk) WriteAt(b []byte, at int64) (int, error) {
	end := min(int(at)+len(b), d.room)
	if end > len(d.data) {
		d.data = append(d.data, make([]byte, end-len(d.data))...)
	}
	n := copy(d.data[at:], b)
	if n < len(b) {
		return n, fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return n, nil
}

func (d *smallDisk) ReadAt(b []byte, at int64) (int, error) {
	return bytes.NewReader(d.data).ReadAt(b, at)
}

func (d *smallDisk) Truncate(size int64) error {
	d.data = d.data[:size]
	return nil
}

func (d *smallDisk) Name() string { return "" } // it cannot be written anew

// TestFullDisk: wherever the disk is full, the writer says so, and the file ends with
// the last event that was taken, or with a part of one that makes sense by itself.
func TestFullDisk(t *testing.T) {
	b := newBuilder(t, 1)
	b.login(tls.VersionTLS13)
	b.nasty()
	b.hang()
	for _, f := range Formats() {
		t.Run(f.Ext, func(t *testing.T) {
			disk, _, err := fill(f, 1<<30, b.events, 1)
			if err != nil {
				t.Fatal(err)
			}
			whole := len(disk.data)
			if held, _, err := fill(f, 1<<30, b.events, 7); err != nil || !bytes.Equal(held.data, disk.data) {
				t.Fatalf("many events in one write: %d bytes, %d if each is written by itself (%v)", len(held.data), whole, err)
			}
			var rooms []int
			for room := whole / 3; room < whole; room += whole/17 + 1 {
				rooms = append(rooms, room)
			}
			for i := range 200 { // wherever an event is cut
				rooms = append(rooms, whole/2+i)
			}
			for _, room := range rooms {
				disk, taken, err := fill(f, room, b.events, 1)
				if !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("room for %d: the disk is full, and the error is %v", room, err)
				}
				if len(disk.data) == 0 || len(disk.data) > room {
					t.Fatalf("room for %d, and the file has %d bytes", room, len(disk.data))
				}
				opens(t, f, disk.data, taken)
				if held, _, err := fill(f, room, b.events, 7); !errors.Is(err, syscall.ENOSPC) || !bytes.Equal(held.data, disk.data) {
					t.Fatalf("room for %d: many events in one write leave %d bytes, each by itself %d (%v)", room, len(held.data), len(disk.data), err)
				}
			}
		})
	}
}

// opens says whether a file is whole, and has these events.
func opens(t *testing.T, f Format, file []byte, events []session.Event) {
	t.Helper()
	if f.Ext == ".xml" {
		wellFormed(t, file)
	}
	switch {
	case f.Read != nil:
		got, err := replay(file)
		if err != nil || len(got) < len(events) {
			t.Fatalf("%d bytes: %d of %d events, %v", len(file), len(got), len(events), err)
		}
		if diff := cmp.Diff(events, got[:len(events)], sameEvent); diff != "" {
			t.Fatalf("%d bytes: %.2000s", len(file), diff)
		}
	case f.Packets:
		if _, err := packet.Read(bytes.NewReader(file), packet.Options{}, func(*packet.Event) error { return nil }); err != nil {
			t.Fatal(err)
		}
	case f.Ext == ".html":
		holds(t, file, events)
	case !bytes.HasSuffix(file, []byte("\n")):
		t.Fatalf("%d bytes: it ends with %q", len(file), file[max(0, len(file)-100):])
	}
}

// fill writes events, until the disk is full if there is not room for all; taken are
// the numbered ones that were taken. So many at a time go to the disk at once.
func fill(f Format, room int, events []session.Event, batch int) (disk *smallDisk, taken []session.Event, err error) {
	disk = &smallDisk{room: room}
	file := &diskFile{file: disk, written: new(atomic.Int64)}
	w, err := f.New(file, Options{Reveal: true})
	var held []session.Event
	for i := 0; err == nil && i < len(events); i++ {
		last := i%batch == batch-1 || i == len(events)-1
		if !last {
			file.hold()
		}
		if err = w.Write(events[i]); err == nil && session.Numbered(events[i].Body) {
			held = append(held, events[i])
		}
		if last && err == nil {
			if err = file.release(); err == nil {
				taken, held = append(taken, held...), nil
			}
		}
		if fl, ok := w.(Flusher); ok && err == nil && i%5 == 0 {
			err = fl.Flush()
		}
	}
	if c, ok := w.(Closer); ok && err == nil {
		err = c.Close()
	}
	return disk, taken, err
}

// holds says whether a report is whole, and shows events.
func holds(t *testing.T, file []byte, events []session.Event) {
	t.Helper()
	if !bytes.HasSuffix(file, []byte(pageEnd)) {
		t.Fatalf("it ends with %q", file[max(0, len(file)-100):])
	}
	for _, e := range events {
		if !bytes.Contains(file, fmt.Appendf(nil, `id="s%de%d"`, e.Session, e.Seq)) {
			t.Fatalf("event %d.%d is not there", e.Session, e.Seq)
		}
	}
}
