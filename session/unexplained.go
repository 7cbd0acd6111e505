package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"time"
)

// UnexplainedExt is what the name of a recording has behind it in that of the file that
// holds what was seen and has not got into the recording yet.
const UnexplainedExt = ".unexplained"

// A file of what was not explained is a row of pages at multiples of pageAlign, with
// anything between them.
const (
	pageAlign = 4 << 10
	pageMagic = "XSP1"
	pageHead  = 64
)

// pageHeader is what a page begins with: the magic, the header's fields in this order
// (little-endian), a checksum of all but the magic and itself (CRC-32, IEEE), zeros up to
// pageHead.
type pageHeader struct {
	Session int32
	Number  uint32   // among the session's pages
	Begun   int64    // when the session began, Unix time in nanoseconds
	Begins  [2]int64 // c2s, s2c: where the page's plaintext goes on
	Records uint32   // bytes of records
	Events  uint32   // bytes of events, as JSON Lines, behind them
}

const pageFields = 4 + 4 + 8 + 16 + 4 + 4

func (h *pageHeader) append(buf []byte) []byte {
	buf, _ = binary.Append(buf, binary.LittleEndian, h)
	return buf
}

// put writes the header of a page into its first pageHead bytes; the records and the
// events are those that follow.
func (h *pageHeader) put(head, records, events []byte) {
	h.Records, h.Events = uint32(len(records)), uint32(len(events))
	out := h.append(append(head[:0], pageMagic...))
	sum := crc32.ChecksumIEEE(out[len(pageMagic):])
	sum = crc32.Update(crc32.Update(sum, crc32.IEEETable, records), crc32.IEEETable, events)
	out = binary.LittleEndian.AppendUint32(out, sum)
	clear(head[len(out):pageHead])
}

// aligned is n rounded up to where a page may begin.
func aligned(n int64) int64 { return (n + pageAlign - 1) &^ (pageAlign - 1) }

// Unexplained is what a run that did not come to its end has left beside a recording.
type Unexplained struct{ pages map[int][]*leftPage }

// leftPage is a page as it was read back.
type leftPage struct {
	pageHeader
	records, events []byte
}

// ReadUnexplained reads a file of UnexplainedExt. Pages that were written in part are left
// out: what they held is older than the last second before the end only if the disk was.
func ReadUnexplained(path string) (*Unexplained, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("session: %s is no regular file", path)
	}
	u := &Unexplained{map[int][]*leftPage{}}
	head := make([]byte, pageHead)
	for at := int64(0); at+pageHead <= info.Size(); {
		if _, err := f.ReadAt(head, at); err != nil {
			return nil, err
		}
		p, err := readPage(f, at, head, info.Size())
		if err != nil {
			at += pageAlign
			continue
		}
		at += aligned(pageHead + int64(p.Records) + int64(p.Events))
		u.add(p)
	}
	for _, pages := range u.pages {
		slices.SortFunc(pages, func(a, b *leftPage) int { return int(a.Number) - int(b.Number) })
	}
	return u, nil
}

var errNoPage = errors.New("no page")

func readPage(f io.ReaderAt, at int64, head []byte, size int64) (*leftPage, error) {
	if string(head[:len(pageMagic)]) != pageMagic {
		return nil, errNoPage
	}
	p := new(leftPage)
	fields := head[len(pageMagic) : len(pageMagic)+pageFields]
	if _, err := binary.Decode(fields, binary.LittleEndian, &p.pageHeader); err != nil {
		return nil, err
	}
	n := int64(p.Records) + int64(p.Events)
	if at+pageHead+n > size || n > 64<<20 {
		return nil, errNoPage
	}
	body := make([]byte, n)
	if _, err := f.ReadAt(body, at+pageHead); err != nil {
		return nil, err
	}
	sum := crc32.Update(crc32.ChecksumIEEE(fields), crc32.IEEETable, body)
	if sum != binary.LittleEndian.Uint32(head[len(pageMagic)+pageFields:]) {
		return nil, errNoPage
	}
	p.records, p.events = body[:p.Records], body[p.Records:]
	return p, nil
}

// add takes a page; of two with the same number, as when one was written again because
// more had come, the longer one counts.
func (u *Unexplained) add(p *leftPage) {
	pages := u.pages[int(p.Session)]
	for i, before := range pages {
		if before.Number == p.Number {
			if p.Records > before.Records {
				pages[i] = p
			}
			return
		}
	}
	u.pages[int(p.Session)] = append(pages, p)
}

// Sessions are those of which something is left, in order.
func (u *Unexplained) Sessions() []int {
	var out []int
	for id := range u.pages {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// Reached is how far a recording has come with a session: by direction, how many bytes of
// plaintext it holds, and when its last event was.
type Reached struct {
	Plain [3]int64
	Last  time.Time
	Kinds map[string]bool // of the events at Last
	seq   uint64          // of the last event
	torn  bool            // events are missing, as in a part of a rotated recording
}

// Note takes an event of the recording, in order.
func (r *Reached) Note(e *Event) {
	r.torn = r.torn || e.Seq != r.seq+1
	r.seq = e.Seq
	switch b := e.Body.(type) {
	case RelayDropped: // never was part of what is cut
	case LogLost:
		if !b.Captured && e.Dir != NoDir {
			r.Plain[e.Dir] += b.Bytes
		}
	default:
		if IsPlaintext(e.Body) {
			r.Plain[e.Dir] += e.Size
			return
		}
	}
	if !e.At.Equal(r.Last) {
		r.Last, r.Kinds = e.At, map[string]bool{}
	}
	r.Kinds[e.Kind()] = true
}

// Whole says whether all of a session is left, from its first byte.
func (u *Unexplained) Whole(session int) bool {
	for i, p := range u.pages[session] {
		if p.Number != uint32(i) {
			return false
		}
	}
	return len(u.pages[session]) > 0
}

// Missing is Each where nobody can read the bytes, for a cause: what was seen after the last
// event of the recording is told to be missing, and what happened beside is handed over.
func (u *Unexplained) Missing(session int, last time.Time, cause string, f func(Seen)) {
	var newest [3]Seen
	var lost [3]int64
	tell := func() {
		for dir := C2S; dir <= S2C; dir++ {
			if lost[dir] > 0 {
				e := newest[dir]
				e.Leg, e.Body, e.Raw, e.Size = dir.From(), LogLost{Bytes: lost[dir], Cause: cause}, nil, 0
				f(e)
				lost[dir] = 0
			}
		}
	}
	u.Each(session, Reached{torn: true}, func(e Seen) {
		if !e.At.After(last) {
			return
		}
		switch b := e.Body.(type) {
		case StreamBytes:
			lost[e.Dir] += e.Size
			newest[e.Dir] = e
		case LogLost:
			lost[e.Dir] += b.Bytes
			newest[e.Dir] = e
		default:
			tell()
			f(e)
		}
	})
	tell()
}

// Each hands what is left of a session to f, as Trail.Take does, from where the recording
// has come to. Bytes as TCP carried them are left out.
func (u *Unexplained) Each(session int, from Reached, f func(Seen)) {
	at := [3]int64{}
	for _, p := range u.pages[session] {
		begun := time.Unix(0, p.Begun)
		var events []Seen
		for line := range bytes.Lines(p.events) {
			if e, err := DecodeJSON(bytes.TrimSuffix(line, []byte("\n"))); err == nil {
				events = append(events, e.Seen)
			}
		}
		for dir := C2S; dir <= S2C; dir++ {
			if gap := p.Begins[dir-1] - max(at[dir], from.Plain[dir]); gap > 0 && (at[dir] > 0 || !from.torn) {
				f(Seen{Session: session, At: begun, Leg: dir.From(), Dir: dir, Body: LogLost{Bytes: gap, Cause: "a page of the file beside the recording is missing"}})
			}
			at[dir] = p.Begins[dir-1]
		}
		conn := int32(0)
		for rest := p.records; len(rest) > 0; {
			r, size := readRecord(rest)
			if size == 0 {
				break
			}
			rest = rest[size:]
			e := Seen{Session: session, At: begun.Add(r.at), Leg: r.leg, Dir: r.dir, Conn: conn}
			switch r.kind {
			case recordConn:
				conn = int32(r.n)
				continue
			case recordBytes, recordLost:
				end := at[r.dir] + r.n
				known := min(max(from.Plain[r.dir]-at[r.dir], 0), r.n)
				if at[r.dir] = end; known == r.n {
					continue
				}
				if r.kind == recordBytes {
					e.Body, e.Raw, e.Size = StreamBytes{}, r.payload[known:], r.n-known
				} else {
					e.Leg, e.Body = r.dir.From(), r.lost(r.n-known)
				}
			case recordEvent:
				if r.n >= int64(len(events)) {
					continue
				}
				e = events[r.n]
				if e.At.Before(from.Last) || e.At.Equal(from.Last) && from.Kinds[e.Kind()] {
					continue
				}
			default:
				continue
			}
			f(e)
		}
	}
}
