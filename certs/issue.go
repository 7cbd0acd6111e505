package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"
	"unicode"

	"xmppscope/internal/idn"
)

// Lives of the three certificates. 825 days is the most that Apple's verifiers
// grant a root's leaf, and what design has for the root.
const (
	rootLife    = 825 * 24 * time.Hour
	issuingLife = 30 * 24 * time.Hour
	leafLife    = 7 * 24 * time.Hour
	// backdate makes a certificate valid for clients whose clock is behind.
	backdate = 12 * time.Hour
)

// organization stands in every subject, so that a person who meets one of our
// certificates knows whose it is.
const organization = "xmppscope"

// maxCN is the upper bound of a common name (RFC 5280 appendix A.1).
const maxCN = 64

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// newSerial makes a positive serial number of 127 random bits.
func newSerial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // never fails (crypto/rand)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

// newRoot makes a root of its own name: who made it and where, and a few random
// digits, so that no two installations and no two rotations share a name.
func newRoot(now time.Time) (*x509.Certificate, crypto.Signer, error) {
	key, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	serial := newSerial()
	id := hex.EncodeToString(serial.Bytes()[1:5])
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   commonName("xmppscope CA of "+owner(), " "+id),
		},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(-backdate).Add(rootLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            1,
	}
	cert, err := sign(template, template, key.Public(), key)
	return cert, key, err
}

// nobody is a domain that nothing can have (RFC 6761 §6.4).
const nobody = "invalid"

// newIssuing makes the certificate that may issue for one domain, the addresses
// that the leaf will name, and nothing else. Constraints bind the kinds of names
// that they mention (RFC 5280 §4.2.1.10), so all kinds are mentioned that verifiers
// know; a constraint on SRV-IDs and XmppAddrs would make them refuse every leaf.
func newIssuing(d idn.Domain, addrs []netip.Addr, root *x509.Certificate, rootKey crypto.Signer, public crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject: pkix.Name{
			Organization: []string{organization},
			CommonName:   domainCN("xmppscope issuing for ", d),
		},
		NotBefore:                   now.Add(-backdate),
		NotAfter:                    earlier(now.Add(issuingLife), root.NotAfter),
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{d.ASCII},
		PermittedEmailAddresses:     []string{nobody},
		PermittedURIDomains:         []string{nobody},
	}
	for _, ip := range addrs {
		template.PermittedIPRanges = append(template.PermittedIPRanges, ipRange(ip, ip.BitLen()))
	}
	// Some verifiers hold an address against the ranges of its own family alone.
	if !slices.ContainsFunc(addrs, netip.Addr.Is4) {
		template.ExcludedIPRanges = append(template.ExcludedIPRanges, ipRange(netip.IPv4Unspecified(), 0))
	}
	if !slices.ContainsFunc(addrs, netip.Addr.Is6) {
		template.ExcludedIPRanges = append(template.ExcludedIPRanges, ipRange(netip.IPv6Unspecified(), 0))
	}
	return sign(template, root, public, rootKey)
}

func ipRange(ip netip.Addr, bits int) *net.IPNet {
	return &net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(bits, ip.BitLen())}
}

// newLeaf makes the certificate that a client is shown.
func newLeaf(d idn.Domain, names Names, issuing *x509.Certificate, issuingKey crypto.Signer, public crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	san, err := names.extension()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          newSerial(),
		Subject:               pkix.Name{Organization: []string{organization}, CommonName: domainCN("", d)},
		NotBefore:             now.Add(-backdate),
		NotAfter:              earlier(now.Add(leafLife), issuing.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{san},
	}
	return sign(template, issuing, public, issuingKey)
}

// sign signs with ECDSA and SHA-256 (the default for P-256).
func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// owner is user@host, printable.
func owner() string {
	who, where := "someone", "somewhere"
	if u, err := user.Current(); err == nil && u.Username != "" {
		who = u.Username
	}
	if h, err := os.Hostname(); err == nil && h != "" {
		where = h
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, who+"@"+where)
}

// domainCN names a domain in a common name; a long one is cut, with a few digits
// of its hash to tell it from others.
func domainCN(before string, d idn.Domain) string {
	if len(before)+len(d.ASCII) <= maxCN {
		return before + d.ASCII
	}
	sum := sha256.Sum256([]byte(d.ASCII))
	return commonName(before+d.ASCII, " "+hex.EncodeToString(sum[:4]))
}

// commonName joins two texts, cutting the first to fit.
func commonName(text, end string) string {
	if room := maxCN - len(end); len(text) > room {
		text = strings.ToValidUTF8(text[:room], "")
	}
	return text + end
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// fingerprint is the SHA-256 of a certificate's DER as people compare it.
func fingerprint(der []byte) string {
	return strings.ToUpper(strings.Join(pairs(sha256.Sum256(der)), ":"))
}

func pairs(sum [sha256.Size]byte) []string {
	out := make([]string, len(sum))
	for i, b := range sum {
		out[i] = fmt.Sprintf("%02x", b)
	}
	return out
}
