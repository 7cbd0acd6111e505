// Package idn reads the domains of JIDs. All that has to know which domain is meant
// asks it: what is dialled, certified, checked and compared is the same name.
package idn

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Domain is a JID domain (RFC 7622 §3.2) in the forms in which DNS, TLS and
// certificates need it. Two texts that name one domain give equal ones.
type Domain struct {
	ASCII   string     // lower case A-labels ("xn--bcher-kva.example"): DNS, DNS-ID, SRV-ID, SNI; an IP literal without brackets
	Unicode string     // lower case U-labels ("bücher.example"): XmppAddr; an IPv6 literal in brackets
	IP      netip.Addr // set if the domain is an IP literal
}

// IsIP says whether the domain is an IP literal.
func (d Domain) IsIP() bool { return d.IP.IsValid() }

// Parse reads the domain of a stream's "to", of an SNI or of a JID. Upper case, a
// trailing dot, U-labels in any form and A-labels are welcome; whatever cannot be a
// domain (empty, too long, control characters, spaces, a whole JID) is an error that
// quotes it.
func Parse(s string) (Domain, error) {
	d, err := parse(s)
	if err != nil {
		return Domain{}, fmt.Errorf("%s is no domain name: %w", quote(s), err)
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

func parse(s string) (Domain, error) {
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

// labels maps and checks one label as UTS #46 has it for looking names up: width,
// case and composition do not matter. What ASCII may stand in it is for us to say.
var labels = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(false), idna.CheckHyphens(false))

const acePrefix = "xn--" // of a label that is encoded (RFC 5890 §2.3.2.5)

// parseLabel gives a lower-case label as A-label and as U-label.
func parseLabel(label string) (ascii, uni string, err error) {
	ascii, uni = label, label
	switch {
	case label == "":
		return "", "", errors.New("it has an empty label")
	case !isASCII(label):
		if at := strings.IndexFunc(label, ignorable); at >= 0 {
			return "", "", contains(label[at:])
		}
		if ascii, err = labels.ToASCII(label); err != nil {
			return "", "", fmt.Errorf("%q is no internationalised label (IDNA)", label)
		}
		if uni, err = labels.ToUnicode(label); err != nil {
			return "", "", fmt.Errorf("%q is no internationalised label (IDNA)", label)
		}
	case strings.HasPrefix(label, acePrefix):
		if u, err := labels.ToUnicode(label); err == nil && !strings.ContainsFunc(u, notInLabel) {
			uni = u
		}
	}
	switch at := strings.IndexFunc(uni, notInLabel); {
	case ascii == "": // such as "xn--" in full width
		return "", "", errors.New("it has an empty label")
	case at >= 0:
		return "", "", contains(uni[at:])
	case ascii[0] == '-' || ascii[len(ascii)-1] == '-':
		return "", "", errors.New("a label begins or ends with a hyphen")
	case len(ascii) > maxLabel:
		return "", "", fmt.Errorf("a label is longer than %d bytes", maxLabel)
	}
	return ascii, uni, nil
}

// contains blames the first character.
func contains(s string) error {
	r, _ := utf8.DecodeRuneInString(s)
	return fmt.Errorf("it contains %q", r)
}

// ignorable says whether UTS #46 would drop a character without a word, which
// nobody would see. Joiners stay: IDNA knows where they belong.
func ignorable(r rune) bool {
	if r == '\u200c' || r == '\u200d' {
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// notInLabel says whether a character cannot stand in a label. The underscore is not
// a host name's, but private networks use it.
func notInLabel(r rune) bool {
	if r < utf8.RuneSelf {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}
	return !strings.ContainsRune("·\u200c\u200d\u0375\u05f3\u05f4\u30fb", r) && // RFC 5892 appendix A
		!unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.So)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
