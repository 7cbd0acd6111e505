package sasl

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"xmppscope/session"
)

// readable gives a payload as text if a person can read it, else as hex.
func readable(p []byte) string {
	if utf8.Valid(p) && !strings.ContainsFunc(string(p), func(r rune) bool { return r < 0x20 && r != '\n' && r != '\t' }) {
		return string(p)
	}
	return fmt.Sprintf("%x", p)
}

// between says whether xmppscope ends TLS between client and server, so that
// the two have different TLS connections. It is false for captures of others,
// where only one connection is known, and where both show the same certificate.
func between(tls [3]*session.TLSFacts) bool {
	return tls[session.ClientLeg] != nil && tls[session.ServerLeg] != nil
}

// substitute is the certificate that the server was shown in the client's place
// (--upstream-cert), nil if none was.
func substitute(tls [3]*session.TLSFacts) *session.Certificate {
	if !between(tls) || len(tls[session.ServerLeg].Client) == 0 {
		return nil
	}
	return &tls[session.ServerLeg].Client[0]
}

// sameCertificate says whether the client was shown the server's own certificate.
func sameCertificate(tls [3]*session.TLSFacts) bool {
	if !between(tls) {
		return false
	}
	c, s := tls[session.ClientLeg].Chain, tls[session.ServerLeg].Chain
	return len(c) > 0 && len(s) > 0 && c[0].SHA256 != "" && c[0].SHA256 == s[0].SHA256
}

// clientTLS is what is known of the TLS connection that the client sees, or nil.
func clientTLS(tls [3]*session.TLSFacts) *session.TLSFacts {
	if t := tls[session.ClientLeg]; t != nil {
		return t
	}
	return tls[session.ServerLeg]
}

// short is the beginning of bytes in hex, as people compare hashes.
func short(hex string) string {
	if len(hex) > 16 {
		return hex[:16] + "…"
	}
	return hex
}

// period is a length of time as a person says it, rounded: "3 hours".
func period(d time.Duration) string {
	for _, u := range []struct {
		unit, from time.Duration
		name       string
	}{{24 * time.Hour, 47 * time.Hour, "day"}, {time.Hour, 55 * time.Minute, "hour"}, {time.Minute, 55 * time.Second, "minute"}} {
		if d >= u.from {
			return session.Plural(int((d+u.unit/2)/u.unit), u.name)
		}
	}
	return session.Plural(int((d+time.Second/2)/time.Second), "second")
}

// expiry says when something that is valid until a time ends, as seen at another.
func expiry(until, at time.Time) (text string, over bool) {
	if left := until.Sub(at); left > 0 {
		return "expires in " + period(left), false
	}
	return "expired " + period(at.Sub(until)) + " before this login", true
}
