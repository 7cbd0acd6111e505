package packet

import (
	"encoding/binary"
	"fmt"
	"io"
)

// pcap reads the older format (draft-ietf-opsawg-pcap).
type pcap struct {
	r      io.Reader
	order  binary.ByteOrder
	on     Interface
	offset int64 // of the next record
	head   [16]byte
	buf    []byte
}

func openPcap(r io.Reader) (*pcap, error) {
	var head [24]byte
	n, err := io.ReadFull(r, head[:])
	order, nano, ok := pcapMagic(head[:n])
	switch {
	case !ok:
		return nil, &Damaged{Err: fmt.Errorf("it begins with % x, as no packet capture does", head[:min(n, 4)])}
	case err != nil:
		return nil, &Damaged{Err: short(err)}
	}
	// The upper bits tell of checksums behind the frames, which the lengths in
	// the IP headers leave out anyway.
	on := Interface{ticks: 1e6}
	on.Link, on.Snap, on.Resolution = order.Uint16(linkField(head[20:], order)), order.Uint32(head[16:]), 6
	if nano {
		on.ticks, on.Resolution = 1e9, 9
	}
	return &pcap{r: r, order: order, on: on, offset: 24}, nil
}

// linkField is the lower half of the header's last number.
func linkField(b []byte, order binary.ByteOrder) []byte {
	if order == binary.BigEndian {
		return b[2:4]
	}
	return b[:2]
}

func (p *pcap) next(out *Packet) error {
	n, err := io.ReadFull(p.r, p.head[:])
	if err == io.EOF {
		return io.EOF
	}
	if err != nil {
		return &Damaged{Offset: p.offset, Err: short(err)}
	}
	size, length := p.order.Uint32(p.head[8:]), p.order.Uint32(p.head[12:])
	if size > maxPacket {
		return &Damaged{Offset: p.offset, Err: fmt.Errorf("a packet of %d bytes", size)}
	}
	if cap(p.buf) < int(size) {
		p.buf = make([]byte, max(int(size), 1<<11))
	}
	data := p.buf[:size]
	if _, err := io.ReadFull(p.r, data); err != nil {
		return &Damaged{Offset: p.offset, Err: short(err)}
	}
	p.offset += int64(n) + int64(size)
	stamp := uint64(p.order.Uint32(p.head[:]))*p.on.ticks + uint64(p.order.Uint32(p.head[4:]))
	*out = Packet{At: p.on.Time(stamp), On: &p.on, Stamp: stamp, Data: data, Length: max(int(min(length, 1<<30)), int(size))}
	return nil
}
