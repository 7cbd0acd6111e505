package packet

// Bounds of what is kept of datagrams that are not whole.
const (
	maxDatagram  = 1 << 16
	maxDatagrams = 256
	maxFragments = 1 << 10 // packets that are remembered of one
)

// fragments puts IP datagrams together. Of bytes that come twice the first hold.
type fragments struct {
	parts map[fragmentKey]*datagram
	order []fragmentKey // oldest first
}

type fragmentKey struct {
	src, dst end
	id       uint32
	proto    byte
}

type datagram struct {
	data []byte
	have []span // sorted, apart from each other
	size int    // -1 until its last fragment has come

	packets []*Packet // that have brought it so far, if they are wanted
	kept    int       // bytes in them
}

type span struct{ start, end int }

// add takes a fragment and, if the datagram is whole with it, makes p that
// datagram. Fragments that were cut when they were captured are of no use, and
// belong to none.
func (f *fragments) add(p *ipPacket) (d *datagram, whole bool) {
	end := p.offset + len(p.payload)
	if len(p.payload) < p.size || end > maxDatagram || len(p.payload) == 0 {
		return nil, false
	}
	key := fragmentKey{newEnd(p.src, 0), newEnd(p.dst, 0), p.id, p.proto}
	if d = f.parts[key]; d == nil {
		d = f.begin(key)
	}
	if !p.more {
		d.size = end
	}
	d.put(p.offset, p.payload)
	if d.size < 0 || len(d.have) != 1 || d.have[0] != (span{0, d.size}) {
		return d, false
	}
	delete(f.parts, key) // its place in order is found empty later
	p.payload, p.size = d.data[:d.size], d.size
	return d, true
}

func (f *fragments) begin(key fragmentKey) *datagram {
	if f.parts == nil {
		f.parts = map[fragmentKey]*datagram{}
	}
	if len(f.order) >= maxDatagrams {
		delete(f.parts, f.order[0])
		f.order = f.order[1:]
	}
	d := &datagram{size: -1}
	f.parts[key] = d
	f.order = append(f.order, key)
	return d
}

// put copies what is new of b, and joins the spans that meet.
func (d *datagram) put(at int, b []byte) {
	end := at + len(b)
	if len(d.data) < end {
		d.data = append(d.data, make([]byte, end-len(d.data))...)
	}
	from := at
	joined := span{at, end}
	var out []span
	for _, h := range d.have {
		if h.end >= at && h.start <= end {
			if h.start > from {
				copy(d.data[from:h.start], b[from-at:])
			}
			from = max(from, min(h.end, end))
			joined = span{min(joined.start, h.start), max(joined.end, h.end)}
			continue
		}
		out = append(out, h)
	}
	copy(d.data[from:end], b[from-at:])
	place := 0
	for place < len(out) && out[place].start < joined.start {
		place++
	}
	d.have = append(out[:place:place], append([]span{joined}, out[place:]...)...)
}

// remember keeps a packet that has brought a fragment. Who sends the same one again
// and again does not fill the memory.
func (d *datagram) remember(p *Packet) {
	if d.kept += len(p.Data); d.kept <= 4*maxDatagram && len(d.packets) < maxFragments {
		d.packets = append(d.packets, p.clone())
	}
}
