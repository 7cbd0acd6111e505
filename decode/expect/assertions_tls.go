package expect

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"xmppscope/decode/facts"
	"xmppscope/session"
)

var tlsKinds = []kind{
	{"tls_at_least", `"1.2"`, "TLS of this version or above on every leg, before SASL begins", fromText(`a version such as "1.2"`, tlsAtLeast)},
	{"direct_tls", "true", "TLS from the first byte (XEP-0368); false: by STARTTLS", fromBool(directTLS)},
	{"certificate_verifies", "true", "the server's certificate is trusted and fits the domain", fromBool(verifies)},
	{"certificate_names", `["example.net"]`, "DNS names that the server's certificate must carry", each("a name, or a list", certificateName)},
	{"certificate_days", "14", "days that the certificate must still be valid at the time of the login", fromCount("a number of days", certificateDays)},
}

// tlsVersions are in rising order, by the names that the facts have.
var tlsVersions = []string{"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}

func tlsAtLeast(want string) (judge, error) {
	least := slices.Index(tlsVersions, "TLS "+strings.TrimLeft(strings.ToUpper(want), "TLSV "))
	if least < 0 {
		return nil, errors.New(`a version: "1.0", "1.1", "1.2" or "1.3"`)
	}
	return func(e *evidence) ruling {
		for i := range e.Attempts {
			if a := &e.Attempts[i]; a.Phase == facts.InClear {
				return holds(false, a.Mechanism+" in the clear", a.Seq, a.N)
			}
		}
		for _, h := range e.TLS {
			if h != nil && h.Failed != nil {
				return holds(false, "TLS failed: "+h.Failed.Reason, h.Seq, h.N)
			}
		}
		var got []string
		var last ruling
		for leg, h := range e.TLS {
			if h == nil {
				continue
			}
			text := fmt.Sprintf("%s on the %s leg", h.Facts.Version, session.Leg(leg))
			if slices.Index(tlsVersions, h.Facts.Version) < least {
				return holds(false, text, h.Seq, h.N)
			}
			got = append(got, text)
			last = ruling{seq: h.Seq, n: h.N}
		}
		switch {
		case len(got) > 0:
			return holds(true, strings.Join(got, ", "), last.seq, last.n)
		case len(e.Attempts) == 0 && e.In.IsZero():
			return unknown("neither TLS nor SASL was begun")
		case len(e.Attempts) > 0:
			return unknown("the recording holds no handshake, so the version is not known")
		}
		return holds(false, "no TLS", 0, 0)
	}, nil
}

func directTLS(want bool) judge {
	return func(e *evidence) ruling {
		for i := range e.Rungs {
			switch r := &e.Rungs[i]; r.Kind {
			case "tls":
				return holds(want, "TLS from the first byte", r.Seq, r.N)
			case "stream-open":
				return holds(!want, "a stream in the clear came first", r.Seq, r.N)
			}
		}
		return unknown("the recording holds no step")
	}
}

// leaf is the server's certificate, nil if it was not recorded.
func (e *evidence) leaf() (*facts.Handshake, *session.Certificate) {
	h := e.ServerTLS()
	if h == nil || len(h.Facts.Chain) == 0 {
		return h, nil
	}
	return h, &h.Facts.Chain[0]
}

const noCertificate = "the recording holds no certificate of the server"

func verifies(want bool) judge {
	return func(e *evidence) ruling {
		h := e.ServerTLS()
		if h == nil || h.Facts.Verdict == nil {
			return unknown("the recording holds no verification of the server's certificate")
		}
		v := h.Facts.Verdict
		got := "it is valid by " + v.By
		if !v.OK {
			got = v.Problem
		}
		return holds(v.OK == want, got, h.Seq, h.N)
	}
}

func certificateName(name string) judge {
	return func(e *evidence) ruling {
		h, c := e.leaf()
		if c == nil {
			return unknown(noCertificate)
		}
		ok := slices.ContainsFunc(c.DNS, func(dns string) bool { return strings.EqualFold(dns, name) })
		return holds(ok, strings.Join(facts.Names(c), ", "), h.Seq, h.N)
	}
}

func certificateDays(least int) judge {
	return func(e *evidence) ruling {
		h, c := e.leaf()
		if c == nil || c.NotAfter.IsZero() {
			return unknown(noCertificate)
		}
		left := c.NotAfter.Sub(h.At)
		got := strconv.Itoa(int(left/(24*time.Hour))) + ", until " + c.NotAfter.UTC().Format(time.DateOnly)
		ok := left >= time.Duration(least)*24*time.Hour && !h.At.Before(c.NotBefore)
		if h.At.Before(c.NotBefore) {
			got = "not valid before " + c.NotBefore.UTC().Format(time.DateOnly)
		}
		return holds(ok, got, h.Seq, h.N)
	}
}
