package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// ErrForeign is Read's error for packets that xmppscope has not written: there
// are no events in them, only bytes.
var ErrForeign = errors.New("packets of other origin, without events of xmppscope")

// Foreign says whether a file holds packets, and no events of xmppscope: packets
// that package capture/passive has to make sense of. It looks ahead in r as far as
// it needs to, and takes nothing.
func Foreign(r *bufio.Reader) bool {
	for n := 4; ; n *= 2 {
		prefix, err := r.Peek(min(n, r.Size()))
		if foreign, sure := foreign(prefix); sure || err != nil || n >= r.Size() {
			return foreign
		}
	}
}

// foreign is Foreign for what has come so far.
func foreign(prefix []byte) (foreign, sure bool) {
	if !packet.IsNG(prefix) {
		return foreignPcap(prefix)
	}
	ng := newNGReader(bytes.NewReader(prefix))
	for {
		kind, body, err := ng.blocks.Next()
		if err != nil {
			return !ng.ours(), false
		}
		switch kind {
		case packet.BlockPacket, packet.BlockSimple, packet.BlockOldPacket:
			return !ng.ours(), true
		}
		if _, err := ng.read(kind, body); err != nil || ng.header {
			return !ng.ours(), true
		}
	}
}

// ngReader walks the blocks of a pcapng file.
type ngReader struct {
	blocks    *packet.Blocks
	intfs     []packet.Interface
	described int  // interfaces so far, in all sections
	lines          // once the header has been seen, the custom blocks are all there is to read
	found     bool // something of ours has been seen
	again     *rebuilder
	legs      map[tuple]shownLeg // by the addresses they are shown with
}

func newNGReader(r io.Reader) *ngReader {
	return &ngReader{blocks: packet.NewBlocks(r), again: newRebuilder(), legs: map[tuple]shownLeg{}}
}

// ours says whether the file is one of ours, be it without its custom blocks.
func (ng *ngReader) ours() bool {
	return ng.header || slices.ContainsFunc(ng.intfs, func(i packet.Interface) bool {
		return i.Link == linkExported && i.Name == decodedName
	})
}

// readPcapNG emits the events of the custom blocks, and between them what the
// legs carried as wire:bytes, and what others have captured as wire:packet, each
// where its packet stands. A file without custom
// blocks (they may be lost when a tool rewrites it) gives what its "decoded"
// interface tells.
func readPcapNG(r io.Reader, emit func(session.Event) error) error {
	ng := newNGReader(r)
	for {
		kind, body, err := ng.blocks.Next()
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
			return &Truncated{Ext: ".pcapng", Offset: ng.blocks.Offset, Err: err}
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
	case packet.BlockSection:
		ng.intfs = nil
	case packet.BlockInterface:
		i, err := ng.blocks.Interface(body)
		if err != nil {
			return nil, err
		}
		i.ID = ng.described
		ng.described++
		ng.intfs = append(ng.intfs, i)
	case blockCustom, blockLocal:
		return ng.custom(body)
	case packet.BlockPacket:
		return ng.packet(body)
	}
	return nil, nil
}

// custom reads a custom block; those of others are passed over.
func (ng *ngReader) custom(body []byte) (*session.Event, error) {
	if len(body) < 4 || ng.blocks.Order.Uint32(body) != enterprise {
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
	e, err := ng.event(line)
	ng.found = ng.found || ng.header
	return e, err
}

// packet gives the wire:bytes that a leg's packet carried, or, where there are
// no events in the file, one rebuilt from a packet of the "decoded" kind.
func (ng *ngReader) packet(body []byte) (*session.Event, error) {
	p, err := ng.blocks.Packet(packet.BlockPacket, body, ng.intfs)
	if err != nil {
		return nil, err
	}
	if o := ng.owner(p.Options); o.session > 0 {
		return captured(o, &p), nil
	}
	switch {
	case p.On.Link == linkRaw:
		return ng.wire(&p), nil
	case p.On.Link == linkExported && !ng.header:
		e := ng.again.event(p.At, bytes.Clone(p.Data), int64(p.Length))
		ng.found = ng.found || e != nil
		return e, nil
	}
	return nil, nil
}

// owner finds out by a packet's options whether others have captured it.
func (ng *ngReader) owner(options []byte) (o owner) {
	ng.blocks.Options(options, func(code uint16, value []byte) {
		if code == optCustom && ng.header && o.session == 0 {
			o = parseOwner(ng.blocks.Order, value)
		}
	})
	return o
}

// captured gives a packet that others have captured.
func captured(o owner, p *packet.Packet) *session.Event {
	return &session.Event{
		Seen: session.Seen{Session: o.session, At: p.At, Leg: session.ClientLeg, Dir: o.dir, Raw: bytes.Clone(p.Data), Size: int64(p.Length), Truncated: p.Length > len(p.Data),
			Body: session.WirePacket{On: p.On.Interface, Stamp: p.Stamp, Remarks: session.Remarks{Comments: p.Comments, Explained: true}}},
	}
}

// wire gives what a packet of a known leg carried, nil if that is nothing.
func (ng *ngReader) wire(p *packet.Packet) *session.Event {
	from, to, payload := openPacket(bytes.Clone(p.Data))
	if len(payload) == 0 {
		return nil
	}
	e := session.Event{
		Seen: session.Seen{At: p.At, Body: session.WireBytes{Remarks: session.Remarks{Comments: p.Comments, Explained: true}},
			Dir: session.C2S, Raw: payload, Size: int64(len(payload))},
	}
	l, ok := ng.legs[tuple{from, to}]
	if !ok {
		l, ok = ng.legs[tuple{to, from}]
		e.Dir = session.S2C
	}
	if !ok || l.Session < 1 {
		return nil
	}
	e.Session, e.Conn = l.Session, l.Conn
	e.Leg = session.ServerLeg
	if l.Leg == session.ClientLeg.String() {
		e.Leg = session.ClientLeg
	}
	return &e
}
