package session

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Fact is something known of a handshake or a certificate, in the words in which
// every face of xmppscope shows it: a label of at most twelve characters, and a
// value, which may hold text of a peer.
type Fact struct{ Label, Value string }

// Labels of the facts that are drawn in a way of their own.
const (
	FactVerified    = "verified"
	FactFingerprint = "SHA-256"
)

// known is facts without those that are not known.
func known(list ...Fact) []Fact {
	var out []Fact
	for _, f := range list {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

func yes(is bool, value string) string {
	if is {
		return value
	}
	return ""
}

func joined(list []string) string { return strings.Join(list, ", ") }

// Facts is what is known of the handshake, in the order in which it is read. The
// Hello, the Chain and the Bindings are for themselves.
func (f *TLSFacts) Facts() []Fact {
	sni, took, verified := f.SNI, "", ""
	if f.SNIFrom != "" {
		sni = strings.TrimSpace(sni + " (" + f.SNIFrom + ")")
	}
	if f.Took > 0 {
		took = ShortTime(f.Took)
	}
	if f.Verdict != nil {
		verified = f.Verdict.String()
	}
	return known(
		Fact{"version", f.Version},
		Fact{"cipher suite", f.Suite},
		Fact{"key exchange", f.Group},
		Fact{"ALPN", f.ALPN},
		Fact{"SNI", sni},
		Fact{"JID domain", f.Domain},
		Fact{"took", took},
		Fact{"resumed", yes(f.Resumed, "yes, an abbreviated handshake")},
		Fact{"client cert", f.clientCert()},
		Fact{"not minted", joined(f.Unminted)},
		Fact{FactVerified, verified},
	)
}

// clientCert says what became of the client's certificate.
func (f *TLSFacts) clientCert() string {
	switch {
	case len(f.Client) > 0:
		return "shown: " + f.Client[0].Subject
	case f.Mutual:
		return "asked for, and none was shown"
	}
	return ""
}

// String says whether the certificate was good, and why or why not.
func (v *Verification) String() string {
	switch {
	case v.OK:
		return "yes, by " + v.By
	case v.Ignored:
		return "no, and ignored as asked: " + v.Problem
	}
	return "no: " + v.Problem
}

// Facts is what a client offered.
func (h *ClientHello) Facts() []Fact {
	return known(
		Fact{"SNI", h.SNI},
		Fact{"versions", joined(h.Versions)},
		Fact{"ALPN", joined(h.ALPN)},
		Fact{"groups", joined(h.Groups)},
		Fact{"suites", joined(h.Suites)},
	)
}

// Facts is what is known of a certificate.
func (c *Certificate) Facts() []Fact {
	valid, key := "", c.Key
	if !c.NotAfter.IsZero() {
		valid = c.NotBefore.Format(time.DateOnly) + " to " + c.NotAfter.Format("2006-01-02 15:04 MST")
	}
	if c.Signature != "" {
		key = strings.TrimPrefix(key+", signed with "+c.Signature, ", ")
	}
	return known(
		Fact{"subject", c.Subject},
		Fact{"issuer", c.Issuer},
		Fact{"DNS names", joined(c.DNS)},
		Fact{"SRV names", joined(c.SRV)},
		Fact{"XMPP names", joined(c.XMPP)},
		Fact{"IP addresses", joined(c.IP)},
		Fact{"valid", valid},
		Fact{"key", key},
		Fact{"usage", joined(c.Usage)},
		Fact{"may sign", yes(c.CA, "yes, it is a CA")},
		Fact{FactFingerprint, fingerprint(c.SHA256)},
		Fact{"serial", c.Serial},
	)
}

// fingerprint puts colons between the bytes, as other programs show it.
func fingerprint(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		return s
	}
	return strings.ReplaceAll(fmt.Sprintf("% X", b), " ", ":")
}
