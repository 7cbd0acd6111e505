package tlsintercept

import (
	"crypto/tls"
	"slices"
)

// Versions that we can speak. SSL 3.0 and older are not to be had.
const (
	newestTLS = tls.VersionTLS13
	oldestTLS = tls.VersionTLS12
	legacyTLS = tls.VersionTLS10
)

// oldest is the lowest version that is spoken on either leg.
func (c *Config) oldest() uint16 {
	if c.LegacyTLS {
		return legacyTLS
	}
	return oldestTLS
}

// suites is what is offered for TLS 1.2 and below: nil, which is what crypto/tls
// thinks well of, or all that it can do.
func (c *Config) suites() []uint16 {
	if !c.LegacyTLS {
		return nil
	}
	return allSuites()
}

func allSuites() (out []uint16) {
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		out = append(out, s.ID)
	}
	return out
}

// common is the range of versions to offer upstream: those of the client that we
// speak as well. ok is false if there is none.
func (c *Config) common(client []uint16) (lowest, highest uint16, ok bool) {
	for _, v := range client {
		if v < c.oldest() || v > newestTLS {
			continue
		}
		if !ok || v < lowest {
			lowest = v
		}
		if !ok || v > highest {
			highest = v
		}
		ok = true
	}
	return lowest, highest, ok
}

// offer is what the server is offered: the client's own wishes.
type offer struct {
	lowest, highest uint16
	alpn            []string
	sni             string
	sniFrom         string // "client", "stream to", …: session.TLSFacts.SNIFrom
}

// protocols is the NextProtos for a client: exactly what the server chose. An
// empty list makes crypto/tls choose none; a list without overlap would make it
// refuse.
func protocols(chosen string) []string {
	if chosen == "" {
		return nil
	}
	return []string{chosen}
}
