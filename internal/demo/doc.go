// Package demo is a small XMPP server and a small XMPP client that hold one
// login between them, so that xmppscope can show what it does with nothing else
// installed. The default scenario is the login of the founding document: the 18
// steps by which a client of 2008 built a session with the Google Talk server.
//
// Both ends speak real XMPP over real TCP and TLS and know nothing of xmppscope:
// the client trusts only the roots it is given and checks names, the server
// shows a certificate of its own throw-away CA. Neither is meant for anything
// but the demo and tests: the server's accounts are made up (but for the founding
// document's, whose payload everybody can read), live in memory and are the same
// on every run, and it listens on loopback only.
package demo
