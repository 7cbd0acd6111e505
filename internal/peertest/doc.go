// Package peertest holds tests only: the xmppscope binary between real clients
// (slixmpp, profanity, go-sendxmpp) and real servers (Prosody, ejabberd), all on
// loopback, held against what the command line and the JSON promise to scripts.
//
// The programs are Debian packages; a test whose programs are missing says so and
// is skipped, or fails with XMPPSCOPE_PEERS=required.
package peertest
