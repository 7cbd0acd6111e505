package xmpptest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
)

// Gateway is a proxy of a test's own: SOCKS5 or HTTP.
type Gateway struct {
	Addr  string      // "127.0.0.1:PORT"
	Asked chan string // "host:port" of each connection that was asked for; it has room for ten
}

// StartGateway starts a proxy for the length of the test, "socks5" or "http". Whoever is user
// "me" with the password, or anyone if that is "", is connected to one address, whatever is
// asked for, or is refused with a code of SOCKS5 (RFC 1928 §6), if that is not 0.
func StartGateway(t testing.TB, scheme, password string, code byte, to net.Addr) *Gateway {
	t.Helper()
	l, err := net.Listen("tcp", local(0))
	if err != nil {
		t.Fatal(err)
	}
	g := &Gateway{l.Addr().String(), make(chan string, 10)}
	var conns sync.WaitGroup
	t.Cleanup(conns.Wait)
	t.Cleanup(func() { l.Close() })
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				serve := g.socks
				if scheme == "http" {
					serve = g.http
				}
				if serve(c, password, code) != nil || to == nil {
					return
				}
				server, err := net.Dial("tcp", to.String())
				if err != nil {
					return
				}
				defer server.Close()
				go func() {
					io.Copy(server, c)
					server.Close()
				}()
				io.Copy(c, server)
			})
		}
	})
	return g
}

var errTurnedAway = errors.New("refused")

func (g *Gateway) socks(c net.Conn, password string, code byte) error {
	read := func(n int) []byte {
		b := make([]byte, n)
		io.ReadFull(c, b)
		return b
	}
	methods := read(int(read(2)[1]))
	if password != "" && !bytes.Contains(methods, []byte{2}) {
		c.Write([]byte{5, 0xff})
		return errTurnedAway
	}
	if password != "" {
		c.Write([]byte{5, 2})
		user := string(read(int(read(2)[1])))
		if got := string(read(int(read(1)[0]))); user != "me" || got != password {
			c.Write([]byte{1, 1})
			return errTurnedAway
		}
		c.Write([]byte{1, 0})
	} else {
		c.Write([]byte{5, 0})
	}
	head := read(4)
	host := ""
	switch head[3] {
	case 1:
		host = netip.AddrFrom4([4]byte(read(4))).String()
	case 3:
		host = string(read(int(read(1)[0])))
	case 4:
		host = netip.AddrFrom16([16]byte(read(16))).String()
	}
	port := read(2)
	g.Asked <- net.JoinHostPort(host, fmt.Sprint(int(port[0])<<8|int(port[1])))
	c.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
	if code != 0 {
		return errTurnedAway
	}
	return nil
}

func (g *Gateway) http(c net.Conn, password string, code byte) error {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil || req.Method != http.MethodConnect {
		return errTurnedAway
	}
	g.Asked <- req.RequestURI
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+password)); password != "" && req.Header.Get("Proxy-Authorization") != want {
		io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return errTurnedAway
	}
	if code != 0 {
		io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		return errTurnedAway
	}
	io.WriteString(c, "HTTP/1.0 200 OK\r\nX: y\r\n\r\n")
	return nil
}
