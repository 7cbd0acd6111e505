package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/proxy"

	"xmppscope/session"
)

// Through is a proxy that servers are reached through: SOCKS5 (RFC 1928, RFC 1929), or HTTP
// with CONNECT (RFC 9110 §9.3.6). It is handed names as they are, and resolves them.
type Through struct {
	Scheme   string // "socks5" or "http"
	Target   Target // the proxy itself
	User     string
	Password string // never shown
}

// Schemes of proxies.
const (
	schemeSOCKS = "socks5"
	schemeHTTP  = "http"
)

// ParseThrough reads socks5://[USER@]HOST[:PORT] or http://[USER@]HOST[:PORT]. The password
// comes from elsewhere: a command line can be read by others.
func ParseThrough(s, password string) (*Through, error) {
	const want = "want socks5://HOST:PORT or http://HOST:PORT, with USER@ before HOST if the proxy asks for one"
	u, err := url.Parse(s)
	if err != nil || u.Host == "" && u.Opaque == "" {
		return nil, fmt.Errorf("--via: this is no address of a proxy: %s", want)
	}
	if _, set := u.User.Password(); set {
		return nil, errors.New("--via: a password on the command line can be read by others: leave it out, and name a file with --via-password-file")
	}
	port := map[string]string{schemeSOCKS: "1080", schemeHTTP: "8080"}[u.Scheme]
	if port == "" {
		return nil, fmt.Errorf("--via: unknown scheme %q: %s", u.Scheme, want)
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("--via: %q has more than an address: %s", s, want)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	t, err := ParseTarget(net.JoinHostPort(u.Hostname(), port), "--via")
	if err != nil {
		return nil, err
	}
	out := &Through{Scheme: u.Scheme, Target: t, User: u.User.Username(), Password: password}
	if password != "" && out.User == "" {
		return nil, errors.New("--via: there is a password, and no user that it belongs to: want socks5://USER@HOST:PORT")
	}
	if len(out.User) > 255 || len(password) > 255 {
		return nil, errors.New("--via: user and password have at most 255 bytes each (RFC 1929)")
	}
	return out, nil
}

// String is the proxy without its password.
func (p *Through) String() string {
	user := ""
	if p.User != "" {
		user = url.User(p.User).String() + "@"
	}
	return p.Scheme + "://" + user + p.Target.Address()
}

// through connects to the proxy, and has it connect to the target.
func (r *Resolver) through(ctx context.Context, t Target, tell func(session.Body)) (net.Conn, time.Duration, error) {
	if no := r.refuseNamed(t); no != nil {
		return nil, 0, no
	}
	began := time.Now()
	conn, _, err := r.race(ctx, r.Through.Target, tell)
	if err != nil {
		reason, _ := explainDial(err)
		return nil, 0, &refusal{fmt.Sprintf("the proxy %s cannot be reached: %s", r.Through, reason), "check --via, and that the proxy runs"}
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	if r.Through.Scheme == schemeHTTP {
		err = r.Through.tunnel(conn, t)
	} else {
		err = r.Through.socks(ctx, conn, t)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, 0, r.Through.explain(err)
	}
	return conn, time.Since(began), nil
}

// refuseNamed is refuse for a target whose address only the proxy knows: where it is an
// address, or a name of this machine, it is judged as ever.
func (r *Resolver) refuseNamed(t Target) *refusal {
	host := strings.ToLower(strings.TrimSuffix(t.Host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		host = "127.0.0.1"
		if !t.Given {
			return &refusal{fmt.Sprintf("%q is the machine of the proxy itself, and no domain leads there", t.Host), "if it is meant: --resolve DOMAIN=HOST:PORT, or --upstream HOST:PORT"}
		}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		if !t.Given && isNumber(host[strings.LastIndexByte(host, '.')+1:]) {
			return &refusal{fmt.Sprintf("%q is no name: it ends in a number, and the proxy may take it for an address", t.Host), "write the address as four numbers, or name the server with --upstream HOST:PORT"}
		}
		return nil
	}
	ip = ip.Unmap()
	if !t.Given && ip.IsLoopback() {
		return &refusal{fmt.Sprintf("%s is the machine of the proxy itself, and no domain leads there", ip), "if it is meant: --resolve DOMAIN=HOST:PORT, or --upstream HOST:PORT"}
	}
	return r.refuse(t, netip.AddrPortFrom(ip, uint16(t.Port)).String())
}

// isNumber says whether the last label of a host has systems take that for an IPv4 address,
// such as 127.1 and 0x7f000001 (inet_aton).
func isNumber(label string) bool {
	hex, is := strings.CutPrefix(label, "0x")
	if is {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

// socks asks a SOCKS5 proxy.
func (p *Through) socks(ctx context.Context, conn net.Conn, t Target) error {
	var auth *proxy.Auth
	if p.User != "" {
		auth = &proxy.Auth{User: p.User, Password: p.Password}
	}
	dialer, err := proxy.SOCKS5("tcp", p.Target.Address(), auth, nil)
	if err != nil {
		return err
	}
	// On a connection of ours: what it would return is none that can be half-closed or reset.
	on, ok := dialer.(interface {
		DialWithConn(ctx context.Context, c net.Conn, network, address string) (net.Addr, error)
	})
	if !ok {
		return errors.New("this build of xmppscope cannot speak SOCKS5")
	}
	_, err = on.DialWithConn(ctx, conn, "tcp", t.Address())
	return err
}

// maxAnswer bounds the head of an HTTP proxy's answer.
const maxAnswer = 16 << 10

// tunnel asks an HTTP proxy.
func (p *Through) tunnel(conn net.Conn, t Target) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT %[1]s HTTP/1.1\r\nHost: %[1]s\r\n", t.Address())
	if p.User != "" {
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(p.User+":"+p.Password)))
	}
	b.WriteString("\r\n")
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return err
	}
	// Byte by byte: what follows the head is the server's.
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		if len(head) == maxAnswer {
			return errors.New("it answers with more than the head of an HTTP response")
		}
		if _, err := io.ReadFull(conn, one); err != nil {
			return err
		}
		if len(head) == 4 && string(head) != "HTTP" {
			return errors.New("it does not answer with HTTP")
		}
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return errors.New("it does not answer with HTTP")
	}
	answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return statusError{answer.StatusCode, answer.Status}
	}
	return nil
}

// statusError is an HTTP proxy's refusal.
type statusError struct {
	code   int
	status string
}

func (e statusError) Error() string { return "it answers " + session.ShortLine(e.status) }

// explain says in words why the proxy did not connect, and what to do next.
func (p *Through) explain(err error) error {
	text := strings.TrimPrefix(err.Error(), "socks connect tcp ")
	reason, hint := "", "look into the proxy's log"
	var status statusError
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		reason = "did not answer in time"
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		reason, hint = "hung up without a word", "check that it is a proxy of this kind"
	case errors.As(err, &status) && status.code == http.StatusProxyAuthRequired, has("authentication methods", "username/password"):
		reason, hint = "wants another user or password", "name the user in --via, and a file with the password with --via-password-file"
	case errors.As(err, &status) && status.code == http.StatusForbidden, has("connection not allowed"):
		reason, hint = "does not allow this connection", "many allow port 443 alone; ask whoever runs it"
	case has("connection refused"):
		reason, hint = "says that the server refused the connection: nothing listens there", "check host and port, and that the server runs"
	case has("host unreachable", "network unreachable", "TTL expired"):
		reason, hint = "says that it cannot reach the server", "check the server's name: the proxy resolves it"
	case has("unexpected protocol version"):
		reason, hint = "does not speak SOCKS5", "check --via: it may be http://"
	case has("does not answer with HTTP"):
		reason, hint = "does not answer with HTTP", "check --via: it may be socks5://"
	default:
		reason = "did not connect: " + session.ShortLine(plain(err))
	}
	return &refusal{fmt.Sprintf("the proxy %s %s", p, reason), hint}
}
