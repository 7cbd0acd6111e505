// Package proxy relays XMPP connections between clients and servers, and records
// what it sees of each.
//
// What to do is decided by Relay (relay.go), which does no I/O: it takes an Input
// (something happened, past tense) and returns Actions (do this, imperative). A
// pump (pump.go) carries them out: two readers, two writers and one loop that
// owns the Relay. The tap (tap.go) records the bytes of both legs below TLS.
// Serve (listen.go) accepts connections; a Resolver (target.go) says where each
// belongs.
//
// The relay is a wire: it forwards the bytes it was given, at once, and never
// re-serialises. It decodes a copy, only to know where the stream turns into TLS
// and what to record.
package proxy
