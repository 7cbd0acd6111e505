package decode

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"

	"xmppscope/session"
)

// web is HTTP/1.1 on a connection (RFC 9112), with what is in it: WebSocket (RFC 7395), and
// BOSH (XEP-0124). Heads, bodies, messages and control frames become pieces.
type web struct {
	lanes [3]webLane
	asked []webAsk // requests that wait for their answer, oldest first
}

// webAsk is what has to be known of a request to read its answer.
type webAsk struct {
	method    string
	webSocket bool // it asks for WebSocket
	bosh      boshRequest
}

// webLane is one direction.
type webLane struct {
	state webState
	buf   []byte // of the head, line, body or frame that is under way
	size  int64  // of the body so far, which may be more than is kept
	left  int64  // bytes of the body, or of its chunk, that are still to come
	head  http.Header
	body  bool // the lines to come are those of chunks
	socket
}

// between says whether nothing is under way.
func (l *webLane) between() bool {
	return l.state == webOff || (l.state == webHead || l.state == webFrames) && len(l.buf)+len(l.header) == 0 && l.left == 0 && l.parts == 0
}

type webState uint8

const (
	webOff    webState = iota // no HTTP
	webHead                   // a head
	webBody                   // a body of known length, or a chunk
	webChunk                  // the line before a chunk
	webAfter                  // the line end behind a chunk
	webTail                   // the fields behind the last chunk
	webRest                   // a body that ends with the connection
	webAwaits                 // a client waits to know whether it may speak WebSocket
	webFrames                 // WebSocket
)

// Bounds of HTTP.
const (
	maxHead     = 64 << 10 // bytes of a head
	maxAsked    = 1000     // requests that wait for an answer
	maxUnfolded = 16 << 20 // bytes to which a body or message may unfold
)

// webMethods are what HTTP begins with where XMPP over it may follow.
var webMethods = []string{"GET ", "POST ", "OPTIONS ", "HEAD ", "PUT "}

// sniffWeb says whether a direction begins with HTTP: a client's with a request, a
// server's, where the client has made one, with an answer.
func (s *Stream) sniffWeb(dir session.Dir, p []byte) (yes, wait bool) {
	switch {
	case dir == session.C2S:
		return beginsWith(p, webMethods...)
	case s.web == nil:
		return false, false
	}
	return beginsWith(p, "HTTP/1.")
}

// beginsWith says whether bytes begin with one of some words, none of which begins another, or
// may once more has come.
func beginsWith(p []byte, words ...string) (yes, wait bool) {
	for _, w := range words {
		if n := min(len(p), len(w)); string(p[:n]) == w[:n] {
			return n == len(w), n < len(w)
		}
	}
	return false, false
}

// BeginsWeb says whether the bytes of a client begin with a request of HTTP in which XMPP
// may follow.
func BeginsWeb(b []byte) bool {
	yes, _ := beginsWith(b, webMethods...)
	return yes
}

// IsWeb says whether a direction is HTTP.
func (s *Stream) IsWeb(dir session.Dir) bool { return s.web != nil && s.web.lanes[dir].state != webOff }

// beginWeb has a direction read as HTTP.
func (s *Stream) beginWeb(dir session.Dir) {
	if s.web == nil {
		s.web = new(web)
	}
	s.web.lanes[dir].state = webHead
}

// nextWeb is Next of a direction that is HTTP. What it cuts is told, so that it may be
// several pieces.
func (s *Stream) nextWeb(dir session.Dir, p []byte) (n int, piece Piece, ok bool) {
	l := &s.web.lanes[dir]
	for n < len(p) {
		if l.state == webOff { // it was given up
			n2, piece, ok := s.Next(dir, p[n:])
			return n + n2, piece, ok
		}
		n += s.takeWeb(dir, l, p[n:])
		if piece, ok := s.told(); ok {
			return n, piece, true
		}
	}
	return n, Piece{}, false
}

// takeWeb takes bytes, at most up to where something ends.
func (s *Stream) takeWeb(dir session.Dir, l *webLane, p []byte) int {
	switch l.state {
	case webHead, webTail:
		return s.takeHead(dir, l, p)
	case webBody:
		n := int(min(l.left, int64(len(p))))
		l.keep(p[:n])
		if l.left -= int64(n); l.left == 0 {
			if l.state = webAfter; !l.body {
				s.endBody(dir, l)
			}
		}
		return n
	case webRest:
		l.keep(p)
		return len(p)
	case webChunk, webAfter:
		return s.takeLine(dir, l, p)
	case webAwaits:
		l.buf = append(l.buf, p...)
		if len(l.buf) > maxUnfolded {
			s.giveUpWeb(dir, "the client goes on before the server has agreed to WebSocket")
		}
		return len(p)
	}
	return s.takeFrame(dir, l, p)
}

// keep takes bytes of a body.
func (l *webLane) keep(p []byte) {
	l.size += int64(len(p))
	l.buf = append(l.buf, p[:min(len(p), max(0, MaxFrame-len(l.buf)))]...)
}

// takeHead takes bytes of a head, or of the fields behind the last chunk.
func (s *Stream) takeHead(dir session.Dir, l *webLane, p []byte) int {
	before := len(l.buf)
	l.buf = append(l.buf, p...)
	end := headEnd(l.buf, max(0, before-3), l.state == webTail)
	if end < 0 {
		if len(l.buf) > maxHead {
			s.giveUpWeb(dir, fmt.Sprintf("a head of HTTP is longer than %d KiB", maxHead>>10))
		}
		return len(p)
	}
	took := end - before
	head := l.buf[:end]
	l.buf = nil
	switch {
	case l.state == webTail:
		s.endBody(dir, l)
	case dir == session.C2S:
		s.request(l, head)
	default:
		s.response(l, head)
	}
	return took
}

// headEnd is where a head ends: behind an empty line. The fields behind the last chunk may
// be nothing but that.
func headEnd(b []byte, from int, tail bool) int {
	if tail && bytes.HasPrefix(b, []byte("\r\n")) {
		return 2
	}
	if i := bytes.Index(b[from:], []byte("\r\n\r\n")); i >= 0 {
		return from + i + 4
	}
	return -1
}

// request takes a client's head.
func (s *Stream) request(l *webLane, head []byte) {
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		s.notWeb(session.C2S, head, err)
		return
	}
	a := webAsk{method: req.Method, webSocket: hasWord(req.Header, "Upgrade", "websocket")}
	s.tellBody(session.C2S, head, session.HTTPRequest{
		Method: req.Method, Target: req.RequestURI, Host: req.Host, WebSocket: a.webSocket,
		Protocols: words(req.Header["Sec-Websocket-Protocol"]), Origin: req.Header.Get("Origin"), Type: req.Header.Get("Content-Type"),
	})
	l.head = req.Header
	s.web.asked = append(s.web.asked, a)
	if len(s.web.asked) > maxAsked {
		s.giveUpWeb(session.C2S, fmt.Sprintf("more than %d requests wait for an answer", maxAsked))
		return
	}
	switch {
	case a.webSocket && req.ContentLength <= 0:
		l.state = webAwaits
	default:
		s.beginBody(session.C2S, l, req.TransferEncoding, req.ContentLength, false)
	}
}

// response takes a server's head.
func (s *Stream) response(l *webLane, head []byte) {
	var to webAsk
	if len(s.web.asked) > 0 {
		to = s.web.asked[0]
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: to.method})
	if err != nil {
		s.notWeb(session.S2C, head, err)
		return
	}
	body := session.HTTPResponse{
		Status: resp.StatusCode, Text: strings.TrimPrefix(resp.Status, fmt.Sprintf("%d ", resp.StatusCode)), Type: resp.Header.Get("Content-Type"),
		Location: resp.Header.Get("Location"), Unasked: len(s.web.asked) == 0,
	}
	upgraded := resp.StatusCode == http.StatusSwitchingProtocols && hasWord(resp.Header, "Upgrade", "websocket")
	if to.webSocket {
		body.Asked, body.WebSocket = true, upgraded
		body.Protocols = words(resp.Header["Sec-Websocket-Protocol"])
		body.Extensions = strings.Join(resp.Header["Sec-Websocket-Extensions"], ", ")
	}
	s.tellBody(session.S2C, head, body)
	l.head = resp.Header
	if resp.StatusCode/100 == 1 && !upgraded { // another head follows, to the same request
		return
	}
	if to.webSocket {
		s.upgrade(upgraded, body.Extensions)
		if upgraded {
			return
		}
	}
	none := to.method == http.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified
	length := resp.ContentLength
	if none {
		length = 0
	}
	s.beginBody(session.S2C, l, resp.TransferEncoding, length, length < 0)
}

// upgrade goes on when a server has answered a client that asks for WebSocket.
func (s *Stream) upgrade(agreed bool, extensions string) {
	up, down := &s.web.lanes[session.C2S], &s.web.lanes[session.S2C]
	early := up.buf
	up.buf = nil
	if up.state = webHead; agreed {
		s.web.asked = nil
		up.state, down.state = webFrames, webFrames
		up.deflate, down.deflate = newDeflates(extensions)
	}
	for len(early) > 0 { // the client has spoken ahead
		if up.state == webOff {
			s.cutAll(session.C2S, early)
			return
		}
		early = early[s.takeWeb(session.C2S, up, early):]
	}
}

// beginBody begins the body behind a head.
func (s *Stream) beginBody(dir session.Dir, l *webLane, coding []string, length int64, rest bool) {
	l.body, l.size, l.left = false, 0, length
	switch {
	case len(coding) > 0 && coding[0] == "chunked":
		l.state, l.body = webChunk, true
	case rest:
		l.state = webRest
	case length <= 0:
		s.endBody(dir, l)
	default:
		l.state = webBody
	}
}

// maxChunkLine bounds the line before a chunk (RFC 9112 §7.1).
const maxChunkLine = 4 << 10

// takeLine takes the line before a chunk, or the line end behind one.
func (s *Stream) takeLine(dir session.Dir, l *webLane, p []byte) int {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		if l.line = append(l.line, p...); len(l.line) > maxChunkLine {
			s.giveUpWeb(dir, "the line before a chunk of HTTP does not end")
		}
		return len(p)
	}
	line := append(l.line, p[:i+1]...)
	l.line = nil
	if l.state == webAfter {
		if l.state = webChunk; len(bytes.TrimSpace(line)) > 0 {
			s.giveUpWeb(dir, "a chunk of HTTP is longer than was said")
		}
		return i + 1
	}
	size, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(";"))
	var n int64
	if _, err := fmt.Sscanf(string(bytes.TrimSpace(size)), "%x", &n); err != nil || n < 0 || len(size) > 15 {
		s.giveUpWeb(dir, fmt.Sprintf("%q is no length of a chunk of HTTP", session.ShortLine(string(size))))
		return i + 1
	}
	// What the head promises to tell as whole is in buf; l.line holds nothing any more.
	if l.left, l.state = n, webBody; n == 0 {
		l.state, l.held = webTail, l.buf
		l.buf = nil
	}
	return i + 1
}

// endBody tells a body that has come, and awaits the next head.
func (s *Stream) endBody(dir session.Dir, l *webLane) {
	raw, size, head := l.buf, l.size, l.head
	if l.state == webTail {
		raw = l.held
	}
	m := new(Message)
	defer func() {
		if len(s.ready) == 0 {
			s.ready = append(s.ready, Piece{Dir: dir})
		}
		s.ready[len(s.ready)-1].Message = m
	}()
	l.state, l.buf, l.held, l.size, l.head, l.body = webHead, nil, nil, 0, nil, false
	var to *webAsk
	switch {
	case dir == session.C2S:
		if n := len(s.web.asked); n > 0 {
			to = &s.web.asked[n-1]
		}
	case len(s.web.asked) > 0:
		to = &webAsk{}
		*to = s.web.asked[0]
		s.web.asked = s.web.asked[1:]
	}
	if size == 0 {
		return
	}
	text, err := unfolded(raw, head.Get("Content-Encoding"))
	m.Text = text
	truncated := size > int64(len(raw))
	if err == nil && !truncated && to != nil && s.tellBOSH(dir, text, &to.bosh) {
		return
	}
	body := session.HTTPBody{Type: head.Get("Content-Type"), Coding: head.Get("Content-Encoding")}
	if err != nil {
		body.Problem = err.Error()
	}
	s.ready = append(s.ready, Piece{Dir: dir, Body: body, Frame: Frame{Raw: bytes.Clone(text), Size: size, Truncated: truncated}})
}

// unfolded takes the coding off a body (RFC 9110 §8.4).
func unfolded(raw []byte, coding string) ([]byte, error) {
	var r io.Reader
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return raw, fmt.Errorf("it is no gzip, as its Content-Encoding says: %w", err)
		}
		r = z
	case "deflate":
		r = flate.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte{0x78, 0x9c})))
	case "", "identity":
		return raw, nil
	default:
		return raw, fmt.Errorf("its coding %q is none that is known here", session.ShortLine(coding))
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUnfolded))
	switch {
	case len(text) == maxUnfolded:
		return raw, errBomb
	case err != nil && len(text) == 0:
		return raw, fmt.Errorf("it cannot be unfolded: %w", err)
	}
	return text, nil
}

// tellBody tells something of HTTP that has no XML in it.
func (s *Stream) tellBody(dir session.Dir, raw []byte, body session.Body) {
	s.ready = append(s.ready, Piece{Dir: dir, Body: body, Frame: Frame{Raw: bytes.Clone(raw), Size: int64(len(raw))}})
}

// giveUpWeb makes a direction opaque that was HTTP.
func (s *Stream) giveUpWeb(dir session.Dir, reason string) {
	l := &s.web.lanes[dir]
	rest := append(l.held, l.buf...)
	*l = webLane{}
	s.lanes[dir].sniffed = true
	s.giveUp(dir, reason)
	s.cutAll(dir, rest)
}

// notWeb is for a head that is none: nothing of HTTP follows.
func (s *Stream) notWeb(dir session.Dir, head []byte, err error) {
	s.web.lanes[dir].buf = bytes.Clone(head)
	s.giveUpWeb(dir, "a head of HTTP that cannot be read: "+session.ShortLine(err.Error()))
}

// cutAll tells the frames of bytes that were held back.
func (s *Stream) cutAll(dir session.Dir, p []byte) {
	for len(p) > 0 {
		n, piece, ok := s.cut(dir, p)
		if p = p[n:]; ok {
			s.tell(piece)
		}
	}
}

// EndsWithConnection says whether what comes in a direction is a body of HTTP that ends with the
// connection (RFC 9112 §6.3).
func (s *Stream) EndsWithConnection(dir session.Dir) bool {
	return s.IsWeb(dir) && s.web.lanes[dir].state == webRest
}

// finishWeb tells what is left of a direction that is HTTP.
func (s *Stream) finishWeb(dir session.Dir) {
	l := &s.web.lanes[dir]
	switch {
	case l.state == webRest:
		s.endBody(dir, l)
	case l.state == webHead && len(l.buf) > 0:
		s.giveUpWeb(dir, "a head of HTTP that does not end")
	case len(l.buf)+len(l.held)+len(l.message) > 0:
		rest := append(append(l.held, l.message...), l.buf...)
		s.ready = append(s.ready, Piece{Dir: dir, Frame: Frame{Kind: Partial, Raw: rest, Size: max(l.size, int64(len(rest)))}})
	}
	*l = webLane{}
	s.lanes[dir].sniffed = true
}

// words splits the fields of a list (RFC 9110 §5.6.1).
func words(fields []string) (out []string) {
	for _, f := range fields {
		for _, w := range strings.Split(f, ",") {
			if w = strings.TrimSpace(w); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}

// hasWord says whether a list has a word in it.
func hasWord(h http.Header, field, word string) bool {
	for _, w := range words(h[field]) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}
