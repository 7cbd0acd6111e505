package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Packet is one captured packet, or a piece of a key log.
type Packet struct {
	At     time.Time
	Link   uint16 // LINKTYPE_… number
	Data   []byte // as far as it was captured; valid until the next one is read
	Length int    // on the wire
	Keys   []byte // key log lines that the file brings along; then it is no packet
}

// Interface is what has to be known of an interface of a pcapng file to read its
// packets.
type Interface struct {
	Link   uint16
	Name   string // if_name, "" if it has none
	snap   uint32
	ticks  uint64 // in a second
	offset int64  // seconds to add
}

// maxPacket bounds the bytes of one packet; Wireshark has the same bound.
const maxPacket = 256 << 10

// Sniff says whether a file that begins so holds packets.
func Sniff(prefix []byte) bool {
	_, _, ok := pcapMagic(prefix)
	return ok || len(prefix) >= 4 && binary.LittleEndian.Uint32(prefix) == BlockSection
}

// IsNG says whether a file that begins so is pcapng.
func IsNG(prefix []byte) bool {
	return len(prefix) >= 4 && binary.LittleEndian.Uint32(prefix) == BlockSection
}

// pcapMagic knows the byte order and the unit of time by the first bytes.
func pcapMagic(prefix []byte) (order binary.ByteOrder, nano, ok bool) {
	for _, m := range []struct {
		magic string
		order binary.ByteOrder
		nano  bool
	}{
		{"\xa1\xb2\xc3\xd4", binary.BigEndian, false}, {"\xd4\xc3\xb2\xa1", binary.LittleEndian, false},
		{"\xa1\xb2\x3c\x4d", binary.BigEndian, true}, {"\x4d\x3c\xb2\xa1", binary.LittleEndian, true},
	} {
		if bytes.HasPrefix(prefix, []byte(m.magic)) {
			return m.order, m.nano, true
		}
	}
	return nil, false, false
}

// file gives the packets of a capture file one after another.
type file interface {
	// next returns io.EOF at the end, and a *Damaged where the file is cut off or
	// makes no sense.
	next(*Packet) error
}

// open tells the format of a file by its first bytes.
func open(r io.Reader) (file, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, &Damaged{Err: short(err)}
	}
	r = io.MultiReader(bytes.NewReader(head[:]), r)
	if IsNG(head[:]) {
		return &ng{blocks: NewBlocks(r)}, nil
	}
	return openPcap(r)
}

func short(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return tooEarly{}
	}
	return err
}

// tooEarly is the cause of a Damaged where the file is cut off: io.ErrUnexpectedEOF.
type tooEarly struct{}

func (tooEarly) Error() string { return "it ends too early" }
func (tooEarly) Unwrap() error { return io.ErrUnexpectedEOF }

// Damaged says that a capture could not be read to its end. What was whole before
// Offset has been given.
type Damaged struct {
	Offset  int64 // where in the file the part begins that could not be read
	Packets int   // how many were read before it
	Err     error // what is wrong there
}

// Error is one line that names the place and the cause.
func (d *Damaged) Error() string {
	return fmt.Sprintf("packet: the capture is cut off or damaged at byte %d, after %d packets: %v", d.Offset, d.Packets, d.Err)
}

// Unwrap gives the cause.
func (d *Damaged) Unwrap() error { return d.Err }
