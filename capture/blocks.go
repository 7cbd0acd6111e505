package capture

import (
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"time"
)

// The pcapng blocks that gopacket cannot write, little endian as its own
// (draft-ietf-opsawg-pcapng §4): packets with comments, secrets, custom blocks.
const (
	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockPacket    = 6
	blockSecrets   = 0x0A
	blockCustom    = 0xBAD

	secretsTLS = 0x544c534b // TLS key log, "TLSK"
	// enterprise is the number that RFC 5612 sets aside for examples; who reads
	// the block goes by the name at its start.
	enterprise = 32473

	optEnd     = 0
	optComment = 1

	// maxComment bounds one comment; an option's length has 16 bits.
	maxComment = 1 << 14
)

var le = binary.LittleEndian

// appendBlock wraps a body: type, length, the body padded, length again.
func appendBlock(b []byte, kind uint32, body []byte) []byte {
	size := uint32(12 + padded(len(body)))
	b = le.AppendUint32(b, kind)
	b = le.AppendUint32(b, size)
	b = appendPadded(b, body)
	return le.AppendUint32(b, size)
}

func padded(n int) int { return (n + 3) &^ 3 }

func appendPadded(b, more []byte) []byte {
	b = append(b, more...)
	return append(b, make([]byte, padded(len(more))-len(more))...)
}

// appendPacket appends an enhanced packet block with its comments. The
// interface's time stamps are nanoseconds; length is that of the whole packet,
// of which data may be a part.
func appendPacket(b []byte, intf uint32, at time.Time, data []byte, length int64, comments []string) []byte {
	stamp := uint64(at.UnixNano())
	body := make([]byte, 0, 32+len(data))
	body = le.AppendUint32(body, intf)
	body = le.AppendUint32(body, uint32(stamp>>32))
	body = le.AppendUint32(body, uint32(stamp))
	body = le.AppendUint32(body, uint32(len(data)))
	body = le.AppendUint32(body, uint32(min(length, 1<<32-1)))
	body = appendPadded(body, data)
	for _, c := range comments {
		body = le.AppendUint16(body, optComment)
		body = le.AppendUint16(body, uint16(len(c)))
		body = appendPadded(body, []byte(c))
	}
	if len(comments) > 0 {
		body = le.AppendUint32(body, optEnd)
	}
	return appendBlock(b, blockPacket, body)
}

// appendSecrets appends a decryption secrets block with key-log text.
func appendSecrets(b []byte, keys []byte) []byte {
	body := le.AppendUint32(nil, secretsTLS)
	body = le.AppendUint32(body, uint32(len(keys)))
	return appendBlock(b, blockSecrets, appendPadded(body, keys))
}

// How our custom blocks begin, after the number: those that hold a line of a
// JSON Lines recording, and those that hold a shownLeg.
const (
	customName = "xmppscope "
	customLeg  = "xmppscope-leg "
)

// shownLeg says whose packets those with these addresses are.
type shownLeg struct {
	Session int            `json:"session"`
	Leg     string         `json:"leg"`
	Client  netip.AddrPort `json:"client"`
	Server  netip.AddrPort `json:"server"`
}

func appendLeg(b []byte, l shownLeg) []byte {
	line, _ := json.Marshal(l) // has nothing that could fail
	return appendOwn(b, customLeg, line)
}

// appendCustom appends a custom block that holds one line of a JSON Lines
// recording.
func appendCustom(b []byte, line []byte) []byte { return appendOwn(b, customName, line) }

// appendOwn appends a custom block of ours. The line feed at the end tells the
// text from the padding.
func appendOwn(b []byte, name string, line []byte) []byte {
	body := make([]byte, 0, 4+len(name)+len(line)+1)
	body = le.AppendUint32(body, enterprise)
	body = append(body, name...)
	body = append(body, line...)
	return appendBlock(b, blockCustom, append(body, '\n'))
}
