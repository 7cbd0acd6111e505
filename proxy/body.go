package proxy

import (
	"bytes"
	"strconv"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// In BOSH (XEP-0124) elements stand in a <body/>, which is the body of a request of HTTP or of
// its answer. Such a message is held back until it is whole; then each element in it is decided
// about, and it goes on with what has become of them. Its wrapper stays as it came, so that rids
// and keys do (they do not depend on what is in it); of its head, what says how long it is and
// how it is coded becomes another.

// body is one that is decided about.
type body struct {
	whole   []byte // the message as it came
	text    []byte // its body, without coding
	tag     []byte // the wrapper's start tag
	pieces  []decode.Piece
	out     []byte // what goes on in the wrapper, so far
	changed bool
	ends    bool // the session begins or ends with it: nothing of our own is put in
}

// add has something go on.
func (b *body) add(xml []byte) { b.out = append(b.out, xml...) }

// considerBody is consider for HTTP. What comes before the end of a message is held back.
func (r *Relay) considerBody(dir session.Dir, piece *decode.Piece, p []byte) (wait bool) {
	g := &r.gated[dir]
	if piece.Kind != 0 || piece.Body != nil {
		g.message.pieces = append(g.message.pieces, *piece) // its bytes are its own
	}
	if piece.Message == nil && !r.passesAtOnce(dir, piece) {
		r.keepBack(dir, p)
		return false
	}
	if piece.Message == nil { // its head
		r.unheld(piece)
		g.message = message{}
		r.letGo(dir)
		r.forward(dir, p)
		g.passing = !standsAlone(piece)
		return false
	}
	m := g.message
	g.message = message{}
	if g.large || g.passing {
		r.passUnheld(dir, p)
		r.allUnheld(m.pieces)
		return false
	}
	b := &body{whole: r.whole(dir, p), text: piece.Message.Text}
	for len(m.pieces) > 0 && b.tag == nil {
		if one := &m.pieces[0]; isBOSH(one) {
			b.tag, b.ends = one.Raw, endsBOSH(one)
		}
		r.unheld(&m.pieces[0])
		m.pieces = m.pieces[1:]
	}
	if b.tag == nil {
		r.makeRoom(dir)
		r.forward(dir, b.whole)
		return false
	}
	b.pieces, b.whole = m.pieces, bytes.Clone(b.whole)
	r.keep(dir, b.whole)
	g.body = b
	return r.goInside(dir)
}

// goInside decides about what is left in a body. It says whether the direction has to wait.
func (r *Relay) goInside(dir session.Dir) (wait bool) {
	g := &r.gated[dir]
	b := g.body
	for len(b.pieces) > 0 {
		piece := b.pieces[0]
		b.pieces = b.pieces[1:]
		if piece.Kind != decode.Element || piece.Truncated {
			b.add(piece.Raw)
			r.unheld(&piece)
			continue
		}
		if _, wait := r.ponder(dir, &outcome{piece: piece, whole: piece.Raw, in: b}); wait || r.phase == closing {
			return wait
		}
	}
	g.body = nil
	r.makeRoom(dir)
	r.sayInside(dir, b)
	r.put(dir, b.message())
	return false
}

// message is the message of HTTP that goes on.
func (b *body) message() []byte {
	if !b.changed {
		return b.whole
	}
	at := bytes.Index(b.text, b.tag) + len(b.tag)
	text := append(bytes.Clone(b.text[:at]), b.out...)
	if open, empty := bytes.CutSuffix(text[:at], []byte("/>")); empty {
		text = append(append(append(open[:len(open):len(open)], '>'), b.out...), "</body>"...)
	} else {
		text = append(text, b.text[max(at, bytes.LastIndex(b.text, []byte("</"))):]...)
	}
	head, _, _ := bytes.Cut(b.whole, []byte("\r\n\r\n"))
	var out bytes.Buffer
	for i, line := range strings.Split(string(head), "\r\n") {
		if name, _, _ := strings.Cut(line, ":"); i > 0 && framesBody[strings.ToLower(name)] {
			continue
		}
		out.WriteString(line + "\r\n")
	}
	out.WriteString("Content-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n")
	out.Write(text)
	return out.Bytes()
}

// framesBody are the fields that say how long a body is, how it is coded, and what it hashes to.
var framesBody = map[string]bool{
	"content-length": true, "transfer-encoding": true, "content-encoding": true, "trailer": true,
	"content-md5": true, "digest": true, "content-digest": true, "repr-digest": true, "etag": true,
}

// isBOSH says whether a piece is the wrapper of BOSH.
func isBOSH(p *decode.Piece) (is bool) {
	p.Events(func(e session.Seen) {
		_, is = decode.BOSHBodyOf(&e)
	})
	return is
}

// standsAlone says whether a piece is a head that no body follows, but another head or frames.
func standsAlone(p *decode.Piece) bool {
	switch b := p.Body.(type) {
	case session.HTTPRequest:
		return b.WebSocket
	case session.HTTPResponse:
		return b.Status/100 == 1
	}
	return false
}

// passesAtOnce says whether a piece is a head that is not held back until its body is there:
// there is none, or nobody will send one before the head has gone on, or nobody knows where it
// ends.
func (r *Relay) passesAtOnce(dir session.Dir, p *decode.Piece) bool {
	if standsAlone(p) {
		return true
	}
	switch p.Body.(type) {
	case session.HTTPRequest:
		return bytes.Contains(bytes.ToLower(p.Raw), []byte("\r\nexpect:"))
	case session.HTTPResponse:
		return r.stream.EndsWithConnection(dir)
	}
	return false
}
