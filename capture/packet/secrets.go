package packet

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// EachSecrets calls do with the key log lines of every decryption secrets block of
// a pcapng file, wherever they stand. It looks at nothing but the heads of the
// other blocks. The error says that the end was not reached; lines are valid until
// do returns.
func EachSecrets(r io.Reader, do func(lines []byte)) error {
	in := bufio.NewReaderSize(r, 1<<18)
	f := ng{blocks: NewBlocks(nil)}
	for {
		head, err := in.Peek(12)
		if len(head) == 0 && err == io.EOF {
			return nil
		}
		if err != nil {
			return short(err)
		}
		kind := f.blocks.Order.Uint32(head)
		if kind == BlockSection {
			order, ok := sectionOrder(head[8:])
			if !ok {
				return errNoMagic
			}
			f.blocks.Order = order
		}
		size := int64(f.blocks.Order.Uint32(head[4:]))
		if size < 12 || size%4 != 0 || size > maxBlock {
			return errors.New("a block has a length that cannot be")
		}
		if kind == BlockSecrets {
			block := make([]byte, size)
			if _, err := io.ReadFull(in, block); err != nil {
				return short(err)
			}
			if lines := f.secrets(block[8 : size-4]); lines != nil {
				do(lines)
			}
		} else if _, err := in.Discard(int(size)); err != nil {
			return short(err)
		}
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
