package certs

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Domain is a JID domain (RFC 7622 §3.2) in the forms in which certificates and
// TLS need it.
type Domain struct {
	ASCII   string     // lower case A-labels ("xn--bcher-kva.example"): DNS-ID, SRV-ID, SNI; an IP literal without brackets
	Unicode string     // lower case U-labels ("bücher.example"): XmppAddr; an IPv6 literal in brackets
	IP      netip.Addr // set if the domain is an IP literal
}

// IsIP says whether the domain is an IP literal.
func (d Domain) IsIP() bool { return d.IP.IsValid() }

// ParseDomain reads the domain of a stream's "to" or of an SNI. Upper case, a
// trailing dot and U-labels are welcome; whatever cannot be a domain (empty, too
// long, control characters, spaces, a whole JID) is an error that quotes it.
func ParseDomain(s string) (Domain, error) {
	d, err := parseDomain(s)
	if err != nil {
		return Domain{}, fmt.Errorf("certs: %s is no domain that a certificate can name: %w", quote(s), err)
	}
	return d, nil
}

// quote is %q for text that may be hostile and long.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%q… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
	}
	return fmt.Sprintf("%q", s)
}

// Limits of a domain name (RFC 1035 §2.3.4), and of what is read at all.
const (
	maxLabel  = 63
	maxDomain = 253
	maxInput  = 1024
)

func parseDomain(s string) (Domain, error) {
	switch {
	case s == "":
		return Domain{}, errors.New("it is empty")
	case len(s) > maxInput:
		return Domain{}, errors.New("it is too long")
	case !utf8.ValidString(s):
		return Domain{}, errors.New("it is not UTF-8")
	}
	s = strings.TrimSuffix(strings.Map(fullStop, strings.ToLower(s)), ".")
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if ip, err := netip.ParseAddr(bare); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		d := Domain{ASCII: ip.String(), Unicode: ip.String(), IP: ip}
		if ip.Is6() {
			d.Unicode = "[" + d.Unicode + "]"
		}
		return d, nil
	}
	var ascii, uni []string
	for label := range strings.SplitSeq(s, ".") {
		a, u, err := parseLabel(label)
		if err != nil {
			return Domain{}, err
		}
		ascii, uni = append(ascii, a), append(uni, u)
	}
	d := Domain{ASCII: strings.Join(ascii, "."), Unicode: strings.Join(uni, ".")}
	if len(d.ASCII) > maxDomain {
		return Domain{}, errors.New("it is too long")
	}
	return d, nil
}

// fullStop maps the other dots of IDNA (RFC 3490 §3.1) to the ASCII one.
func fullStop(r rune) rune {
	switch r {
	case '。', '．', '｡':
		return '.'
	}
	return r
}

// parseLabel gives a lower-case label as A-label and as U-label.
func parseLabel(label string) (ascii, uni string, err error) {
	switch {
	case label == "":
		return "", "", errors.New("it has an empty label")
	case label[0] == '-' || label[len(label)-1] == '-':
		return "", "", errors.New("a label begins or ends with a hyphen")
	}
	for _, r := range label {
		if !labelRune(r) {
			return "", "", fmt.Errorf("it contains %q", r)
		}
	}
	ascii, uni = label, label
	if isASCII(label) {
		if u, ok := toULabel(label); ok {
			uni = u
		}
	} else {
		ascii = acePrefix + encodePunycode(label)
	}
	if len(ascii) > maxLabel {
		return "", "", fmt.Errorf("a label is longer than %d bytes", maxLabel)
	}
	return ascii, uni, nil
}

// toULabel decodes an A-label; it must be what the U-label would be encoded as.
func toULabel(label string) (string, bool) {
	coded, ok := strings.CutPrefix(label, acePrefix)
	if !ok {
		return "", false
	}
	u, ok := decodePunycode(coded)
	if !ok || isASCII(u) || strings.ToLower(u) != u || strings.ContainsFunc(u, func(r rune) bool { return !labelRune(r) }) {
		return "", false
	}
	return u, encodePunycode(u) == coded
}

// labelRune says whether a rune may stand in a label. The underscore is not a
// host name's, but private networks use it.
func labelRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_'
	}
	return r == '·' || unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.So)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
