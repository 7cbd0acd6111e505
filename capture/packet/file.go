package packet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"xmppscope/session"
)

// Packet is one captured packet, or a piece of a key log.
type Packet struct {
	At       time.Time
	On       *Interface // where it was captured
	Stamp    uint64     // At in units of On.Resolution
	Data     []byte     // as far as it was captured; valid until the next one is read
	Length   int        // on the wire
	Comments []string
	Keys     []byte // key log lines that the file brings along; then it is no packet
	Options  []byte // of its block, for Blocks.Options; valid as Data is
	Offset   int64  // of it in the file
}

// clone is the packet with memory of its own.
func (p *Packet) clone() *Packet {
	out := *p
	out.Data, out.Options = bytes.Clone(p.Data), bytes.Clone(p.Options)
	return &out
}

// Interface is an interface of a capture file.
type Interface struct {
	session.Interface
	ticks uint64 // in a second
}

// maxPacket bounds the bytes of one packet; Wireshark has the same bound.
const maxPacket = 256 << 10

// Sniff says whether a file that begins so holds packets.
func Sniff(prefix []byte) bool {
	_, ok := pcapMagic(prefix)
	return ok || len(prefix) >= 4 && binary.LittleEndian.Uint32(prefix) == BlockSection
}

// IsNG says whether a file that begins so is pcapng.
func IsNG(prefix []byte) bool {
	return len(prefix) >= 4 && binary.LittleEndian.Uint32(prefix) == BlockSection
}

// pcapForm is how the numbers of a pcap file are written.
type pcapForm struct {
	order binary.ByteOrder
	nano  bool // times are in nanoseconds, not microseconds
	head  int  // bytes before each packet
}

// pcapMagic knows the form by the first bytes. The last is that of an old libpcap
// for Linux, which notes more of each packet.
func pcapMagic(prefix []byte) (pcapForm, bool) {
	for _, m := range []struct {
		magic uint32
		nano  bool
		head  int
	}{
		{0xa1b2c3d4, false, 16}, {0xa1b23c4d, true, 16}, {0xa1b2cd34, false, 24},
	} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			if len(prefix) >= 4 && order.Uint32(prefix) == m.magic {
				return pcapForm{order, m.nano, m.head}, true
			}
		}
	}
	return pcapForm{}, false
}

// file gives the packets of a capture file one after another.
type file interface {
	// next returns io.EOF at the end, and a *Damaged where the file is cut off or
	// makes no sense.
	next(*Packet) error
}

// open tells the format of a file by its first bytes.
func open(r io.Reader) (file, error) {
	b := bufio.NewReader(r) // r itself, if it is one
	head, err := b.Peek(4)
	if err != nil {
		return nil, &Damaged{Err: short(err)}
	}
	if IsNG(head) {
		return &ng{blocks: NewBlocks(b)}, nil
	}
	return openPcap(b)
}

// Each calls do with each packet of a capture as it stands in the file, until do returns
// an error, which comes back as it is. A file that is cut off or damaged gives what is
// whole in it, and then a *Damaged.
func Each(r io.Reader, do func(*Packet) error) error {
	f, err := open(r)
	if err != nil {
		return err
	}
	var p Packet
	for n := 0; ; {
		p = Packet{}
		if err := f.next(&p); err == io.EOF {
			return nil
		} else if d, ok := err.(*Damaged); ok {
			d.Packets = n
			return d
		}
		if p.Keys != nil {
			continue
		}
		n++
		if err := do(&p); err != nil {
			return err
		}
	}
}

func short(err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return tooEarly{}
	}
	return err
}

// tooEarly is the cause of a Damaged where the file is cut off: io.ErrUnexpectedEOF.
type tooEarly struct{}

func (tooEarly) Error() string { return "it ends too early" }
func (tooEarly) Unwrap() error { return io.ErrUnexpectedEOF }

// Damaged says that a capture could not be read to its end. What was whole before
// Offset has been given.
type Damaged struct {
	Offset  int64 // where in the file the part begins that could not be read
	Packets int   // how many were read before it
	Err     error // what is wrong there
}

// Error is one line that names the place and the cause.
func (d *Damaged) Error() string {
	return fmt.Sprintf("packet: the capture is cut off or damaged at byte %d, after %d packets: %v", d.Offset, d.Packets, d.Err)
}

// Unwrap gives the cause.
func (d *Damaged) Unwrap() error { return d.Err }
