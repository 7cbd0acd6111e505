// Package peertest holds tests only: the xmppscope binary between real clients
// (slixmpp, profanity, go-sendxmpp) and real servers (Prosody, ejabberd), all on
// loopback, held against what the command line and the JSON promise to scripts.
// Some of the servers are broken on purpose, or scripted where no real one can be
// had so; and some logins go past xmppscope, which reads a capture of them.
//
// The programs are Debian packages; a test whose programs are missing says so and
// is skipped, or fails with XMPPSCOPE_PEERS=required. Most of the time is spent waiting for
// them, so those that take long run beside each other.
package peertest
