package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"xmppscope/internal/idn"
)

// Names are the names of an XMPP entity in a certificate's subjectAltName
// (RFC 6120 §13.7.1.2).
type Names struct {
	SRV  []string     // SRV-ID: "_xmpp-client.im.example.com" (RFC 4985)
	DNS  []string     // DNS-ID: "im.example.com", "*.example.com"
	XMPP []string     // XmppAddr: a bare JID, for servers a domain (RFC 6120 §13.7.1.4)
	IP   []netip.Addr // iPAddress
}

var (
	oidSAN      = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidDNSSRV   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7} // id-on-dnsSRV
	oidXmppAddr = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5} // id-on-xmppAddr
)

// The choices of GeneralName (RFC 5280 §4.2.1.6), by their context tags.
const (
	tagOtherName = 0
	tagDNSName   = 2
	tagIPAddress = 7
)

// NamesOf reads all names of a certificate. Names that cannot be decoded are
// left out; what is returned is as hostile as the certificate.
func NamesOf(cert *x509.Certificate) Names {
	n := Names{DNS: cert.DNSNames, SRV: SRVNames(cert), XMPP: XmppAddrs(cert)}
	for _, ip := range cert.IPAddresses {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			n.IP = append(n.IP, addr.Unmap())
		}
	}
	return n
}

// SRVNames returns the SRV-IDs of a certificate: otherNames of type
// id-on-dnsSRV (RFC 4985 §2), which crypto/x509 does not decode.
func SRVNames(cert *x509.Certificate) []string { return otherNames(cert, oidDNSSRV) }

// XmppAddrs returns the XmppAddrs of a certificate: otherNames of type
// id-on-xmppAddr (RFC 6120 §13.7.1.4), which crypto/x509 does not decode.
func XmppAddrs(cert *x509.Certificate) []string { return otherNames(cert, oidXmppAddr) }

func otherNames(cert *x509.Certificate, want asn1.ObjectIdentifier) []string {
	var out []string
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(oidSAN) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(ext.Value, &names); err != nil || len(rest) > 0 {
			continue
		}
		for _, name := range names {
			if name.Class != asn1.ClassContextSpecific || name.Tag != tagOtherName {
				continue
			}
			if s, ok := readOtherName(name.Bytes, want); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// readOtherName decodes the inside of OtherName ::= SEQUENCE { type-id, value
// [0] EXPLICIT ANY }. Any of the string types will do: some CAs mix them up.
func readOtherName(der []byte, want asn1.ObjectIdentifier) (string, bool) {
	var id asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(der, &id)
	if err != nil || !id.Equal(want) {
		return "", false
	}
	var outer, inner asn1.RawValue
	if _, err := asn1.Unmarshal(rest, &outer); err != nil || outer.Class != asn1.ClassContextSpecific || outer.Tag != 0 {
		return "", false
	}
	if _, err := asn1.Unmarshal(outer.Bytes, &inner); err != nil || inner.Class != asn1.ClassUniversal {
		return "", false
	}
	switch inner.Tag {
	case asn1.TagIA5String, asn1.TagUTF8String, asn1.TagPrintableString:
		return string(inner.Bytes), true
	}
	return "", false
}

// extension is the whole subjectAltName: crypto/x509 would write one without
// otherNames, and leaves it to us if it is among the ExtraExtensions.
func (n Names) extension() (pkix.Extension, error) {
	var all []asn1.RawValue
	for _, s := range n.SRV {
		all = append(all, otherName(oidDNSSRV, asn1.TagIA5String, s))
	}
	for _, s := range n.DNS {
		all = append(all, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagDNSName, Bytes: []byte(s)})
	}
	for _, s := range n.XMPP {
		all = append(all, otherName(oidXmppAddr, asn1.TagUTF8String, s))
	}
	for _, ip := range n.IP {
		all = append(all, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagIPAddress, Bytes: ip.AsSlice()})
	}
	der, err := asn1.Marshal(all)
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("certs: cannot encode a subjectAltName: %w", err)
	}
	return pkix.Extension{Id: oidSAN, Value: der}, nil
}

func otherName(id asn1.ObjectIdentifier, tag int, s string) asn1.RawValue {
	oid, _ := asn1.Marshal(id)                                          // a constant: cannot fail
	inner, _ := asn1.Marshal(asn1.RawValue{Tag: tag, Bytes: []byte(s)}) // bytes as given: cannot fail
	outer, _ := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: inner})
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tagOtherName, IsCompound: true, Bytes: append(oid, outer...)}
}

// mostCopied bounds the names copied from a server: some certificates of
// hosting companies name thousands, and clients limit the size of a handshake.
const mostCopied = 100

// distinct is a list of addresses as a certificate holds them: IPv4 as such,
// without zones, each once.
func distinct(addrs []netip.Addr) (out []netip.Addr) {
	for _, ip := range addrs {
		if ip = ip.Unmap().WithZone(""); ip.IsValid() && !slices.Contains(out, ip) {
			out = append(out, ip)
		}
	}
	return out
}

// mintNames are the names of a leaf for d: those that every client looks for,
// the addresses at which clients reach us, and those of the server's leaf (nil
// if there is none) that lie under d. The others are returned in words, for the
// issuing certificate may not vouch for them and clients would refuse the leaf.
func mintNames(d idn.Domain, upstream *x509.Certificate, local []netip.Addr) (mint Names, left []string) {
	mint = Names{DNS: []string{d.ASCII}, XMPP: []string{d.Unicode}}
	mint.IP = distinct(append([]netip.Addr{d.IP}, local...))
	if !d.IsIP() {
		mint.SRV = []string{"_xmpp-client." + d.ASCII, "_xmpp-server." + d.ASCII}
	}
	if upstream == nil {
		return mint, nil
	}
	theirs, copied := NamesOf(upstream), 0
	add := func(list *[]string, kind, name, minted string, ok bool) {
		switch {
		case !ok || copied == mostCopied:
			left = append(left, kind+" "+name)
		case !slices.Contains(*list, minted):
			*list = append(*list, minted)
			copied++
		}
	}
	for _, name := range theirs.DNS {
		minted, ok := dnsUnder(d, name)
		add(&mint.DNS, "DNS-ID", name, minted, ok)
	}
	for _, name := range theirs.SRV {
		minted, ok := srvUnder(d, name)
		add(&mint.SRV, "SRV-ID", name, minted, ok)
	}
	for _, name := range theirs.XMPP {
		sub, err := idn.Parse(name)
		add(&mint.XMPP, "XmppAddr", name, sub.Unicode, err == nil && covers(d, sub))
	}
	for _, ip := range theirs.IP {
		if !slices.Contains(mint.IP, ip) {
			left = append(left, "IP "+ip.String())
		}
	}
	return mint, left
}

// covers says whether sub is d or a name under it.
func covers(d, sub idn.Domain) bool {
	if d.IsIP() || sub.IsIP() {
		return d.IP == sub.IP
	}
	return sub.ASCII == d.ASCII || strings.HasSuffix(sub.ASCII, "."+d.ASCII)
}

// dnsUnder gives a DNS-ID, maybe a wildcard, in the form to mint.
func dnsUnder(d idn.Domain, name string) (string, bool) {
	rest, wild := strings.CutPrefix(name, "*.")
	sub, err := idn.Parse(rest)
	if err != nil || !covers(d, sub) || wild && sub.IsIP() {
		return "", false
	}
	if wild {
		return "*." + sub.ASCII, true
	}
	return sub.ASCII, true
}

// srvUnder gives an SRV-ID in the form to mint.
func srvUnder(d idn.Domain, name string) (string, bool) {
	service, rest, ok := strings.Cut(strings.ToLower(name), ".")
	if label, err := idn.Parse(service); !ok || err != nil || label.ASCII != service || len(service) < 2 || service[0] != '_' {
		return "", false
	}
	sub, err := idn.Parse(rest)
	if err != nil || sub.IsIP() || !covers(d, sub) {
		return "", false
	}
	return service + "." + sub.ASCII, true
}
