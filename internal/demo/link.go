package demo

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// The namespaces that the two ends use.
const (
	nsStreams  = "http://etherx.jabber.org/streams"
	nsClient   = "jabber:client"
	nsTLS      = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL     = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind     = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession  = "urn:ietf:params:xml:ns:xmpp-session"
	nsErrors   = "urn:ietf:params:xml:ns:xmpp-streams"
	nsStanzas  = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsRoster   = "jabber:iq:roster"
	nsPing     = "urn:xmpp:ping"
	nsManage   = "urn:xmpp:sm:3"
	endTag     = "</stream:stream>"
	farewell   = 2 * time.Second // how long a close waits for the other side
	maxElement = 1 << 20         // bytes of one element; more ends the stream
)

// errEnd is the other side's end tag.
var errEnd = errors.New("demo: the stream has ended")

// node is an element as it was read.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

func (n *node) is(space, local string) bool {
	return n.XMLName.Space == space && n.XMLName.Local == local
}

func (n *node) attr(local string) string {
	for _, a := range n.Attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

func (n *node) child(space, local string) *node {
	for i := range n.Nodes {
		if n.Nodes[i].is(space, local) {
			return &n.Nodes[i]
		}
	}
	return nil
}

// oneByte hands the decoder one byte at a time, so that it never reads beyond the
// ">" after which the next byte belongs to TLS or to a new document.
type oneByte struct {
	r    io.Reader
	left int // bytes that the element being read may still have
}

func (o *oneByte) ReadByte() (byte, error) {
	if o.left--; o.left < 0 {
		return 0, fmt.Errorf("demo: peer sent an element of more than %d bytes", maxElement)
	}
	var b [1]byte
	_, err := io.ReadFull(o.r, b[:])
	return b[0], err
}

func (o *oneByte) Read(p []byte) (int, error) {
	b, err := o.ReadByte()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// link is one end of an XMPP stream over a connection that may change under it.
type link struct {
	conn  net.Conn
	bytes *oneByte
	dec   *xml.Decoder

	mu   sync.Mutex // held while writing: a session is also written to by others
	ends bool       // our end tag has been sent
}

func newLink(c net.Conn) *link {
	l := &link{}
	l.renew(c)
	return l
}

// renew begins a new document, on the same connection or another.
func (l *link) renew(c net.Conn) {
	l.conn = c
	l.bytes = &oneByte{r: c}
	l.dec = xml.NewDecoder(l.bytes)
}

// send writes what fmt.Sprintf makes of its arguments, which the caller has
// escaped.
func (l *link) send(format string, args ...any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends {
		return errEnd
	}
	_, err := fmt.Fprintf(l.conn, format, args...)
	return err
}

// header reads the start tag of a stream.
func (l *link) header() (*node, error) {
	start, err := l.start()
	if err != nil {
		return nil, err
	}
	if start.Name.Space != nsStreams || start.Name.Local != "stream" {
		return nil, fmt.Errorf("demo: peer sent <%s> where a stream header is due", start.Name.Local)
	}
	return &node{XMLName: start.Name, Attrs: start.Attr}, nil
}

// next reads a whole element of the stream; errEnd says that there are no more.
func (l *link) next() (*node, error) {
	start, err := l.start()
	if err != nil {
		return nil, err
	}
	n := &node{}
	if err := l.dec.DecodeElement(n, &start); err != nil {
		return nil, fmt.Errorf("demo: peer's <%s>: %w", start.Name.Local, err)
	}
	return n, nil
}

func (l *link) start() (xml.StartElement, error) {
	l.bytes.left = maxElement
	for {
		token, err := l.dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, errEnd
		}
	}
}

// end sends the end tag, once, and tells TLS and TCP that nothing follows.
func (l *link) end() error {
	err := l.send(endTag)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = true
	if c, ok := l.conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	return err
}

// drain reads to the end of the connection, so that closing it does not reset
// what is still on its way.
func (l *link) drain() {
	l.conn.SetReadDeadline(time.Now().Add(farewell))
	io.Copy(io.Discard, l.conn)
}

// pushback is a connection whose first byte was looked at.
type pushback struct {
	net.Conn
	first []byte
}

func (p *pushback) Read(b []byte) (int, error) {
	if len(p.first) == 0 {
		return p.Conn.Read(b)
	}
	n := copy(b, p.first)
	p.first = p.first[n:]
	return n, nil
}

// CloseWrite ends our half of the connection and leaves the other open.
func (p *pushback) CloseWrite() error {
	if c, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// peek returns the first byte that is not white space, and a connection on which
// it is still to be read: some clients end <starttls/> with a line feed.
func peek(c net.Conn) (byte, net.Conn, error) {
	var b [1]byte
	for {
		if _, err := io.ReadFull(c, b[:]); err != nil {
			return 0, nil, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(b[0])) {
			return b[0], &pushback{c, b[:]}, nil
		}
	}
}

// esc makes text fit to stand in an attribute or between tags.
func esc(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
