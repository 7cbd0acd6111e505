package capture

import (
	"cmp"
	"fmt"
	"net/netip"

	"xmppscope/session"
)

// The ports that tell Wireshark what a connection carries.
const (
	portClient = 5222 // jabber:client
	portServer = 5269 // jabber:server
	portDirect = 5223 // TLS from the first byte, HTTP in it too
	portWeb    = 80   // WebSocket and BOSH in the clear
)

// connID is a session, and which of its connections, where it has several.
type connID struct {
	session int
	conn    int32
}

func connOf(e *session.Event) connID { return connID{e.Session, e.Conn} }

func (c connID) compare(d connID) int {
	return cmp.Or(cmp.Compare(c.session, d.session), cmp.Compare(c.conn, d.conn))
}

// tuple is what tells one TCP connection from another.
type tuple struct{ client, server netip.AddrPort }

// tuples are the connections that are open in one file.
type tuples map[tuple]bool

// claim takes a tuple, with the client's port moved on while it is in use.
func (t tuples) claim(want tuple) (got tuple, shifted bool) {
	got = want
	for range 1 << 16 { // and no further: with all in use nothing better is to be had
		if !t[got] {
			break
		}
		got = got.moved()
	}
	t[got] = true
	return got, got != want
}

// moved is the tuple with the client's next port, which is never a privileged
// one and never that of the server.
func (t tuple) moved() tuple {
	port := max(t.client.Port()+1, 1024)
	if port == t.server.Port() {
		port++
	}
	t.client = netip.AddrPortFrom(t.client.Addr(), port)
	return t
}

// ends are the two ends of a leg as a capture shows them: the real addresses,
// the XMPP port as given. The second result says, for the comment, what is
// really so.
func ends(leg session.Leg, o session.TCPOpened, port uint16) (tuple, string) {
	client, server := o.Peer, o.Local
	if leg == session.ServerLeg {
		client, server = o.Local, o.Peer
	}
	truth := fmt.Sprintf("really %s to %s", session.SafeLine(client), session.SafeLine(server))
	if o.Target != "" {
		truth += fmt.Sprintf(" (%s)", session.SafeLine(o.Target))
	}
	c, cErr := netip.ParseAddrPort(client)
	s, sErr := netip.ParseAddrPort(server)
	if cErr != nil || sErr != nil {
		if client == "" && server == "" {
			truth = "the real addresses are not known"
		}
		// Documentation addresses (RFC 5737): nobody takes them for real ones.
		c = netip.MustParseAddrPort("192.0.2.1:49152")
		s = netip.MustParseAddrPort("192.0.2.2:5222")
		if leg == session.ServerLeg {
			c, s = netip.AddrPortFrom(s.Addr(), c.Port()), netip.AddrPortFrom(netip.MustParseAddr("192.0.2.3"), s.Port())
		}
	}
	ca, sa := sameFamily(c.Addr(), s.Addr())
	return tuple{netip.AddrPortFrom(ca, c.Port()), netip.AddrPortFrom(sa, port)}, truth
}

// sameFamily gives both addresses without zones, both as IPv4 or both as IPv6.
func sameFamily(a, b netip.Addr) (netip.Addr, netip.Addr) {
	a, b = a.Unmap().WithZone(""), b.Unmap().WithZone("")
	if a.Is4() != b.Is4() {
		a, b = netip.AddrFrom16(a.As16()), netip.AddrFrom16(b.As16())
	}
	return a, b
}
