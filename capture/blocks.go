package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"xmppscope/capture/packet"
	"xmppscope/session"
)

// The blocks of a pcapng file (draft-ietf-opsawg-pcapng §4), little endian. gopacket
// writes neither packets with comments nor secrets nor custom blocks, and describes
// interfaces with nanoseconds only.
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockPacket    = 6
	blockSecrets   = 0x0A
	blockCustom    = 0xBAD
	blockLocal     = 0x8000_0BAD // a type of local use, in place of blockCustom (Options.Piped)

	secretsTLS = 0x544c534b // TLS key log, "TLSK"
	// enterprise is the number that RFC 5612 sets aside for examples; who reads
	// the block goes by the name at its start.
	enterprise = 32473

	optEnd         = 0
	optComment     = packet.OptComment
	optName        = 2 // of an interface, and those below it
	optDescription = 3
	optApplication = 4 // of a section
	optResolution  = 9
	optFilter      = 11
	optOS          = 12
	optTimeOffset  = 14
	optCustom      = 2989 // bytes that belong to an enterprise number, and may be copied

	// maxComment bounds one comment; an option's length has 16 bits.
	maxComment = 1 << 14
)

var le = binary.LittleEndian

// appendBlock wraps a body: type, length, the body padded, length again.
func appendBlock(b []byte, kind uint32, body []byte) []byte {
	begin := len(b)
	return endBlock(append(beginBlock(b, kind), body...), begin)
}

// beginBlock begins a block whose body is appended then, as far as endBlock.
func beginBlock(b []byte, kind uint32) []byte {
	return le.AppendUint32(le.AppendUint32(b, kind), 0)
}

// endBlock ends the block that begins at an offset: now its length is known.
func endBlock(b []byte, begin int) []byte {
	b = pad(b, len(b)-begin)
	size := uint32(len(b) - begin + 4)
	le.PutUint32(b[begin+4:], size)
	return le.AppendUint32(b, size)
}

func padded(n int) int { return (n + 3) &^ 3 }

func appendPadded(b, more []byte) []byte {
	return pad(append(b, more...), len(more))
}

// pad appends the zeros that belong behind so many bytes.
func pad(b []byte, n int) []byte {
	const zeros = "\x00\x00\x00"
	return append(b, zeros[:padded(n)-n]...)
}

// appendOption appends one option of a block.
func appendOption[T string | []byte](b []byte, code uint16, value T) []byte {
	b = le.AppendUint16(b, code)
	b = le.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...), len(value))
}

// appendText appends an option that is text, unless there is none.
func appendText[T string | []byte](b []byte, code uint16, text T) []byte {
	switch {
	case len(text) == 0:
		return b
	case len(text) > maxComment:
		return appendOption(b, code, cutText(string(text), maxComment))
	}
	return appendOption(b, code, text)
}

// appendSection appends the header of a section whose length nobody knows.
func appendSection(b []byte, application, comment string) []byte {
	body := le.AppendUint32(nil, 0x1A2B3C4D)
	body = le.AppendUint32(body, 1) // version 1.0
	body = le.AppendUint64(body, 1<<64-1)
	body = appendText(body, optComment, comment)
	body = appendText(body, optApplication, application)
	return appendBlock(b, blockSection, le.AppendUint32(body, optEnd))
}

// appendInterface appends the description of an interface.
func appendInterface(b []byte, i session.Interface) []byte {
	body := le.AppendUint16(nil, i.Link)
	body = le.AppendUint16(body, 0)
	body = le.AppendUint32(body, i.Snap)
	body = appendText(body, optName, i.Name)
	body = appendText(body, optDescription, i.Description)
	body = appendOption(body, optResolution, []byte{i.Resolution})
	if i.Filter != "" {
		body = appendText(body, optFilter, "\x00"+i.Filter)
	}
	body = appendText(body, optOS, i.OS)
	if i.Offset != 0 {
		body = appendOption(body, optTimeOffset, le.AppendUint64(nil, uint64(i.Offset)))
	}
	return appendBlock(b, blockInterface, le.AppendUint32(body, optEnd))
}

// ngPacket is an enhanced packet block.
type ngPacket struct {
	intf     uint32
	stamp    uint64 // in units of the interface
	data     []byte
	length   int64 // of the whole packet, of which data may be a part
	comments [][]byte
	owner    owner
}

// remark adds comments, in the room of those that there were before.
func (p *ngPacket) remark(comments ...string) {
	for _, c := range comments {
		remark(p, c)
	}
}

func remark[T string | []byte](p *ngPacket, comment T) {
	n := len(p.comments)
	p.comments = slices.Grow(p.comments, 1)[:n+1]
	p.comments[n] = append(p.comments[n][:0], comment...)
}

// appendPacket appends a packet with its comments.
func appendPacket(b []byte, p *ngPacket) []byte {
	begin := len(b)
	b = beginBlock(b, blockPacket)
	b = le.AppendUint32(b, p.intf)
	b = le.AppendUint32(b, uint32(p.stamp>>32))
	b = le.AppendUint32(b, uint32(p.stamp))
	b = le.AppendUint32(b, uint32(len(p.data)))
	b = le.AppendUint32(b, uint32(min(p.length, 1<<32-1)))
	b = appendPadded(b, p.data)
	options := len(b)
	for _, c := range p.comments {
		b = appendText(b, optComment, c)
	}
	if p.owner.session > 0 {
		b = appendOption(b, optCustom, appendOwner(nil, p.owner))
	}
	if len(b) > options {
		b = le.AppendUint32(b, optEnd)
	}
	return endBlock(b, begin)
}

// owner says whose a packet is that others have captured; the zero value is nobody's.
type owner struct {
	session int
	dir     session.Dir
}

// appendOwner appends the value of the option that says so: "1 c2s" behind our name.
func appendOwner(b []byte, o owner) []byte {
	b = le.AppendUint32(b, enterprise)
	return fmt.Appendf(b, "%s%d %s", customOwner, o.session, o.dir)
}

// parseOwner is the way back. It gives the zero value if an option is none of ours.
func parseOwner(order binary.ByteOrder, value []byte) (o owner) {
	if len(value) < 4 || order.Uint32(value) != enterprise {
		return owner{}
	}
	text, ours := strings.CutPrefix(string(value[4:]), customOwner)
	number, dir, _ := strings.Cut(text, " ")
	id, err := strconv.Atoi(number)
	if !ours || err != nil || id < 1 {
		return owner{}
	}
	o.session = id
	o.dir, _ = session.DirNamed(dir)
	return o
}

// appendSecrets appends a decryption secrets block with key-log text.
func appendSecrets(b []byte, keys []byte) []byte {
	body := le.AppendUint32(nil, secretsTLS)
	body = le.AppendUint32(body, uint32(len(keys)))
	return appendBlock(b, blockSecrets, appendPadded(body, keys))
}

// How our custom blocks begin, after the number: those that hold a line of a
// JSON Lines recording, and those that hold a shownLeg; and our option of packets.
const (
	customName  = "xmppscope "
	customLeg   = "xmppscope-leg "
	customOwner = "xmppscope session "
)

// shownLeg says whose packets those with these addresses are.
type shownLeg struct {
	Session int            `json:"session"`
	Conn    int32          `json:"conn,omitempty"`
	Leg     string         `json:"leg"`
	Client  netip.AddrPort `json:"client"`
	Server  netip.AddrPort `json:"server"`
}

// appendOwn appends a block of ours that holds a line of text, of either type. The
// line feed at the end tells the text from the padding.
func appendOwn(b []byte, kind uint32, name string, line []byte) []byte {
	begin := len(b)
	b = le.AppendUint32(beginBlock(b, kind), enterprise)
	b = append(append(append(b, name...), line...), '\n')
	return endBlock(b, begin)
}
