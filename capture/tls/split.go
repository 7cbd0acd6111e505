package tls

import "encoding/binary"

// Records (RFC 8446 §5.1).
const (
	headerSize = 5
	// mostRecord is what a record may hold at most: 2^14 bytes, and what protection
	// adds in TLS 1.2 (RFC 5246 §6.2.3).
	mostRecord = 1<<14 + 2048

	recordCCS       = 20
	recordAlert     = 21
	recordHandshake = 22
	recordData      = 23
	recordHeartbeat = 24
)

// splitter cuts the bytes of one direction into records.
type splitter struct {
	buf    []byte // the start of a record
	hurt   int    // bytes still to come of a record of which some are missing
	adrift bool   // where the next record begins is not known
}

// isHeader says whether a record can begin like this, for as much as there is.
func isHeader(p []byte) bool {
	if len(p) > 0 && (p[0] < recordCCS || p[0] > recordHeartbeat) {
		return false
	}
	if len(p) > 1 && p[1] != 3 || len(p) > 2 && p[2] > 4 {
		return false
	}
	return len(p) < headerSize || recordSize(p) <= headerSize+mostRecord
}

func recordSize(header []byte) int { return headerSize + int(binary.BigEndian.Uint16(header[3:])) }

// next returns the next whole record, header included, and what is left of p. The
// record is nil if there is none yet (rest is then empty), or if p does not go on
// with a record (bad). A record that lies in p as a whole is not copied.
func (s *splitter) next(p []byte) (record, rest []byte, bad bool) {
	if n := min(s.hurt, len(p)); n > 0 {
		s.hurt, p = s.hurt-n, p[n:]
	}
	if s.adrift {
		p = s.land(p)
		if s.adrift {
			return nil, nil, false
		}
	}
	if len(s.buf) == 0 && len(p) >= headerSize && isHeader(p) && len(p) >= recordSize(p) {
		n := recordSize(p)
		return p[:n], p[n:], false
	}
	p = s.fill(p, headerSize)
	if !isHeader(s.buf) {
		return nil, p, true
	}
	if len(s.buf) < headerSize {
		return nil, nil, false
	}
	size := recordSize(s.buf)
	p = s.fill(p, size)
	if len(s.buf) < size {
		return nil, nil, false
	}
	record, s.buf = s.buf, s.buf[:0]
	return record, p, false
}

// fill moves bytes of p to buf until that has size bytes.
func (s *splitter) fill(p []byte, size int) []byte {
	n := min(max(size-len(s.buf), 0), len(p))
	s.buf = append(s.buf, p[:n]...)
	return p[n:]
}

// gap says that n bytes are missing, and how many records at least partly so. An
// n below 0 stands for an unknown number.
func (s *splitter) gap(n int64) {
	left := int64(s.hurt)
	if len(s.buf) >= headerSize {
		left = int64(recordSize(s.buf) - len(s.buf))
	}
	s.buf = s.buf[:0]
	if n >= 0 && n <= left {
		s.hurt = int(left - n)
		return
	}
	s.hurt, s.adrift = 0, true
}

// land looks for where the next record begins: a header whose record is followed
// by another header, or ends where the bytes do. It returns p from there, or keeps
// what may be the beginning. One that cannot be told yet, for its record is not
// complete, does not hide one behind it that can: random bytes look like a header
// now and then.
func (s *splitter) land(p []byte) []byte {
	all := append(s.buf, p...)
	keep := len(all)
	for i := range all {
		at := all[i:]
		if !isHeader(at) {
			continue
		}
		switch sure, wrong := follows(at); {
		case sure:
			s.adrift, s.buf = false, nil
			return at
		case !wrong:
			keep = min(keep, i)
		}
	}
	s.buf = append(s.buf[:0], all[keep:]...)
	return nil
}

// follows looks at what is behind the record that may begin p.
func follows(p []byte) (sure, wrong bool) {
	const enough = 3 // bytes of a header: type and version
	if len(p) < headerSize || len(p) < recordSize(p) {
		return false, false
	}
	n := recordSize(p)
	next := p[n:]
	if n == headerSize || !isHeader(next) {
		return false, true
	}
	return len(next) == 0 || len(next) >= enough, false
}
