package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strings"
	"time"
)

// ng reads pcapng, all its sections and interfaces.
type ng struct {
	blocks *Blocks
	intfs  []Interface
}

const secretsTLS = 0x544c534b // key log lines in a decryption secrets block

func (f *ng) next(out *Packet) error {
	for {
		kind, body, err := f.blocks.Next()
		if err == io.EOF {
			return io.EOF
		}
		found := false
		if err == nil {
			found, err = f.block(kind, body, out)
		}
		if err != nil {
			return &Damaged{Offset: f.blocks.Offset, Err: short(err)}
		}
		if found {
			return nil
		}
	}
}

// block says whether a block holds a packet, or keys.
func (f *ng) block(kind uint32, body []byte, out *Packet) (bool, error) {
	switch kind {
	case BlockSection:
		f.intfs = f.intfs[:0]
	case BlockInterface:
		i, err := f.blocks.Interface(body)
		if err != nil {
			return false, err
		}
		if len(f.intfs) >= maxInterfaces {
			return false, fmt.Errorf("more than %d interfaces", maxInterfaces)
		}
		f.intfs = append(f.intfs, i)
	case BlockPacket, BlockOldPacket, BlockSimple:
		id, p, err := f.blocks.Packet(kind, body, f.intfs)
		if err != nil {
			return false, err
		}
		p.Link, *out = f.intfs[id].Link, p
		return true, nil
	case BlockSecrets:
		out.Keys = f.secrets(body)
		return out.Keys != nil, nil
	}
	return false, nil
}

// maxInterfaces bounds what a section may describe.
const maxInterfaces = 1 << 16

// secrets gives the lines of a decryption secrets block, nil if it holds others.
func (f *ng) secrets(body []byte) []byte {
	if len(body) < 8 || f.blocks.Order.Uint32(body) != secretsTLS {
		return nil
	}
	size := int64(f.blocks.Order.Uint32(body[4:]))
	return body[8:min(int64(len(body)), 8+size)]
}

// Options of an interface (draft-ietf-opsawg-pcapng §4.2).
const (
	optName       = 2
	optResolution = 9
	optTimeOffset = 14
)

// Interface reads an interface description block.
func (b *Blocks) Interface(body []byte) (Interface, error) {
	if len(body) < 8 {
		return Interface{}, errors.New("interface description is too short")
	}
	i := Interface{Link: b.Order.Uint16(body), snap: b.Order.Uint32(body[4:]), ticks: 1e6}
	b.Options(body[8:], func(code uint16, value []byte) {
		switch {
		case code == optName:
			i.Name = strings.TrimRight(string(value), "\x00")
		case code == optResolution && len(value) == 1:
			i.ticks = ticks(value[0])
		case code == optTimeOffset && len(value) == 8:
			i.offset = int64(b.Order.Uint64(value))
		}
	})
	return i, nil
}

// ticks in a second, of the option if_tsresol; microseconds if it is one that
// does not fit.
func ticks(resolution byte) uint64 {
	switch n := resolution & 0x7f; {
	case resolution&0x80 != 0 && n < 63:
		return 1 << n
	case resolution&0x80 == 0 && n <= 18:
		return uint64(math.Pow10(int(n)))
	}
	return 1e6
}

// lastSecond is the end of the year 9999, the last that time stamps in text have.
const lastSecond = 253402300799

// Time is when a time stamp of the interface was.
func (i *Interface) Time(stamp uint64) time.Time {
	hi, lo := bits.Mul64(stamp%i.ticks, 1e9)
	ns, _ := bits.Div64(hi, lo, i.ticks)
	offset := min(max(i.offset, -lastSecond), lastSecond)
	seconds := min(max(int64(min(stamp/i.ticks, lastSecond))+offset, 0), lastSecond)
	return time.Unix(seconds, int64(ns)).UTC()
}

// Packet reads a packet block of any of the three kinds, and says on which of the
// interfaces it was captured. A simple packet has no time of its own.
func (b *Blocks) Packet(kind uint32, body []byte, intfs []Interface) (id int, p Packet, err error) {
	head := 20
	if kind == BlockSimple {
		head = 4
	}
	if len(body) < head {
		return 0, p, errors.New("packet block is too short")
	}
	size, length := uint32(0), b.Order.Uint32(body[head-4:])
	switch kind {
	case BlockPacket:
		id, size = int(b.Order.Uint32(body)), b.Order.Uint32(body[12:])
	case BlockOldPacket: // the upper half of the first number counts drops
		id, size = int(b.Order.Uint16(body)), b.Order.Uint32(body[12:])
	case BlockSimple:
		size = min(length, uint32(len(body)-head))
	}
	if int64(id) >= int64(len(intfs)) {
		return 0, p, fmt.Errorf("packet of interface %d, which is not described", id)
	}
	i := &intfs[id]
	if kind == BlockSimple && i.snap > 0 {
		size = min(size, i.snap)
	}
	if int64(size) > int64(len(body)-head) {
		return 0, p, errors.New("packet is longer than its block")
	}
	if kind != BlockSimple {
		p.At = i.Time(stamp(b.Order, body[4:]))
	}
	p.Link, p.Data = i.Link, body[head:head+int(size)]
	p.Length = max(int(min(length, 1<<30)), int(size))
	return id, p, nil
}

func stamp(order binary.ByteOrder, b []byte) uint64 {
	return uint64(order.Uint32(b))<<32 | uint64(order.Uint32(b[4:]))
}
