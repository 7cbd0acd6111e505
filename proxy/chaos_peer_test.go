package proxy_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

const (
	chaosDomain = "chaos.example"

	upHeader    = "<?xml version='1.0'?><stream:stream to='chaos.example' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	downHeader  = "<?xml version='1.0'?><stream:stream from='chaos.example' id='x1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	featuresTLS = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
	askTLS      = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	proceedTLS  = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
)

// chaosText is a side's stream after the opening: small things and large ones, now and
// then what is no XML at all.
func chaosText(rnd *rand.Rand, side int) string {
	var b strings.Builder
	header := [2]string{upHeader, downHeader}[side]
	b.WriteString(header)
	for i := range rnd.IntN(60) {
		switch rnd.IntN(9) {
		case 0:
			b.WriteString(" \n")
		case 1:
			b.WriteString("<iq id='1' type=\"get\"><q xmlns='urn:x'><![CDATA[</iq> ]]></q></iq>")
		case 2:
			fmt.Fprintf(&b, "<presence from='ä@%s/%d'/>", chaosDomain, i)
		case 3:
			fmt.Fprintf(&b, "<message><body>%s 😀 &lt;</body></message>", strings.Repeat("x", rnd.IntN(5000)))
		case 4:
			b.WriteString("<r xmlns='urn:xmpp:sm:3'/>")
		case 5:
			b.WriteString("<message a='>'\tb=\"'\"><!-- </message> --></message>")
		case 6: // as after a login: a stream begins anew
			b.WriteString("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>" + header)
		case 7:
			if rnd.IntN(20) == 0 {
				fmt.Fprintf(&b, "<message><body>%s</body></message>", strings.Repeat("huge ", 1+rnd.IntN(600_000)))
			}
		case 8:
			if rnd.IntN(50) == 0 {
				for range rnd.IntN(5000) {
					b.WriteByte(byte(rnd.Uint32()))
				}
			}
		}
	}
	b.WriteString("</stream:stream>")
	return b.String()
}

// inFrames cuts a text into frames of WebSocket, some of which are not as they should be.
func inFrames(rnd *rand.Rand, side int, text string) string {
	var b strings.Builder
	dir := [2]session.Dir{session.C2S, session.S2C}[side]
	for len(text) > 0 {
		n := min(1+rnd.IntN(one(rnd, 100, 3000, 100_000)), len(text))
		b.Write(xmpptest.WebSocketFrame(dir, one[byte](rnd, 0x81, 0x81, 0x81, 0x01, 0x80, 0x89, 0xc1, 0x83), []byte(text[:n])))
		text = text[n:]
	}
	return b.String()
}

// peer is the client or the server.
type peer struct {
	raw  *cutter
	conn net.Conn // the stream: raw, or TLS on it
}

func (c *chaos) newPeer(side int, conn net.Conn) *peer {
	conn.SetDeadline(time.Now().Add(chaosLimit))
	raw := &cutter{TCPConn: conn.(*net.TCPConn), rnd: c.random(side, "cuts"), fuse: -1, most: c.grain[side]}
	return &peer{raw, raw}
}

// random is chance of its own for each thing that a side does.
func (c *chaos) random(side int, what string) *rand.Rand {
	return rand.New(rand.NewPCG(c.seed[side], uint64(len(what))))
}

// cutter cuts what is written into segments of any size.
type cutter struct {
	*net.TCPConn
	rnd   *rand.Rand
	most  int // bytes in a segment
	fuse  int // bytes until it blows; -1: never
	blown func()
	ended bool // a Read has found the end
}

var errBlown = errors.New("the fuse has blown")

func (c *cutter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		size := min(1+c.rnd.IntN(max(c.most, len(p)/50)), len(p)-n)
		if c.fuse >= 0 {
			if size = min(size, c.fuse); size == 0 {
				c.blown()
				return n, errBlown
			}
			c.fuse -= size
		}
		var m int
		m, err = c.TCPConn.Write(p[n : n+size])
		n += m
	}
	return n, err
}

func (c *cutter) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.ended = c.ended || err == io.EOF
	return n, err
}

// blow ends the peer once it has written so many bytes more.
func (p *peer) blow(after int, how finish) {
	p.raw.fuse, p.raw.blown = after, func() { p.end(how) }
}

// end ends a peer in this way.
func (p *peer) end(how finish) {
	switch how {
	case inOrder:
		if c, ok := p.conn.(*tls.Conn); ok {
			c.CloseWrite()
		}
		p.raw.CloseWrite()
	case reset:
		p.raw.SetLinger(0)
		p.raw.Close()
	case cutOff:
		p.raw.CloseWrite()
	case gone:
		if c, ok := p.conn.(*tls.Conn); ok && p.raw.fuse < 0 {
			c.Close()
		}
		p.raw.Close()
	}
}

// accept takes the proxy's connection to the server.
func (c *chaos) accept() error {
	conn, err := c.upstream.Accept()
	if err == nil {
		c.peers[server] = c.newPeer(server, conn)
	}
	return err
}

// chaosDoors are what a client says before its own first byte, and what it is answered.
var chaosDoors = []string{
	"", "PROXY TCP4 192.0.2.1 192.0.2.2 4000 5222\r\n",
	"\x05\x01\x00|\x05\x00|\x05\x01\x00\x03\x0dchaos.example\x14\x67|" + chaosReached,
	"\x05\x02\x00\x01|\x05\x00|\x05\x01\x00\x01\xc0\x00\x02\x01\x14\x66|" + chaosReached,
	"\x05\x01\x02|\x05\x02|\x01\x05alice\x02pw|\x01\x00|\x05\x01\x00\x03\x0dchaos.example\x14\x67|" + chaosReached,
	"CONNECT chaos.example:5223 HTTP/1.1\r\nHost: chaos.example:5223\r\n\r\n|HTTP/1.1 200 Connection established\r\n\r\n",
}

const chaosReached = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"

// knock says to a door what it wants to hear. One that names a server has it connected.
func (c *chaos) knock() {
	p := c.peers[client]
	talk := strings.Split(c.door, "|")
	for i, text := range talk {
		if i%2 == 0 {
			io.WriteString(p.conn, text)
			continue
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(p.conn, got); err != nil || string(got) != text {
			c.Fatalf("the door answers %q (%v), want %q", got, err, text)
		}
	}
	if len(talk) > 1 {
		if err := c.accept(); err != nil {
			c.Fatal(err)
		}
	}
}

// says has one side say something that the other hears.
func (c *chaos) says(from int, text string) {
	if _, err := io.WriteString(c.peers[from].conn, text); err != nil {
		c.Fatalf("the %s says %q: %v", sides[from], text, err)
	}
	if c.peers[server] == nil {
		if err := c.accept(); err != nil {
			c.Fatal(err)
		}
	}
	got := make([]byte, len(text))
	if n, err := io.ReadFull(c.peers[1-from].conn, got); string(got) != text {
		c.Fatalf("the %s hears %q (%v), want %q", sides[1-from], got[:n], err, text)
	}
}

// steps are what is said in the opening before TLS, one at a time.
func (c *chaos) steps() []func() {
	switch c.opening {
	case inTheClear:
		return []func(){
			func() { c.says(client, upHeader) },
			func() { c.says(server, downHeader+"<stream:features/>") },
			func() { c.says(client, "<iq type='get' id='0'/>") },
		}
	case webSocket:
		return []func(){
			func() {
				c.says(client, "GET /ws HTTP/1.1\r\nHost: chaos.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n")
			},
			func() {
				c.says(server, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
			},
		}
	case startTLS:
		return []func(){
			func() { c.says(client, upHeader) },
			func() { c.says(server, downHeader+featuresTLS) },
			func() { c.says(client, askTLS) },
			func() { c.says(server, proceedTLS) },
		}
	}
	return nil
}

// ahead sends a text in one write with what is written first, and skips the answer.
type ahead struct {
	net.Conn
	first string
	skip  int
}

func (a *ahead) Write(p []byte) (int, error) {
	first := a.first
	a.first = ""
	n, err := a.Conn.Write(append([]byte(first), p...))
	return max(0, n-len(first)), err
}

func (a *ahead) Read(p []byte) (int, error) {
	for a.skip > 0 {
		n, err := a.Conn.Read(make([]byte, a.skip))
		if a.skip -= n; err != nil {
			return 0, err
		}
	}
	return a.Conn.Read(p)
}

const pipelinedAnswer = downHeader + featuresTLS + proceedTLS

// secureClient does the client's handshake.
func (c *chaos) secureClient() error {
	p := c.peers[client]
	if c.opening == pipelined {
		p.conn = &ahead{Conn: p.raw, first: upHeader + askTLS, skip: len(pipelinedAnswer)}
	}
	conn := tls.Client(p.conn, &tls.Config{RootCAs: c.ours.Pool(), ServerName: chaosDomain, MaxVersion: c.version[client]})
	p.conn = conn
	return conn.Handshake()
}

// secureServer does the server's, with what comes before it.
func (c *chaos) secureServer() error {
	p := c.peers[server]
	if c.opening == pipelined {
		if _, err := io.ReadFull(p.conn, make([]byte, len(upHeader+askTLS))); err != nil {
			return err
		}
		if _, err := io.WriteString(p.conn, pipelinedAnswer); err != nil {
			return err
		}
	}
	cert, _, err := c.theirs.Mint(chaosDomain, nil)
	if err != nil {
		return err
	}
	conn := tls.Server(p.conn, &tls.Config{Certificates: []tls.Certificate{*cert}, MaxVersion: c.version[server]})
	p.conn = conn
	return conn.Handshake()
}

// handshakes does TLS on both legs.
func (c *chaos) handshakes() {
	done := make(chan error, 1)
	go func() { done <- c.secureClient() }()
	var err error
	if c.peers[server] == nil {
		err = c.accept()
	}
	if err == nil {
		err = c.secureServer()
	}
	if err := errors.Join(err, <-done); err != nil {
		c.Fatalf("handshakes: %v", err)
	}
}

// breakHandshakes ends one side in the middle of them, or just behind: the other is
// told, if it was reached.
func (c *chaos) breakHandshakes() {
	play := func(side int, secure func() error) {
		if side == c.who {
			c.peers[side].blow(c.fuse, c.finish)
			secure()
			c.peers[side].end(c.finish)
		} else {
			secure()
			c.told(side)
		}
	}
	var both sync.WaitGroup
	both.Go(func() { play(client, c.secureClient) })
	both.Go(func() {
		if c.peers[server] != nil || c.accept() == nil {
			play(server, c.secureServer)
		}
	})
	c.awaitEnd()
	c.upstream.Close() // it was not reached
	both.Wait()
}
