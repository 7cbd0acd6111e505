package proxy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"xmppscope/session"
)

// socks is SOCKS version 5 (RFC 1928), with and without a user (RFC 1929).
type socks struct {
	greeted, login bool   // the methods have been settled; a name and password are to come
	user           string // as the client has said it; nobody asks for the password
}

// isSOCKS knows both versions by their first byte: no XML, TLS or HTTP begins so.
func isSOCKS(p []byte) (yes, wait bool) { return len(p) > 0 && (p[0] == 5 || p[0] == 4), false }

// Methods and replies of RFC 1928 §3 and §6.
const (
	socksOpen, socksLogin, socksNone = 0, 2, 0xff

	socksDone, socksFailed, socksForbidden, socksUnreachable = 0, 1, 2, 4
	socksRefused, socksCommand, socksAddress                 = 5, 7, 8
)

func (d *socks) next(p []byte) (step, bool) {
	switch {
	case len(p) < 2:
		return step{}, false
	case p[0] == 4:
		return refused([]byte{0, 0x5b, 0, 0, 0, 0, 0, 0}, "the client speaks SOCKS4: let it speak SOCKS5")
	case d.login:
		return d.name(p)
	case p[0] != 5:
		return refused(socksReply(socksFailed), fmt.Sprintf("byte 0x%02x where SOCKS version 5 has to stand (RFC 1928 §4)", p[0]))
	case !d.greeted:
		return d.methods(p)
	}
	return d.request(p)
}

func refused(answer []byte, reason string) (step, bool) {
	return step{answer: answer, said: session.RelayDoor{Failed: true, Reason: reason}}, true
}

// methods settles how the client says who it is: by name, if it can.
func (d *socks) methods(p []byte) (step, bool) {
	n := 2 + int(p[1])
	if len(p) < n {
		return step{}, false
	}
	method := byte(socksNone)
	for _, m := range p[2:n] {
		if m == socksLogin || m == socksOpen && method != socksLogin {
			method = m
		}
	}
	if method == socksNone {
		return refused([]byte{5, socksNone}, "the client offers no way to say who it is that xmppscope knows: none at all, or a name and a password (RFC 1928 §3)")
	}
	d.greeted, d.login = true, method == socksLogin
	return step{read: n, answer: []byte{5, method}}, true
}

// name takes a name and a password, whatever they are (RFC 1929 §2).
func (d *socks) name(p []byte) (step, bool) {
	if len(p) < 2+int(p[1])+1 {
		return step{}, false
	}
	user := p[2 : 2+int(p[1])]
	n := 2 + len(user) + 1 + int(p[2+len(user)])
	if len(p) < n {
		return step{}, false
	}
	d.login, d.user = false, string(user)
	return step{read: n, answer: []byte{1, 0}}, true
}

// request takes where to connect to (RFC 1928 §4).
func (d *socks) request(p []byte) (step, bool) {
	if len(p) < 5 {
		return step{}, false
	}
	var host string
	at := 4
	switch p[3] {
	case 1, 4:
		size := map[byte]int{1: 4, 4: 16}[p[3]]
		if len(p) < at+size {
			return step{}, false
		}
		ip, _ := netip.AddrFromSlice(p[at : at+size])
		host, at = ip.String(), at+size
	case 3:
		size := int(p[at])
		if at++; len(p) < at+size {
			return step{}, false
		}
		host, at = string(p[at:at+size]), at+size
	default:
		return refused(socksReply(socksAddress), fmt.Sprintf("an address of type %d, which is none (RFC 1928 §5)", p[3]))
	}
	if len(p) < at+2 {
		return step{}, false
	}
	if p[1] != 1 {
		return refused(socksReply(socksCommand), fmt.Sprintf("command %d: xmppscope does CONNECT alone (RFC 1928 §4)", p[1]))
	}
	named, err := namedAt(host, int(binary.BigEndian.Uint16(p[at:])), "SOCKS5")
	if err != nil {
		return refused(socksReply(socksFailed), err.Error())
	}
	return step{read: at + 2, named: named, said: session.RelayDoor{Target: named.String(), User: d.user}}, true
}

func (d *socks) reached(failed error) []byte {
	var no *refusal
	var dns *net.DNSError
	switch {
	case failed == nil:
		return socksReply(socksDone)
	case errors.As(failed, &no):
		return socksReply(socksForbidden)
	case errors.Is(failed, syscall.ECONNREFUSED):
		return socksReply(socksRefused)
	case errors.As(failed, &dns), errors.Is(failed, syscall.EHOSTUNREACH), errors.Is(failed, syscall.ENETUNREACH):
		return socksReply(socksUnreachable)
	}
	return socksReply(socksFailed)
}

// socksReply is a reply (RFC 1928 §6). Which address we connected from is nobody's business.
func socksReply(code byte) []byte { return []byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0} }
