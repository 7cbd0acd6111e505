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
	before int // interfaces of earlier sections
	last   time.Time
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
		f.before += len(f.intfs)
		f.intfs = nil // packets point to the old ones
	case BlockInterface:
		i, err := f.blocks.Interface(body)
		if err != nil {
			return false, err
		}
		if len(f.intfs) >= maxInterfaces {
			return false, fmt.Errorf("more than %d interfaces", maxInterfaces)
		}
		i.ID = f.before + len(f.intfs)
		f.intfs = append(f.intfs, i)
	case BlockPacket, BlockOldPacket, BlockSimple:
		p, err := f.blocks.Packet(kind, body, f.intfs)
		if err != nil {
			return false, err
		}
		if kind == BlockSimple { // it has no time
			p.At, p.Stamp = f.last, p.On.stamp(f.last)
		}
		f.last, p.Offset = p.At, f.blocks.Offset
		*out = p
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
	optName        = 2
	optDescription = 3
	optResolution  = 9
	optFilter      = 11 // behind a byte that is 0 for the language of libpcap
	optOS          = 12
	optTimeOffset  = 14
)

// OptComment is a comment, on whatever it stands.
const OptComment = 1

// Interface reads an interface description block.
func (b *Blocks) Interface(body []byte) (Interface, error) {
	if len(body) < 8 {
		return Interface{}, errors.New("interface description is too short")
	}
	var i Interface
	i.Link, i.Snap, i.Resolution = b.Order.Uint16(body), b.Order.Uint32(body[4:]), 6
	b.Options(body[8:], func(code uint16, value []byte) {
		switch {
		case code == optName:
			i.Name = text(value)
		case code == optDescription:
			i.Description = text(value)
		case code == optFilter && len(value) > 1 && value[0] == 0:
			i.Filter = text(value[1:])
		case code == optOS:
			i.OS = text(value)
		case code == optResolution && len(value) == 1:
			i.Resolution = value[0]
		case code == optTimeOffset && len(value) == 8:
			i.Offset = int64(b.Order.Uint64(value))
		}
	})
	i.ticks = ticks(i.Resolution)
	return i, nil
}

// text is an option's value. Some pad it with NULs.
func text(value []byte) string {
	return strings.ToValidUTF8(strings.TrimRight(string(value), "\x00"), "\uFFFD")
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
	offset := min(max(i.Offset, -lastSecond), lastSecond)
	seconds := min(max(int64(min(stamp/i.ticks, lastSecond))+offset, 0), lastSecond)
	return time.Unix(seconds, int64(ns)).UTC()
}

// stamp is the time stamp for a time, cut off to what the interface can tell.
func (i *Interface) stamp(at time.Time) uint64 {
	seconds := max(at.Unix()-i.Offset, 0)
	hi, lo := bits.Mul64(uint64(at.Nanosecond()), i.ticks)
	part, _ := bits.Div64(hi, lo, 1e9)
	return uint64(seconds)*i.ticks + part
}

// Packet reads a packet block of any of the three kinds. A simple packet has no
// time of its own.
func (b *Blocks) Packet(kind uint32, body []byte, intfs []Interface) (p Packet, err error) {
	id, head := 0, 20
	if kind == BlockSimple {
		head = 4
	}
	if len(body) < head {
		return p, errors.New("packet block is too short")
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
		return p, fmt.Errorf("packet of interface %d, which is not described", id)
	}
	i := &intfs[id]
	if kind == BlockSimple && i.Snap > 0 {
		size = min(size, i.Snap)
	}
	if int64(size) > int64(len(body)-head) {
		return p, errors.New("packet is longer than its block")
	}
	if kind != BlockSimple {
		p.Stamp = stamp(b.Order, body[4:])
		p.At = i.Time(p.Stamp)
	}
	p.On, p.Data = i, body[head:head+int(size)]
	p.Length = max(int(min(length, 1<<30)), int(size))
	if end := head + (int(size)+3)&^3; kind != BlockSimple && end < len(body) {
		b.Options(body[end:], func(code uint16, value []byte) {
			if code == OptComment {
				p.Comments = append(p.Comments, text(value))
			}
		})
		p.Options = body[end:]
	}
	return p, nil
}

func stamp(order binary.ByteOrder, b []byte) uint64 {
	return uint64(order.Uint32(b))<<32 | uint64(order.Uint32(b[4:]))
}
