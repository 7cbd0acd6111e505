package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"xmppscope/internal/lent"
)

// Types of pcapng blocks (draft-ietf-opsawg-pcapng §4).
const (
	BlockSection   = 0x0A0D0D0A
	BlockInterface = 1
	BlockOldPacket = 2 // obsolete, but written by some to this day
	BlockSimple    = 3
	BlockPacket    = 6
	BlockSecrets   = 0x0A
	BlockCustom    = 0xBAD
)

// maxBlock bounds one block of a pcapng file.
const maxBlock = 64 << 20

// Blocks walks the blocks of a pcapng file.
type Blocks struct {
	Order  binary.ByteOrder // of the section
	Offset int64            // of the block that Next has returned, or failed at

	r    io.Reader
	next int64
	buf  []byte
}

// NewBlocks begins at a section header.
func NewBlocks(r io.Reader) *Blocks { return &Blocks{Order: binary.LittleEndian, r: r} }

// Next reads one block whole. The body is valid until the next call. The error is
// io.EOF at the end of the file only.
func (b *Blocks) Next() (kind uint32, body []byte, err error) {
	lent.Back(b.buf)
	b.Offset = b.next
	var head [12]byte
	if err := b.fill(head[:8]); err != nil {
		return 0, nil, err
	}
	rest := head[8:8]
	if kind = b.Order.Uint32(head[:]); kind == BlockSection {
		rest = head[8:12]
		if err := b.fill(rest); err != nil {
			return 0, nil, io.ErrUnexpectedEOF
		}
		order, ok := sectionOrder(rest)
		if !ok {
			return 0, nil, errNoMagic
		}
		b.Order = order
	}
	size := int64(b.Order.Uint32(head[4:])) - 8
	if size < 4+int64(len(rest)) || size%4 != 0 || size > maxBlock {
		return 0, nil, fmt.Errorf("block of type %#x has the length %d", kind, size+8)
	}
	if err := b.body(rest, int(size)); err != nil {
		return 0, nil, err
	}
	if again := b.Order.Uint32(b.buf[size-4:]); int64(again) != size+8 {
		return 0, nil, fmt.Errorf("block of type %#x ends with another length than it begins with", kind)
	}
	return kind, b.buf[:size-4], nil
}

// body reads a block's body and the length behind it. The buffer grows with what
// comes, rather than to a length that a damaged file names.
func (b *Blocks) body(start []byte, size int) error {
	b.buf = append(b.buf[:0], start...)
	for len(b.buf) < size {
		from := len(b.buf)
		to := min(size, max(cap(b.buf), from+1<<16))
		if to > cap(b.buf) {
			b.buf = append(b.buf, make([]byte, to-from)...)
		}
		b.buf = b.buf[:to]
		if err := b.fill(b.buf[from:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

func (b *Blocks) fill(p []byte) error {
	n, err := io.ReadFull(b.r, p)
	b.next += int64(n)
	return err
}

// Options calls do with each option of a block, as far as the list is whole.
func (b *Blocks) Options(list []byte, do func(code uint16, value []byte)) {
	for len(list) >= 4 {
		code, size := b.Order.Uint16(list), int(b.Order.Uint16(list[2:]))
		end := 4 + (size+3)&^3
		if code == 0 || len(list) < end {
			return
		}
		do(code, list[4:4+size])
		list = list[end:]
	}
}

var errNoMagic = errors.New("section header without byte-order magic")

// sectionOrder is the byte order of a section, by the magic in its header.
func sectionOrder(magic []byte) (binary.ByteOrder, bool) {
	switch binary.BigEndian.Uint32(magic) {
	case 0x1A2B3C4D:
		return binary.BigEndian, true
	case 0x4D3C2B1A:
		return binary.LittleEndian, true
	}
	return nil, false
}
