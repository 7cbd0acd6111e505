package tls

import (
	"time"

	"xmppscope/session"
)

// ClientFinished is the verify_data of the client's Finished (RFC 8446 §4.4.4), from the
// bytes of a handshake in each direction and its key log. It is nil if it cannot be read.
//
// Some software binds logins to it as tls-unique on TLS 1.3, for which RFC 9266 §3 defines
// none; crypto/tls does not tell it.
func ClientFinished(keyLog, c2s, s2c []byte) []byte {
	keys := new(Keys)
	if _, err := keys.Add(keyLog); err != nil {
		return nil
	}
	keys.Complete(true)
	c := NewConn(keys, func(Output) {})
	c.Feed(session.C2S, c2s, time.Time{})
	c.Feed(session.S2C, s2c, time.Time{})
	return c.hs.clientFinished
}
