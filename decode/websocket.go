package decode

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"xmppscope/session"
)

// Message is a message of WebSocket as it came, or one of HTTP. It has no piece of its own: that
// is the element in it (RFC 7395 §3.3), or the head and what is in the body.
type Message struct {
	Op   string // "text", or "binary"; "" is HTTP
	Text []byte // without compression, or coding
	// Packed says that it was compressed, and Refers that later ones may refer to it then
	// (RFC 7692 §7.1.1): who does not get it cannot read those.
	Packed, Refers bool
}

// socket is a direction of WebSocket (RFC 6455 §5).
type socket struct {
	header  []byte // of the frame that is under way, as far as it has come
	line    []byte // HTTP: of a chunk's line
	held    []byte // HTTP: a body whose last fields are awaited
	message []byte // of the frames before it
	parts   int    // of that
	packed  bool   // it is compressed
	binary  bool
	deflate unpacking
	told    map[string]bool // problems, each once
	open    bool            // its stream is (RFC 7395 §3.4)
}

// clone is a socket that stands where l does, and shares nothing with it.
func (l *socket) clone() socket {
	c := *l
	c.header, c.line, c.held, c.message = slices.Clone(l.header), slices.Clone(l.line), slices.Clone(l.held), slices.Clone(l.message)
	c.deflate.window, c.told = slices.Clone(l.deflate.window), maps.Clone(l.told)
	return c
}

// Opcodes of RFC 6455 §5.2.
const (
	opContinue = 0
	opText     = 1
	opBinary   = 2
	opClose    = 8
	opPing     = 9
	opPong     = 10
)

var opNames = map[byte]string{opContinue: "continuation", opText: "text", opBinary: "binary", opClose: "close", opPing: "ping", opPong: "pong"}

// opCodes are the opposite of opNames.
var opCodes = func() map[string]byte {
	codes := map[string]byte{}
	for code, name := range opNames {
		codes[name] = code
	}
	return codes
}()

// MaxMessage bounds a message of WebSocket: more is no stanza.
const MaxMessage = 16 << 20

// takeFrame takes bytes of a frame, up to its end.
func (s *Stream) takeFrame(dir session.Dir, l *webLane, p []byte) int {
	n := 0
	for {
		if need := headerLen(l.header); len(l.header) < need {
			k := min(need-len(l.header), len(p)-n)
			l.header = append(l.header, p[n:n+k]...)
			if n += k; len(l.header) < need {
				return n
			}
			continue
		}
		break
	}
	h := readFrameHead(l.header)
	if len(l.buf) == 0 && l.left == 0 {
		if h.length > MaxMessage || len(l.message) > MaxMessage {
			s.giveUpWeb(dir, fmt.Sprintf("a message of WebSocket is larger than %d MiB", MaxMessage>>20))
			return n
		}
		l.left = int64(h.length)
	}
	k := int(min(l.left, int64(len(p)-n)))
	l.buf = append(l.buf, p[n:n+k]...)
	if l.left -= int64(k); l.left > 0 {
		return n + k
	}
	payload := l.buf
	if h.masked {
		mask(payload, h.key)
	}
	l.header, l.buf = l.header[:0], nil
	s.frame(dir, l, h, payload)
	return n + k
}

// frameHead is the header of a frame.
type frameHead struct {
	final, rsv1, reserved, masked bool
	op                            byte
	length                        uint64
	key                           [4]byte
}

// headerLen is how long a header is, as far as what has come of it tells.
func headerLen(b []byte) int {
	if len(b) < 2 {
		return 2
	}
	n := 2
	switch b[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// IsFramed says whether a direction is WebSocket.
func (s *Stream) IsFramed(dir session.Dir) bool {
	return s.web != nil && s.web.lanes[dir].state == webFrames
}

// AwaitsFrames says whether the client has asked for WebSocket, and not been answered yet.
func (s *Stream) AwaitsFrames() bool {
	return s.web != nil && s.web.lanes[session.C2S].state == webAwaits
}

// AppendFrame appends a frame that is whole, and not compressed (RFC 6455 §5.2). Op is one of
// those in session.WebSocketFrame; the key masks what a client says.
func AppendFrame(b []byte, dir session.Dir, op string, payload []byte, key [4]byte) []byte {
	masked := byte(0)
	if dir == session.C2S {
		masked = 0x80
	}
	b = append(b, 0x80|opCodes[op])
	switch n := len(payload); {
	case n < 126:
		b = append(b, masked|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, masked|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, masked|127), uint64(n))
	}
	if masked == 0 {
		return append(b, payload...)
	}
	b = append(b, key[:]...)
	at := len(b)
	b = append(b, payload...)
	mask(b[at:], key)
	return b
}

func readFrameHead(b []byte) frameHead {
	h := frameHead{final: b[0]&0x80 != 0, rsv1: b[0]&0x40 != 0, reserved: b[0]&0x30 != 0, op: b[0] & 0x0f, masked: b[1]&0x80 != 0, length: uint64(b[1] & 0x7f)}
	at := 2
	switch h.length {
	case 126:
		h.length, at = uint64(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		h.length, at = binary.BigEndian.Uint64(b[2:]), 10
	}
	if h.masked {
		copy(h.key[:], b[at:])
	}
	return h
}

func mask(p []byte, key [4]byte) {
	for i := range p {
		p[i] ^= key[i%4]
	}
}

// frame takes a whole frame.
func (s *Stream) frame(dir session.Dir, l *webLane, h frameHead, payload []byte) {
	from := len(s.ready)
	wrong := func(format string, args ...any) { s.wrongFrame(dir, l, h.op, "W05", fmt.Sprintf(format, args...)) }
	switch who := dir.Sender(); {
	case dir == session.C2S && !h.masked:
		wrong("the %s's frames are not masked: a server has to close the connection (RFC 6455 §5.1)", who)
	case dir == session.S2C && h.masked:
		wrong("the %s's frames are masked: a client has to close the connection (RFC 6455 §5.1)", who)
	}
	if h.reserved || h.rsv1 && !l.deflate.on || h.rsv1 && h.op == opContinue {
		wrong("a bit is set that no extension gives a meaning (RFC 6455 §5.2)")
	}
	switch h.op {
	case opClose, opPing, opPong:
		if !h.final || len(payload) > 125 {
			wrong("a control frame is fragmented, or longer than 125 bytes (RFC 6455 §5.5)")
		}
		body := session.WebSocketFrame{Op: opNames[h.op]}
		if h.op == opClose && len(payload) >= 2 {
			body.Code, body.Reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
		}
		l.open = l.open && h.op != opClose // no message comes behind it (RFC 6455 §5.5.1)
		s.tellBody(dir, payload, body)
		return
	case opContinue:
		if l.parts == 0 {
			wrong("a frame goes on with a message that has not begun (RFC 6455 §5.4)")
		}
	case opText, opBinary:
		if l.parts > 0 {
			wrong("a message begins before the one before it has ended (RFC 6455 §5.4)")
			l.message, l.parts = nil, 0
		}
		if l.packed, l.binary = h.rsv1, h.op == opBinary; l.binary {
			wrong("a binary message: XMPP has text messages alone (RFC 7395 §3.2)")
		}
	default:
		s.giveUpWeb(dir, fmt.Sprintf("opcode %d of WebSocket is none (RFC 6455 §5.2)", h.op))
		return
	}
	l.parts++
	l.message = append(l.message, payload...)
	if !h.final {
		return
	}
	message, parts := l.message, l.parts
	l.message, l.parts = nil, 0
	if parts > 1 {
		s.wrongFrame(dir, l, h.op, "", fmt.Sprintf("a message comes in %d fragments: that is allowed, and not every peer can do it (RFC 6455 §5.4)", parts))
	}
	m := &Message{Op: opNames[opText], Packed: l.packed, Refers: l.packed && l.deflate.takeover}
	if l.binary {
		m.Op = opNames[opBinary]
	}
	if l.packed {
		text, err := l.deflate.unfold(message)
		if err != nil {
			s.giveUpWeb(dir, "a message of WebSocket cannot be unfolded: "+err.Error())
			return
		}
		message = text
	}
	m.Text = message
	s.messageOf(dir, l, h.op, message)
	if len(s.ready) == from { // there is nothing in it
		s.ready = append(s.ready, Piece{Dir: dir})
	}
	s.ready[len(s.ready)-1].Message = m
}

// wrongFrame tells what is the matter with frames, each matter once.
func (s *Stream) wrongFrame(dir session.Dir, l *webLane, op byte, breach, problem string) {
	kind := strings.Map(func(r rune) rune { // whatever the numbers
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, problem)
	if l.told[kind] || len(l.told) > 20 {
		return
	}
	if l.told == nil {
		l.told = map[string]bool{}
	}
	l.told[kind] = true
	s.tellBody(dir, nil, session.WebSocketFrame{Op: opNames[op], Problem: problem, Breach: breach})
}

// messageOf cuts a message: it is one element, and no more (RFC 7395 §3.3).
func (s *Stream) messageOf(dir session.Dir, l *webLane, op byte, message []byte) {
	lane := &s.lanes[dir]
	elements := 0
	for rest := message; len(rest) > 0; {
		n, f, ok := lane.scan.Next(rest)
		if rest = rest[n:]; !ok {
			break
		}
		piece := Piece{Frame: f, Dir: dir}
		if f.Kind == Element {
			framed(&lane.scan, &piece)
		}
		switch piece.Kind {
		case Opened:
			l.open = true
		case Closed:
			l.open = false
		}
		if f.Kind != Whitespace {
			elements++
		}
		s.tell(piece)
		if lane.scan.IsOpaque() {
			*l = webLane{state: webFrames, socket: socket{deflate: l.deflate, told: l.told, open: l.open}}
			s.tellOpaque(dir, rest)
			lane.scan.Reset()
			return
		}
	}
	if f, ok := lane.scan.Finish(); ok {
		s.tell(Piece{Frame: f, Dir: dir})
		if f.Kind != Whitespace {
			elements++
			s.wrongFrame(dir, l, op, "W01", "a message ends in the middle of an element: each has to be whole (RFC 7395 §3.3.1)")
		}
	}
	switch {
	case elements == 0:
		s.wrongFrame(dir, l, op, "W01", "a message without an element: white space keeps nothing alive here, a ping does (RFC 7395 §3.8)")
	case elements > 1:
		s.wrongFrame(dir, l, op, "W01", "a message with more than one element (RFC 7395 §3.3.1)")
	}
	if !isStream(lane.scan.topName) || lane.scan.top == 0 {
		lane.scan.Reset()
	}
}

// tellOpaque tells the rest of a message that is no XML.
func (s *Stream) tellOpaque(dir session.Dir, rest []byte) {
	scan := &s.lanes[dir].scan
	for len(rest) > 0 {
		n, f, ok := scan.Next(rest)
		if rest = rest[n:]; ok {
			s.tell(Piece{Frame: f, Dir: dir})
		}
	}
	if f, ok := scan.Finish(); ok {
		s.tell(Piece{Frame: f, Dir: dir})
	}
}

// framed makes the header and the end of a stream of what stands for them (RFC 7395 §3.3.2).
func framed(scan *Scanner, p *Piece) {
	if space := scan.Space(&p.Frame); space != NSFraming {
		return
	}
	switch string(p.Local()) {
	case "open":
		p.Kind = Opened
	case "close":
		p.Kind = Closed
	}
}

// unpacking takes the compression off messages (RFC 7692).
type unpacking struct {
	on       bool
	takeover bool   // a message may refer to those before it
	window   []byte // the newest of what they were
}

// newDeflates reads what a server has agreed to, for both directions.
func newDeflates(extensions string) (up, down unpacking) {
	for _, e := range strings.Split(extensions, ",") {
		params := strings.Split(e, ";")
		if strings.TrimSpace(params[0]) != "permessage-deflate" {
			continue
		}
		up, down = unpacking{on: true, takeover: true}, unpacking{on: true, takeover: true}
		for _, p := range params[1:] {
			switch strings.TrimSpace(p) {
			case "client_no_context_takeover":
				up.takeover = false
			case "server_no_context_takeover":
				down.takeover = false
			}
		}
	}
	return up, down
}

// deflateWindow is how far back a message may refer (RFC 1951 §3.2.5).
const deflateWindow = 32 << 10

// deflateTail is what a sender leaves out of each message, and an empty last block.
const deflateTail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// unfold takes the compression off a message.
func (d *unpacking) unfold(message []byte) ([]byte, error) {
	r := flate.NewReaderDict(io.MultiReader(bytes.NewReader(message), strings.NewReader(deflateTail)), d.window)
	text, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > MaxMessage:
		return nil, errBomb
	}
	if d.takeover {
		d.window = append(d.window, text...)
		d.window = append([]byte(nil), d.window[max(0, len(d.window)-deflateWindow):]...)
	}
	return text, nil
}
