package session

import (
	"encoding/binary"
	"math"
	"time"
)

// pageSizes are those of a trail's pages: small at first, since most sessions say little
// at a time. One of the largest is written with little effort, and only few are in memory.
// All are whole numbers of pageAlign.
var pageSizes = [...]int{4 << 10, 16 << 10, 128 << 10, 1 << 20}

// largest is the class of the largest pages.
const largest = len(pageSizes) - 1

// page is a part of a trail: records, one behind the other. The trail's mu guards it.
type page struct {
	trail  *Trail
	number uint32    // among the pages of its trail
	begins [3]int64  // by direction: where its plaintext goes on
	begun  time.Time // when it was
	mem    []byte    // room for a header, and buf; nil while they lie on disk alone
	buf    []byte    // the records; nil likewise
	events []Seen    // that records name; nil likewise
	taken  int       // bytes of buf that have been taken

	busy    bool   // it is read: its memory has to stay
	full    bool   // nothing more is appended, and it may go to the file
	writing bool   // it goes there
	leaves  bool   // and its memory is to be given up then
	gone    bool   // it is not wanted any more
	moved   bool   // as its records have gone over into another trail
	at      extent // where it lies in the file
	synced  int    // bytes of buf that lie there

	ends   [3]int64 // by direction: where its plaintext ends; when it was taken
	needed int64    // it stays until so many events of the log are saved; 0: not known yet
}

// The kinds of record.
const (
	recordBytes    = iota // plaintext of a direction
	recordWire            // bytes of a leg as TCP carries them
	recordEvent           // an event; the payload is its index in page.events
	recordLost            // plaintext of a direction that was not kept: how many bytes
	recordWireLost        // the same of a leg
	recordMark            // somebody wants to know where a direction stands here
	recordConn            // the records that follow are of this connection
)

// maxRecordHead bounds what a record takes beside its payload.
const maxRecordHead = 1 + 2*binary.MaxVarintLen64

// A record is a byte of kind, direction and leg, the time since the trail began in
// nanoseconds, the length of the payload (varints), and the payload. Of recordLost,
// recordWireLost, recordEvent, recordMark and recordConn the number stands in place of the length, and
// there is no payload.
func appendRecord(buf []byte, kind byte, leg Leg, dir Dir, at time.Duration, n int64) []byte {
	buf = append(buf, kind|byte(dir)<<4|byte(leg)<<6)
	buf = binary.AppendUvarint(buf, uint64(at))
	return binary.AppendUvarint(buf, uint64(n))
}

// record is one as it is read. Its payload is borrowed from the page.
type record struct {
	kind    byte
	leg     Leg
	dir     Dir
	at      time.Duration
	n       int64
	payload []byte
}

// lost is that so many bytes were not kept.
func (r *record) lost(n int64) LogLost {
	return LogLost{Bytes: n, Cause: lossCauses[min(int(r.leg), len(lossCauses)-1)]}
}

// readRecord reads the record at the beginning of b, and how long it is; 0 if b is not
// one.
func readRecord(b []byte) (r record, size int) {
	if len(b) == 0 {
		return r, 0
	}
	r.kind, r.dir, r.leg = b[0]&15, Dir(b[0]>>4&3), Leg(b[0]>>6)
	size = 1
	at, k := binary.Uvarint(b[size:])
	if k <= 0 {
		return r, 0
	}
	size += k
	n, k := binary.Uvarint(b[size:])
	if k <= 0 || n > math.MaxInt64 || r.dir > S2C || r.leg > ServerLeg {
		return r, 0
	}
	size += k
	r.at, r.n = time.Duration(at), int64(n)
	if r.kind == recordBytes || r.kind == recordWire {
		if n > uint64(len(b)-size) {
			return r, 0
		}
		r.payload = b[size : size+int(n)]
		size += int(n)
	}
	return r, size
}
