// Package passive makes sessions of packet captures that others have recorded: it
// joins the readers of packets and of TLS with the scanner of XMPP.
//
// XMPP is found by looking at what a connection carries, whatever its ports: a
// stream header, or, where the capture begins in the middle, stanzas; inside TLS by
// the plaintext, or by the ALPN that the client has offered. Where TLS cannot be
// opened, the port decides whether the connection is shown. XMPP over HTTP is known by what
// is asked for: the WebSocket protocol of XMPP, or a body of BOSH.
//
// There is one wire here and no xmppscope on it. What is known of the connection
// (tcp:…, tls:…) is told of the client leg alone, which then reaches all the way to
// the server: so the facts are the client's, and no rule sees two TLS connections
// and a man between them. TCPOpened.Captured says that it is so. Elements have the
// leg on which the proxy would have seen them: c2s the client's, s2c the server's.
package passive
