package session

import "time"

// TLSFacts is what became known of one leg's TLS handshake. Names are those of
// the IANA registries; times are durations in nanoseconds in JSON.
type TLSFacts struct {
	Version  string        `json:"version,omitempty"` // "TLS 1.3"
	Suite    string        `json:"suite,omitempty"`   // "TLS_AES_128_GCM_SHA256"
	Group    string        `json:"group,omitempty"`   // key exchange: "X25519MLKEM768"; "" if none was used
	ALPN     string        `json:"alpn,omitempty"`    // what was agreed on
	SNI      string        `json:"sni,omitempty"`     // the name in the ClientHello of this leg
	SNIFrom  string        `json:"sni_from,omitempty"`
	Domain   string        `json:"domain,omitempty"`    // the JID domain the certificate is held against
	Resumed  bool          `json:"resumed,omitempty"`   // an abbreviated handshake
	EMS      bool          `json:"ems,omitempty"`       // extended master secret (RFC 7627) or TLS 1.3
	Mutual   bool          `json:"requested,omitempty"` // a client certificate was asked for
	Took     time.Duration `json:"took_ns,omitempty"`
	Hello    *ClientHello  `json:"hello,omitempty"`        // what the client of this leg offered
	Chain    []Certificate `json:"chain,omitempty"`        // as sent, leaf first
	Client   []Certificate `json:"client_chain,omitempty"` // what was shown as the client of this leg, leaf first: to the server by --upstream-cert, for the client's own cannot pass a proxy
	Verdict  *Verification `json:"verified,omitempty"`     // of Chain; nil if it was not looked at
	Unminted []string      `json:"not_minted,omitempty"`   // client leg: names of the server's leaf that ours does not carry

	// Bindings is the channel-binding data of this leg in hex, by the name of its
	// type (RFC 5929, RFC 9266); a type that the handshake does not give is absent.
	Bindings map[string]string `json:"bindings,omitempty"`
}

// RoundTrips is how often the client had to wait in the handshake (RFC 8446 §2, RFC
// 5246 §7.3): TLS 1.3 takes one round trip, what was before it two, unless it is
// resumed.
func (f *TLSFacts) RoundTrips() int {
	if f.Version == "TLS 1.3" || f.Resumed {
		return 1
	}
	return 2
}

// Offer is what the client of this leg offered, nothing if its ClientHello was not
// seen.
func (f *TLSFacts) Offer() ClientHello {
	if f.Hello == nil {
		return ClientHello{}
	}
	return *f.Hello
}

// Types of channel binding: the keys of TLSFacts.Bindings.
const (
	BindingUnique   = "tls-unique"           // RFC 5929 §3, up to TLS 1.2
	BindingEndPoint = "tls-server-end-point" // RFC 5929 §4
	BindingExporter = "tls-exporter"         // RFC 9266
)

// ClientHello is what a client offered (RFC 8446 §4.1.2).
type ClientHello struct {
	Versions []string `json:"versions,omitempty"`
	Suites   []string `json:"suites,omitempty"`
	Groups   []string `json:"groups,omitempty"`
	ALPN     []string `json:"alpn,omitempty"`
	SNI      string   `json:"sni,omitempty"`
}

// Certificate is what a person wants to know of one.
type Certificate struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial,omitempty"` // hex
	DNS       []string  `json:"dns,omitempty"`    // SAN dNSName
	SRV       []string  `json:"srv,omitempty"`    // SAN otherName id-on-dnsSRV (RFC 4985)
	XMPP      []string  `json:"xmpp,omitempty"`   // SAN otherName id-on-xmppAddr (RFC 6120 §13.7.1.4)
	IP        []string  `json:"ip,omitempty"`     // SAN iPAddress
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Key       string    `json:"key,omitempty"`       // "ECDSA P-256", "RSA 2048"
	Signature string    `json:"signature,omitempty"` // "SHA256-RSA"
	CA        bool      `json:"ca,omitempty"`
	Usage     []string  `json:"usage,omitempty"` // extended key usage: "serverAuth", "clientAuth", …; none is any
	SHA256    string    `json:"sha256"`          // fingerprint of the DER, hex
}

// Verification is the result of holding a chain against a JID domain
// (RFC 6120 §13.7.2).
type Verification struct {
	OK       bool   `json:"ok"`
	By       string `json:"by,omitempty"`       // what matched: "DNS-ID example.net", "SRV-ID _xmpp-client.…"
	Problem  string `json:"problem,omitempty"`  // why not, in words
	Class    string `json:"class,omitempty"`    // and as one of the classes below; of several the one that weighs most
	Ignored  bool   `json:"ignored,omitempty"`  // it failed, and the user said to go on (--insecure-upstream)
	Recorded bool   `json:"recorded,omitempty"` // the chain is from a capture: what its client trusts is not known here
}

// Severity is how much the result weighs. That an issuer is not known where a
// capture is read says little about where it was made.
func (v *Verification) Severity() Severity {
	switch {
	case v.OK:
		return Info
	case v.Recorded && v.Class == ClassUnknownCA:
		return Notice
	case v.Recorded || v.Ignored:
		return Warning
	}
	return Error
}

// Classes of a failed handshake: TLSFailed.Class.
const (
	ClassDistrust     = "ca-not-trusted"      // the client does not accept our certificate
	ClassName         = "name-mismatch"       // the certificate is not valid for the domain
	ClassExpired      = "certificate-expired" // or not valid yet
	ClassUnknownCA    = "unknown-issuer"      // the server's issuer is not known here
	ClassVersion      = "no-common-version"
	ClassCipher       = "no-common-cipher"
	ClassALPN         = "no-common-alpn"
	ClassClientCert   = "client-certificate-required"
	ClassNotTLS       = "not-tls"          // the peer answered with something else
	ClassSilent       = "timeout"          // the peer said nothing
	ClassClosed       = "closed"           // the peer hung up without a word
	ClassOtherLeg     = "other-leg-failed" // this leg ended because the other one could not be secured
	ClassOther        = "other"
	ClassUnrecognized = "unrecognized-name" // the server does not know the SNI
)
