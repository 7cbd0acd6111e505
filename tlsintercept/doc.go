// Package tlsintercept ends TLS on both legs of a session: towards the client as
// the server, with a certificate minted for the stream's domain, and towards the
// server as the client. It makes the two as alike as it can, and says in words
// what each of them agreed on, or who refused whom and why.
//
// The order is that of facts, not of convenience. The client leg's handshake is
// started first; inside it, when the ClientHello has been read, the server leg's
// handshake is done with the client's own SNI, ALPN list and range of versions;
// then the client is given the version and the protocol that the server chose.
// Whatever fails in between reaches the client as alert 80 (internal_error).
//
// Verification of the server is ours (RFC 6120 §13.7.2), against the JID domain
// and not against the host that was connected to, so that the chain can be shown
// when it is refused.
//
// Everything is reported through Legs.Record: tls:established or tls:failed for
// each leg, the server's first in the normal order, and tls:secret for each line
// of each leg's key log.
package tlsintercept
