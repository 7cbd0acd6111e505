package tlsintercept

import (
	"crypto/tls"
	"slices"
	"strings"

	"xmppscope/session"
)

// lack is what a client offers to servers and we do not, in words: what --legacy-tls
// adds, and what crypto/tls cannot do. A server that insists on it is reached without
// us, and not through us.
type lack struct {
	legacy, never []string
	unknown       bool // what the client offers; these are what clients may
}

// mayOffer is what clients offer and we do not, where no ClientHello is seen.
var mayOffer = &tls.ClientHelloInfo{
	CipherSuites:    []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, 0x009e}, // TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
	SupportedCurves: []tls.CurveID{30, 26},                                 // x448, brainpoolP256r1
}

// lacking holds a client's ClientHello against ours. Either is nil if there was none.
func lacking(client, ours *tls.ClientHelloInfo) (l lack) {
	if ours == nil {
		return l
	}
	if client == nil {
		client, l.unknown = mayOffer, true
	}
	add := func(list *[]string, what string) {
		if what != "" && !slices.Contains(*list, what) {
			*list = append(*list, what)
		}
	}
	for _, id := range client.CipherSuites {
		what := suiteKind(id)
		switch {
		case slices.Contains(ours.CipherSuites, id):
		case slices.Contains(allSuites(), id):
			add(&l.legacy, what)
		case !slices.ContainsFunc(ours.CipherSuites, func(id uint16) bool { return suiteKind(id) == what }):
			add(&l.never, what)
		}
	}
	for _, id := range client.SupportedCurves {
		if !slices.Contains(ours.SupportedCurves, id) {
			add(&l.never, groupKind(session.TLSGroupName(id)))
		}
	}
	for _, id := range client.SignatureSchemes {
		if !slices.Contains(ours.SignatureSchemes, id) {
			add(&l.never, signatureKind(id))
		}
	}
	l.never = slices.DeleteFunc(l.never, func(what string) bool { return slices.Contains(l.legacy, what) })
	for _, list := range [][]string{l.legacy, l.never} {
		slices.SortStableFunc(list, func(a, b string) int { return rank(a) - rank(b) })
	}
	return l
}

// Kinds of what servers insist on, the most frequent first.
const (
	kindRSA       = "RSA key exchange"
	kindDHE       = "DHE key exchange"
	kindX448      = "x448"
	kindBrainpool = "brainpool curves"
)

func rank(what string) int {
	frequent := []string{kindRSA, kindDHE, kindX448, kindBrainpool}
	if i := slices.Index(frequent, what); i >= 0 {
		return i
	}
	return len(frequent)
}

// suiteKind says what is special about a cipher suite: how keys are exchanged, or else
// the cipher; "" if nothing is.
func suiteKind(id uint16) string {
	name := session.TLSSuiteName(id)
	exchange, _, _ := strings.Cut(strings.TrimPrefix(name, "TLS_"), "_WITH_")
	switch {
	case strings.Contains(exchange, "PSK"):
		return "pre-shared keys"
	case strings.Contains(exchange, "anon"):
		return "anonymous key exchange"
	case strings.HasPrefix(exchange, "DHE_"):
		return kindDHE
	case exchange == "RSA":
		return kindRSA
	case strings.HasPrefix(exchange, "DH_"), strings.HasPrefix(exchange, "ECDH_"):
		return "static Diffie-Hellman keys"
	}
	for _, cipher := range []string{"CAMELLIA", "ARIA", "CCM", "CBC_SHA384", "CBC_SHA256", "3DES", "RC4"} {
		if strings.Contains(name, cipher) {
			return cipher
		}
	}
	return ""
}

// groupKind is the group's name, or its family's.
func groupKind(name string) string {
	switch {
	case strings.HasPrefix(name, "brainpool"):
		return kindBrainpool
	case strings.HasPrefix(name, "ffdhe"):
		return kindDHE
	case strings.HasPrefix(name, "0x"): // nobody knows it, or it is GREASE
		return ""
	}
	return name
}

// signatureKind says what a certificate has whose owner signs by a scheme (RFC 8446
// §4.2.3); "" for what nobody insists on.
func signatureKind(id tls.SignatureScheme) string {
	switch {
	case id == 0x0808:
		return "Ed448 certificates"
	case id >= 0x0809 && id <= 0x080b:
		return "RSA-PSS certificates"
	case id >= 0x081a && id <= 0x081c:
		return kindBrainpool
	case id == tls.PKCS1WithSHA1 || id == tls.ECDSAWithSHA1:
		return "signatures with SHA-1"
	}
	return ""
}

// mostLacking bounds what is listed in one sentence.
const mostLacking = 4

// String lists what is lacking, and what would help; "" if nothing is.
func (l lack) String() string {
	var parts []string
	if len(l.legacy) > 0 {
		parts = append(parts, strings.Join(l.legacy, ", ")+" (xmppscope does with --legacy-tls)")
	}
	if n := len(l.never); n > mostLacking {
		parts = append(parts, strings.Join(l.never[:mostLacking], ", ")+" and "+session.Plural(n-mostLacking, "kind")+" more (xmppscope cannot)")
	} else if n > 0 {
		parts = append(parts, strings.Join(l.never, ", ")+" (xmppscope cannot)")
	}
	if parts == nil {
		return ""
	}
	who := "the client offered"
	if l.unknown {
		who = "clients may offer"
	}
	return who + " more: " + strings.Join(parts, "; ")
}

// hint says what to do about it.
func (l lack) hint() string {
	const reach = "a server that insists on what xmppscope cannot do is not reached through it: let it accept ECDHE with AES-GCM on x25519 or P-256 as well"
	switch {
	case len(l.legacy)+len(l.never) == 0:
		return "the client offered nothing else, so it should fail without xmppscope too; look into the server's log"
	case len(l.never) == 0:
		return hintLegacy
	case len(l.legacy) == 0:
		return reach
	}
	return hintLegacy + "; " + reach
}
