package capture

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"time"

	"github.com/google/gopacket/layers"

	"xmppscope/session"
)

// ErrForeign is Read's error for packets that xmppscope has not written: there
// are no events in them, only bytes.
var ErrForeign = errors.New("packets of other origin, without events of xmppscope")

func sniffPcapNG(prefix []byte) bool {
	return len(prefix) >= 4 && binary.LittleEndian.Uint32(prefix) == blockSection
}

// ngReader walks the blocks of a pcapng file.
type ngReader struct {
	r      io.Reader
	order  binary.ByteOrder
	offset int64 // of the block that is being read
	next   int64 // of the one after it
	intfs  []ngInterface
	header bool // our header has been seen: the custom blocks are all there is to read
	found  bool // something of ours has been seen
	again  *rebuilder
	legs   map[tuple]shownLeg // by the addresses they are shown with
}

// ngInterface is what one has to know of an interface to read its packets.
type ngInterface struct {
	link  uint16
	ticks uint64 // in a second
}

// readPcapNG emits the events of the custom blocks, and between them what the
// legs carried as wire:bytes, each where its packet stands. A file without custom
// blocks (they may be lost when a tool rewrites it) gives what its "decoded"
// interface tells.
func readPcapNG(r io.Reader, emit func(session.Event) error) error {
	ng := &ngReader{r: r, order: binary.LittleEndian, again: newRebuilder(), legs: map[tuple]shownLeg{}}
	for {
		ng.offset = ng.next
		kind, body, err := ng.block()
		if err == io.EOF {
			if !ng.found {
				return fmt.Errorf("capture: %w", ErrForeign)
			}
			return nil
		}
		var e *session.Event
		if err == nil {
			e, err = ng.read(kind, body)
		}
		if err != nil {
			return &Truncated{Ext: ".pcapng", Offset: ng.offset, Err: err}
		}
		if e == nil {
			continue
		}
		if err := emit(*e); err != nil {
			return err
		}
	}
}

// read gives the event of a block, nil if it holds none.
func (ng *ngReader) read(kind uint32, body []byte) (*session.Event, error) {
	switch kind {
	case blockSection:
		ng.intfs = nil
	case blockInterface:
		return nil, ng.intf(body)
	case blockCustom:
		return ng.custom(body)
	case blockPacket:
		return ng.packet(body)
	}
	return nil, nil
}

// block reads one block whole. It returns io.EOF at the end of the file only.
func (ng *ngReader) block() (kind uint32, body []byte, err error) {
	head := make([]byte, 12)
	n, err := io.ReadFull(ng.r, head[:8])
	ng.next += int64(n)
	if err != nil {
		return 0, nil, err
	}
	rest := head[8:8]
	if kind = ng.order.Uint32(head); kind == blockSection {
		rest = head[8:12]
		n, err := io.ReadFull(ng.r, rest)
		ng.next += int64(n)
		if err != nil {
			return 0, nil, io.ErrUnexpectedEOF
		}
		switch binary.BigEndian.Uint32(rest) {
		case 0x1A2B3C4D:
			ng.order = binary.BigEndian
		case 0x4D3C2B1A:
			ng.order = binary.LittleEndian
		default:
			return 0, nil, errors.New("section header without byte-order magic")
		}
	}
	size := int64(ng.order.Uint32(head[4:])) - 8
	if size < 4+int64(len(rest)) || size%4 != 0 || size > maxRecord {
		return 0, nil, fmt.Errorf("block of type %#x has the length %d", kind, size+8)
	}
	// Copied rather than read into a buffer of that size, which a damaged length
	// would make large for nothing.
	var b bytes.Buffer
	b.Write(rest)
	m, err := io.CopyN(&b, ng.r, size-int64(len(rest)))
	ng.next += m
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, nil, err
	}
	body = b.Bytes()[:size-4]
	if again := ng.order.Uint32(b.Bytes()[size-4:]); int64(again) != size+8 {
		return 0, nil, fmt.Errorf("block of type %#x ends with another length than it begins with", kind)
	}
	return kind, body, nil
}

// custom reads a custom block; those of others are passed over.
func (ng *ngReader) custom(body []byte) (*session.Event, error) {
	if len(body) < 4 || ng.order.Uint32(body) != enterprise {
		return nil, nil
	}
	text := body[4:]
	isLeg := bytes.HasPrefix(text, []byte(customLeg))
	if !isLeg && !bytes.HasPrefix(text, []byte(customName)) {
		return nil, nil
	}
	_, line, _ := bytes.Cut(text, []byte{' '})
	line, _, whole := bytes.Cut(line, []byte{'\n'})
	if !whole {
		return nil, errors.New("custom block of xmppscope without the end of its line")
	}
	if isLeg {
		var l shownLeg
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, fmt.Errorf("leg: %w", err)
		}
		ng.legs[tuple{l.Client, l.Server}] = l
		return nil, nil
	}
	if !ng.header {
		h, err := parseHeader(line)
		if err != nil {
			return nil, err
		}
		ng.header, ng.found = true, true
		if err := h.Check(); err != nil {
			return nil, err
		}
		return nil, nil
	}
	e, err := session.DecodeJSON(line)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

const optTimeResolution = 9

// intf notes an interface's link type and clock.
func (ng *ngReader) intf(body []byte) error {
	if len(body) < 8 {
		return errors.New("interface description is too short")
	}
	i := ngInterface{link: ng.order.Uint16(body), ticks: 1e6}
	for o := body[8:]; len(o) >= 4; {
		code, size := ng.order.Uint16(o), int(ng.order.Uint16(o[2:]))
		if code == optEnd || len(o) < 4+padded(size) {
			break
		}
		if code == optTimeResolution && size == 1 {
			i.ticks = ticks(o[4])
		}
		o = o[4+padded(size):]
	}
	ng.intfs = append(ng.intfs, i)
	return nil
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

// packet gives the wire:bytes that a leg's packet carried, or, where there are
// no events in the file, one rebuilt from a packet of the "decoded" kind.
func (ng *ngReader) packet(body []byte) (*session.Event, error) {
	if len(body) < 20 {
		return nil, errors.New("packet block is too short")
	}
	id := ng.order.Uint32(body)
	stamp := uint64(ng.order.Uint32(body[4:]))<<32 | uint64(ng.order.Uint32(body[8:]))
	size, length := ng.order.Uint32(body[12:]), ng.order.Uint32(body[16:])
	if int64(size) > int64(len(body)-20) {
		return nil, errors.New("packet is longer than its block")
	}
	if int64(id) >= int64(len(ng.intfs)) {
		return nil, fmt.Errorf("packet of interface %d, which is not described", id)
	}
	i := ng.intfs[id]
	hi, lo := bits.Mul64(stamp%i.ticks, 1e9)
	ns, _ := bits.Div64(hi, lo, i.ticks)
	at := time.Unix(int64(stamp/i.ticks), int64(ns)).UTC()
	data := body[20 : 20+size]
	switch {
	case i.link == uint16(layers.LinkTypeRaw):
		return ng.wire(at, data), nil
	case i.link == linkExported && !ng.header:
		e := ng.again.event(at, data, int64(length))
		ng.found = ng.found || e != nil
		return e, nil
	}
	return nil, nil
}

// wire gives what a packet of a known leg carried, nil if that is nothing.
func (ng *ngReader) wire(at time.Time, data []byte) *session.Event {
	from, to, payload := openPacket(data)
	if len(payload) == 0 {
		return nil
	}
	e := session.Event{At: at, Body: session.WireBytes{}, Dir: session.C2S, Raw: payload, Size: int64(len(payload))}
	l, ok := ng.legs[tuple{from, to}]
	if !ok {
		l, ok = ng.legs[tuple{to, from}]
		e.Dir = session.S2C
	}
	if !ok || l.Session < 1 {
		return nil
	}
	e.Session = l.Session
	e.Leg = session.ServerLeg
	if l.Leg == session.ClientLeg.String() {
		e.Leg = session.ClientLeg
	}
	return &e
}
