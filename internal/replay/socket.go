package replay

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"xmppscope/decode"
	"xmppscope/session"
)

// socket is a line of which each message is a document of its own: WebSocket (RFC 7395).
type socket struct {
	conn  *websocket.Conn
	under net.Conn
	said  chan []byte // messages of the other side, one ahead of who asks
	why   error       // why there are no more of them, once said is closed
	halt  context.CancelFunc
	rest  []byte // of a message, not looked at yet
	scan  decode.Scanner
	ended bool // the other side has ended its stream
}

// subprotocol is that of XMPP (RFC 7395 §3.1).
const subprotocol = "xmpp"

// dialSocket asks for WebSocket at a URL, on a connection that is there already, within a time.
func dialSocket(ctx context.Context, conn net.Conn, url string, until time.Time) (*socket, error) {
	conn.SetDeadline(until)
	ours := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	c, answer, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: &http.Client{
			Transport:     &http.Transport{DialContext: ours, DialTLSContext: ours},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		Subprotocols: []string{subprotocol},
	})
	switch {
	case err == nil:
		return newSocket(ctx, c, conn), nil
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("the server answers %s where it should switch to WebSocket", session.ShortLine(answer.Status))
	}
	return nil, fmt.Errorf("the server does not switch to WebSocket: %s", session.ShortLine(err.Error()))
}

// acceptSocket answers a client's request for WebSocket, within a time.
func acceptSocket(ctx context.Context, conn net.Conn, until time.Time) (*socket, error) {
	conn.SetDeadline(until)
	a := &answer{conn: conn, head: http.Header{}, buf: bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))}
	req, err := http.ReadRequest(a.buf.Reader)
	if err != nil {
		return nil, fmt.Errorf("the client's request of HTTP cannot be read: %s", session.ShortLine(err.Error()))
	}
	c, err := websocket.Accept(a, req, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // whichever page it comes from
	})
	if err != nil {
		a.buf.Flush()
		return nil, fmt.Errorf("the client speaks HTTP, and asks for no WebSocket: %s", session.ShortLine(err.Error()))
	}
	return newSocket(ctx, c, conn), nil
}

// answer is the answer to one request, on a connection that is given away then.
type answer struct {
	conn net.Conn
	head http.Header
	buf  *bufio.ReadWriter
}

func (a *answer) Header() http.Header         { return a.head }
func (a *answer) Write(p []byte) (int, error) { return a.buf.Write(p) }

func (a *answer) WriteHeader(status int) {
	fmt.Fprintf(a.buf, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	if status != http.StatusSwitchingProtocols {
		a.head.Set("Connection", "close")
	}
	a.head.Write(a.buf)
	a.buf.WriteString("\r\n")
}

func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return a.conn, a.buf, a.buf.Flush()
}

func newSocket(ctx context.Context, c *websocket.Conn, under net.Conn) *socket {
	under.SetDeadline(time.Time{}) // c has none: contexts bound what it does
	c.SetReadLimit(decode.MaxFrame)
	ctx, halt := context.WithCancel(ctx)
	l := &socket{conn: c, under: under, said: make(chan []byte), halt: halt}
	go l.listen(ctx)
	return l
}

// listen takes messages. It does so all the time, as a Read that is given up ends the
// connection.
func (l *socket) listen(ctx context.Context) {
	defer close(l.said)
	for {
		kind, message, err := l.conn.Read(ctx)
		switch {
		case errors.Is(err, websocket.ErrMessageTooBig):
			l.why = fmt.Errorf("the other side sends a message of more than %d bytes", decode.MaxFrame)
			return
		case err != nil:
			l.why = errGone
			return
		case kind != websocket.MessageText:
			l.why = errors.New("the other side sends a binary message: XMPP has text messages alone (RFC 7395 §3.2)")
			return
		}
		select {
		case l.said <- message:
		case <-ctx.Done():
			l.why = errGone
			return
		}
	}
}

func (l *socket) say(k kind, raw []byte, until time.Time) error {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	err := l.conn.Write(ctx, websocket.MessageText, decode.OnItsOwn(k.frame(), raw))
	if err != nil && ctx.Err() != nil { // else the other side has gone, which next tells
		return fmt.Errorf("sending: %w", err)
	}
	return nil
}

func (l *socket) next(until time.Time) (*heard, error) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for {
		if l.rest = bytes.TrimSpace(l.rest); len(l.rest) > 0 {
			l.scan.Reset()
			n, f, ok := l.scan.Next(l.rest)
			if l.rest = l.rest[n:]; !ok || f.Kind != decode.Element || f.Truncated {
				return nil, errMalformed
			}
			return l.heard(f.Raw)
		}
		select {
		case message, ok := <-l.said:
			if !ok {
				return nil, l.why
			}
			l.rest = message
		case <-timer.C:
			return nil, errLate
		}
	}
}

// heard makes something of an element.
func (l *socket) heard(raw []byte) (*heard, error) {
	raw = bytes.Clone(raw)
	root, _ := decode.Parse(raw, nil)
	switch {
	case root == nil:
		return nil, errMalformed
	case isNamed(root, decode.NSFraming, "open"):
		return &heard{header, raw, treeOf(true, raw, nil)}, nil
	case isNamed(root, decode.NSFraming, "close"):
		l.ended = true
		return &heard{ended, raw, nil}, nil
	}
	return &heard{element, raw, root}, nil
}

// leave closes WebSocket when the other side has ended its stream, too (RFC 7395 §3.6).
func (l *socket) leave() {
	until := time.Now().Add(farewell)
	defer time.AfterFunc(farewell, func() { l.under.Close() }).Stop()
	for !l.ended {
		if _, err := l.next(until); err != nil {
			break
		}
	}
	l.conn.Close(websocket.StatusNormalClosure, "")
}

func (l *socket) stop() {
	l.halt()
	l.conn.CloseNow()
	for range l.said { // until it is closed
	}
}
