package decode

import (
	"bytes"
	"fmt"
	"slices"

	"xmppscope/internal/lent"
)

// MaxFrame bounds the bytes of one frame that are kept. A longer element streams
// through; its frame is truncated.
const MaxFrame = 1 << 20

// Bounds on what an element may make us remember.
const (
	maxDepth = 4096     // deeper end tags are counted, not compared
	maxNames = 64 << 10 // bytes of open elements' names
	rawBlock = 1024     // an opaque direction is cut into blocks of at most this
)

// Scanner cuts the plaintext of one direction into frames. It is fed bytes as
// they come and never reads: after the ">" of an element not one byte more has
// been looked at. The zero value is ready for the first byte of a connection.
//
// It checks what framing depends on: tags are tags, end tags match. What it lets
// through may still not be well-formed; Parse tells. What stands between elements
// and is none comes in Stray frames. What it cannot frame makes the direction
// opaque, for good: the rest comes in Raw frames.
type Scanner struct {
	state  scanState
	depth  int // open elements, the stream's root included
	top    int // 1 while a stream is open, else 0
	begun  bool
	prefix bool // the frame has begun with <?xml …?>, a header must follow
	quote  byte // of the attribute value we are in
	match  int  // progress in matching a terminator, or an end tag's name

	names  []byte // of the open elements, joined
	starts []int  // where each begins in names

	offset  int64 // of the next byte
	start   int64 // offset of the frame's first byte
	inFrame bool
	nameLen int    // of the frame's top element's name, as far as it was read
	nameAt  int64  // offset of that name
	tagEnd  int64  // length of the frame up to the end of its top start tag
	buf     []byte // the frame's bytes from earlier chunks
	topName []byte
	root    []byte // the newest stream header's tag: it declares prefixes for what follows
}

type scanState uint8

const (
	inText     scanState = iota // between tags
	afterLT                     // <
	startName                   // <na
	inTag                       // <name …
	inValue                     // <name a='…
	emptySlash                  // <name/
	endName                     // </na
	endSpace                    // </name
	afterBang                   // <!, matching what comes
	inComment
	inCDATA
	inPI
	strayEnd // </na where nothing is open
	inStray  // text between elements
	inBOM    // a byte order mark in front of everything
	opaque
)

var (
	isSpace    = charSet(" \t\r\n")
	isNameStop = charSet(" \t\r\n/>=<'\"&;?!")
	isTagStop  = charSet("<>/'\"") // what matters between the attributes of a tag
)

func charSet(s string) (t [256]bool) {
	for i := range s {
		t[s[i]] = true
	}
	return t
}

// Next looks at p, which is not empty, and returns how many bytes it took. If ok,
// a frame ends with them; otherwise all of p was taken and more is needed. A Stray
// frame may have ended before p: then n is 0.
func (s *Scanner) Next(p []byte) (n int, f Frame, ok bool) {
	if s.state == opaque {
		return s.nextRaw(p)
	}
	i := 0
	from := 0 // where the frame's part of p begins
	for i < len(p) {
		c := p[i]
		switch s.state {
		case inText:
			if s.depth > s.top {
				if c != '<' {
					k := bytes.IndexByte(p[i:], '<')
					if k < 0 {
						i = len(p)
						continue
					}
					i += k
				}
				i++
				s.state = afterLT
				continue
			}
			// Between first-level elements.
			if c == '<' {
				if !s.inFrame {
					s.begin(i)
					from = i
				}
				s.state = afterLT
				i++
				continue
			}
			if isSpace[c] {
				switch {
				case s.inFrame: // behind <?xml?>
				case s.begun:
					s.begin(i)
					return s.end(p, i, i+1, Whitespace)
				default: // before the first header: it belongs to it
					s.begin(i)
					from = i
				}
				i++
				continue
			}
			switch {
			case !s.begun && !s.inFrame && c == bom[0]: // forbidden, but no reason to stop
				s.state, s.match = inBOM, 0
			case s.begun && s.inFrame: // behind an <?xml …?> that no header follows
				return s.end(p, from, i, Stray)
			case s.begun && mayStray(c):
				s.state = inStray
			default:
				return s.fail(p, from, i, "%s where only an element may stand", describe(c))
			}
			s.begin(i)
			from = i
		case afterLT:
			switch {
			case c == '/':
				s.state, s.match = endName, 0
				if s.depth == 0 {
					s.state, s.topName = strayEnd, s.topName[:0]
				}
				i++
			case c == '?':
				s.state, s.match = inPI, 0
				i++
			case c == '!':
				s.state, s.match = afterBang, 0
				i++
			case isNameStop[c] || c < 0x20 || c == '-' || c == '.' || (c >= '0' && c <= '9'):
				return s.fail(p, from, i, "%s after \"<\"", describe(c))
			default:
				s.state = startName
				s.open(s.offset + int64(i))
			}
		case startName:
			j := i
			for j < len(p) && !isNameStop[p[j]] {
				j++
			}
			s.name(p[i:j])
			i = j
			if i == len(p) {
				continue
			}
			s.state = inTag
			if !isSpace[p[i]] && p[i] != '/' && p[i] != '>' {
				return s.fail(p, from, i, "%s in a tag's name", describe(p[i]))
			}
		case inTag:
			for i < len(p) {
				for i < len(p)-1 && !isTagStop[p[i]] {
					i++
				}
				c = p[i]
				i++
				if c == '>' {
					if s.depth-1 == s.top {
						s.tagEnd = s.offset + int64(i) - s.start
						if s.isHeader(p, from, i) {
							return s.header(p, from, i)
						}
					}
					s.state = inText
					break
				}
				if c == '"' || c == '\'' {
					if i += valueEnd(p[i:], c); i == len(p) {
						s.quote, s.state = c, inValue
						break
					}
					if p[i] == '<' {
						return s.fail(p, from, i, "\"<\" in an attribute's value")
					}
					i++
					continue
				}
				if c == '/' {
					s.state = emptySlash
					break
				}
				if c == '<' {
					return s.fail(p, from, i-1, "\"<\" inside a tag")
				}
			}
		case inValue:
			if i += valueEnd(p[i:], s.quote); i == len(p) {
				continue
			}
			if p[i] == '<' {
				return s.fail(p, from, i, "\"<\" in an attribute's value")
			}
			i++
			s.state = inTag
		case emptySlash:
			if c != '>' {
				return s.fail(p, from, i, "%s after \"/\" in a tag", describe(c))
			}
			i++
			if s.depth-1 == s.top {
				s.tagEnd = s.offset + int64(i) - s.start
				if s.isHeader(p, from, i) {
					s.close()
					s.begun = true
					return s.end(p, from, i, Opened)
				}
			}
			s.close()
			s.state = inText
			if s.depth == s.top {
				s.begun = true
				return s.end(p, from, i, Element)
			}
		case endName:
			j := i
			for j < len(p) && !isNameStop[p[j]] {
				j++
			}
			if n := s.matchName(p[i:j]); n < j-i {
				return s.fail(p, from, i+n, "an end tag that does not match <%s>", s.openName())
			}
			i = j
			if i == len(p) {
				continue
			}
			if !s.nameDone() {
				return s.fail(p, from, i, "an end tag that does not match <%s>", s.openName())
			}
			s.state = endSpace
		case strayEnd:
			// The end of a stream that was never opened, or has been closed before:
			// some clients say goodbye twice.
			if c == '>' && isStream(s.topName) {
				s.state = inText
				return s.end(p, from, i+1, Closed)
			}
			if isNameStop[c] || len(s.topName) > 64 {
				return s.fail(p, from, i, "an end tag, but nothing is open")
			}
			s.topName = append(s.topName, c)
			i++
		case endSpace:
			if isSpace[c] {
				i++
				continue
			}
			if c != '>' {
				return s.fail(p, from, i, "%s in an end tag", describe(c))
			}
			i++
			s.close()
			s.state = inText
			if s.depth < s.top {
				s.top = 0
				return s.end(p, from, i, Closed)
			}
			if s.depth == s.top {
				return s.end(p, from, i, Element)
			}
		case inStray:
			if c == '<' {
				s.state = inText
				return s.end(p, from, i, Stray)
			}
			if !mayStray(c) {
				return s.fail(p, from, i, "%s where only an element may stand", describe(c))
			}
			i++
			if c == '\n' || c == '>' || c == 0 || s.offset+int64(i)-s.start == rawBlock {
				s.state = inText
				return s.end(p, from, i, Stray)
			}
		case inBOM:
			if c != bom[s.match] {
				return s.fail(p, from, i, "%s where only an element may stand", describe(c))
			}
			if s.match++; s.match == len(bom) {
				s.state = inText
			}
			i++
		case afterBang:
			i++
			switch s.bang(c) {
			case bangWrong:
				return s.fail(p, from, i-1, "a declaration (<!…): XMPP allows no DTD")
			case bangCDATA:
				if s.depth == s.top && !s.begun {
					return s.fail(p, from, i-1, "CDATA where only an element may stand")
				}
			}
		case inComment, inCDATA:
			i += s.skipTo(p[i:])
			if s.state == inText && s.depth == s.top && !s.prefix {
				return s.end(p, from, i, Stray)
			}
		case inPI:
			i += s.skipPI(p[i:])
			if s.state == inText && s.depth == s.top && !s.prefix {
				return s.end(p, from, i, Stray)
			}
		}
	}
	if s.inFrame {
		s.keep(p[from:])
	}
	s.offset += int64(len(p))
	return len(p), Frame{}, false
}

// bom is a byte order mark in UTF-8.
const bom = "\ufeff"

// mayStray says whether a byte may be part of text between elements. Control
// characters show that the direction carries something else; but some peers end
// every element with a NUL, as Flash's XMLSocket does.
func mayStray(c byte) bool { return c >= 0x20 || c == 0 || isSpace[c] }

func describe(c byte) string {
	if c > 0x20 && c < 0x7f {
		return fmt.Sprintf("%q", string(rune(c)))
	}
	if c >= 0x14 && c <= 0x17 {
		return fmt.Sprintf("byte 0x%02x (as a TLS record begins)", c)
	}
	return fmt.Sprintf("byte 0x%02x", c)
}

// begin starts a frame at p[i].
func (s *Scanner) begin(i int) {
	lent.Back(s.buf[:cap(s.buf)]) // the frame before
	s.inFrame, s.start = true, s.offset+int64(i)
	s.buf, s.tagEnd, s.nameLen, s.prefix = s.buf[:0], 0, 0, false
}

// keep remembers a part of the frame for the next chunk.
func (s *Scanner) keep(part []byte) {
	if room := MaxFrame - len(s.buf); len(part) > room {
		part = part[:max(room, 0)]
	}
	if len(part) > cap(s.buf)-len(s.buf) { // append would grow a large one by a quarter, again and again
		s.buf = slices.Grow(s.buf, max(len(part), min(len(s.buf), MaxFrame-len(s.buf))))
	}
	s.buf = append(s.buf, part...)
}

// end makes a frame of what was kept and p[from:to].
func (s *Scanner) end(p []byte, from, to int, kind Kind) (int, Frame, bool) {
	f := Frame{Kind: kind, Offset: s.start, Size: s.offset + int64(to) - s.start}
	if len(s.buf) == 0 && to-from <= MaxFrame {
		f.Raw = p[from:to]
	} else {
		s.keep(p[from:to])
		f.Raw = s.buf
	}
	f.Truncated = int64(len(f.Raw)) < f.Size
	if kind == Opened || kind == Element {
		f.Name = s.topName
		if s.tagEnd <= int64(len(f.Raw)) {
			f.Tag = f.Raw[int(s.nameAt-s.start)-1 : s.tagEnd]
		}
	}
	s.offset += int64(to)
	s.inFrame, s.prefix = false, false
	s.buf = s.buf[:0]
	if cap(s.buf) > 64<<10 && kind != Raw {
		s.buf = nil // f.Raw keeps it alive for as long as the caller looks at it
	}
	return to, f, true
}

// fail makes the direction opaque. The first raw frame ends with the offending
// byte, so that frames do not depend on how the input was cut.
func (s *Scanner) fail(p []byte, from, at int, format string, args ...any) (int, Frame, bool) {
	if !s.inFrame {
		s.begin(at)
		from = at
	}
	problem := &Problem{Reason: "not well-formed: " + fmt.Sprintf(format, args...), At: s.offset + int64(at)}
	s.state = opaque
	n, f, ok := s.end(p, from, at+1, Raw)
	f.Problem = problem
	return n, f, ok
}

// Opaque makes the direction opaque from the next byte on, for a reason that
// lies outside of its bytes. It returns what was left of an unfinished frame.
func (s *Scanner) Opaque() (Frame, bool) {
	f, ok := s.Finish()
	s.state = opaque
	return f, ok
}

// IsOpaque says whether the direction is opaque.
func (s *Scanner) IsOpaque() bool { return s.state == opaque }

// nextRaw cuts an opaque direction into blocks: at line ends and at ">", because
// that is where text protocols pause, and after rawBlock bytes.
func (s *Scanner) nextRaw(p []byte) (int, Frame, bool) {
	if !s.inFrame && len(p) > 0 {
		s.begin(0)
	}
	room := rawBlock - len(s.buf)
	for i, c := range p {
		if c == '\n' || c == '>' || i+1 == room {
			return s.end(p, 0, i+1, Raw)
		}
	}
	s.keep(p)
	s.offset += int64(len(p))
	return len(p), Frame{}, false
}

// Finish says that no more bytes will come, and returns what has not become a
// frame. Reset makes the scanner ready for a new stream.
func (s *Scanner) Finish() (Frame, bool) {
	if !s.inFrame {
		return Frame{}, false
	}
	kind := Partial
	switch {
	case s.state == opaque:
		kind = Raw
	case s.state == inStray:
		kind = Stray
	case len(bytes.TrimLeft(s.buf, " \t\r\n")) == 0:
		kind = Whitespace
	}
	_, f, _ := s.end(nil, 0, 0, kind)
	if kind == Partial {
		f.Name = s.topName[:s.nameLen:s.nameLen]
	}
	return f, true
}

// Reset forgets the open stream: the next byte begins a new document, as after a
// TLS handshake (RFC 6120 §5.4.3.3). Offsets go on.
func (s *Scanner) Reset() { *s = Scanner{offset: s.offset, buf: s.buf[:0]} }

// Offset is that of the next byte.
func (s *Scanner) Offset() int64 { return s.offset }

// settled is the offset of the first byte that has not become part of a frame.
func (s *Scanner) settled() int64 {
	if s.inFrame {
		return s.start
	}
	return s.offset
}

// skip passes over bytes that it is not shown.
func (s *Scanner) skip(n int64) { s.offset += n }

// isHeader says whether the start tag that has just ended at p[:to] is a stream
// header: named "stream", as the first tag of a document, or in the streams
// namespace inside of a stream, where it begins a new one (a restart).
func (s *Scanner) isHeader(p []byte, from, to int) bool {
	if !isStream(s.topName) {
		return false
	}
	return s.top == 0 || bytes.Contains(s.buf, []byte(NSStreams)) || bytes.Contains(p[from:to], []byte(NSStreams)) ||
		s.straddles(p[from:to])
}

// isStream says whether a name's local part is "stream".
func isStream(name []byte) bool {
	return string(name) == "stream" || bytes.HasSuffix(name, []byte(":stream"))
}

// straddles says whether the streams namespace lies across the chunk's border.
func (s *Scanner) straddles(part []byte) bool {
	n := len(NSStreams) - 1
	tail, head := s.buf[max(0, len(s.buf)-n):], part[:min(n, len(part))]
	return bytes.Contains(append(append([]byte{}, tail...), head...), []byte(NSStreams))
}

// header ends a frame that is a stream header, and opens its stream.
func (s *Scanner) header(p []byte, from, to int) (int, Frame, bool) {
	if s.top == 1 { // a restart: the old root is replaced
		s.names = append(s.names[:0], s.names[s.starts[1]:]...)
		s.starts = append(s.starts[:0], 0)
	}
	s.depth, s.top, s.begun, s.state = 1, 1, true, inText
	n, f, ok := s.end(p, from, to, Opened)
	s.root = append(s.root[:0], f.Tag[:min(len(f.Tag), maxNames)]...)
	return n, f, ok
}
