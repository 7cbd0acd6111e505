package packet

import (
	"fmt"
	"io"

	"xmppscope/internal/lent"
)

// pcap reads the older format (draft-ietf-opsawg-pcap).
type pcap struct {
	pcapForm
	r      io.Reader
	on     *Interface
	offset int64 // of the next record
	head   [pcapHeader]byte
	buf    []byte
}

const pcapHeader = 24 // bytes of the file's header

func openPcap(r io.Reader) (*pcap, error) {
	p := &pcap{r: r}
	return p, p.open(0)
}

// open reads the header of a file, of which the first bytes are there already.
func (p *pcap) open(have int) error {
	n, err := io.ReadFull(p.r, p.head[have:])
	form, ok := pcapMagic(p.head[:have+n])
	switch {
	case !ok:
		return &Damaged{Offset: p.offset, Err: fmt.Errorf("it begins with % x, as no packet capture does", p.head[:min(have+n, 4)])}
	case err != nil:
		return &Damaged{Offset: p.offset, Err: short(err)}
	}
	// The upper bits of the last number tell of checksums behind the frames, which
	// the lengths in the IP headers leave out anyway.
	p.pcapForm, p.on = form, &Interface{ticks: 1e6}
	p.on.Link, p.on.Snap, p.on.Resolution = uint16(form.order.Uint32(p.head[20:])), form.order.Uint32(p.head[16:]), 6
	if form.nano {
		p.on.ticks, p.on.Resolution = 1e9, 9
	}
	p.offset += pcapHeader
	return nil
}

func (p *pcap) next(out *Packet) error {
	for {
		head := p.head[:p.pcapForm.head]
		n, err := io.ReadFull(p.r, head)
		if err == io.EOF {
			return io.EOF
		}
		if err != nil {
			return &Damaged{Offset: p.offset, Err: short(err)}
		}
		if !p.joined(head) {
			return p.packet(head, out)
		}
		if err := p.open(n); err != nil {
			return err
		}
	}
}

// joined says whether another file begins where a packet should: files are put
// together with cat, too. As a time the magic number is 60 years away.
func (p *pcap) joined(head []byte) bool {
	if version := string(head[4:8]); version != "\x02\x00\x04\x00" && version != "\x00\x02\x00\x04" {
		return false
	}
	_, ok := pcapMagic(head)
	return ok
}

func (p *pcap) packet(head []byte, out *Packet) error {
	size, length := p.order.Uint32(head[8:]), p.order.Uint32(head[12:])
	if size > maxPacket {
		return &Damaged{Offset: p.offset, Err: fmt.Errorf("a packet of %d bytes", size)}
	}
	if cap(p.buf) < int(size) {
		p.buf = make([]byte, max(int(size), 1<<11))
	}
	data := p.buf[:size]
	lent.Back(p.buf)
	if _, err := io.ReadFull(p.r, data); err != nil {
		return &Damaged{Offset: p.offset, Err: short(err)}
	}
	stamp := uint64(p.order.Uint32(head))*p.on.ticks + uint64(p.order.Uint32(head[4:]))
	*out = Packet{At: p.on.Time(stamp), On: p.on, Stamp: stamp, Data: data, Length: max(int(min(length, 1<<30)), int(size)), Offset: p.offset}
	p.offset += int64(len(head)) + int64(size)
	return nil
}
