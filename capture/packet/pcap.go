package packet

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// pcap reads the older format (draft-ietf-opsawg-pcap).
type pcap struct {
	r      io.Reader
	order  binary.ByteOrder
	nano   bool
	link   uint16
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
	return &pcap{r: r, order: order, nano: nano, link: order.Uint16(linkField(head[20:], order)), offset: 24}, nil
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
	fraction := int64(p.order.Uint32(p.head[4:]))
	if !p.nano {
		fraction *= 1000
	}
	*out = Packet{
		At:   time.Unix(int64(p.order.Uint32(p.head[:])), fraction).UTC(),
		Link: p.link, Data: data, Length: max(int(min(length, 1<<30)), int(size)),
	}
	return nil
}
