package tlsintercept

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xmppscope/certs"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// Hints that are given in more than one place.
const (
	hintGoOn     = "to go on all the same: --insecure-upstream"
	hintMadeAnew = "the CA was probably made anew: name the file that this server's certificate is from with --upstream-ca FILE; " + hintGoOn
	hintOwnCA    = "if this is the server's own CA, name its file with --upstream-ca FILE; " + hintGoOn
	hintWrongCrt = "the certificate has to name the JID domain, not the host that is connected to (RFC 6120 §13.7.2); " + hintGoOn
)

// Services of SRV-IDs (RFC 6120 §13.7.1.2.1).
const (
	srvClient = "_xmpp-client."
	srvServer = "_xmpp-server."
)

// Trust says what the certificates of servers are held against, besides the
// domain.
type Trust struct {
	Roots *x509.CertPool // nil: the system's
	Name  string         // of Roots in messages; "" for a plain one
	// Recorded says that the handshake is one of a capture.
	Recorded bool
	// Server says that the client is a server too: SRV-IDs are those of s2s.
	Server bool

	paths *goodPaths // that Roots lead to; nil: none is known
}

// Verify judges a chain, leaf first, as it was at a time, for the domain of a
// stream. It is nil if there is nothing to judge: no chain, or no domain that a
// certificate can name.
func (t Trust) Verify(chain []*x509.Certificate, domain string, at time.Time) *session.Verification {
	d, err := idn.Parse(domain)
	if err != nil || len(chain) == 0 {
		return nil
	}
	v, _ := t.verify(chain, d, at)
	return &v
}

// verify holds the server's chain against the domain, now; peer says that a server does.
func (c *Config) verify(chain []*x509.Certificate, d idn.Domain, peer bool) (session.Verification, *diagnosis) {
	v, bad := Trust{Roots: c.Roots, Name: c.RootsName, Server: peer, paths: &c.paths}.verify(chain, d, c.now())
	v.Ignored = bad != nil && c.Insecure
	return v, bad
}

// verify looks at the path to a root, the dates, the use as a server's certificate,
// then the name. The verdict is always filled in; the diagnosis is nil if all is
// well.
func (t Trust) verify(chain []*x509.Certificate, d idn.Domain, now time.Time) (session.Verification, *diagnosis) {
	by, found := matchName(d, certs.NamesOf(chain[0]), t.service())
	bad := t.verifyPath(chain, now)
	v := session.Verification{By: by, Recorded: t.Recorded}
	if bad != nil {
		v.Class = bad.class
	}
	if !found {
		wrong := wrongName(d, chain[0])
		v.Class = wrong.class
		if bad == nil {
			bad = wrong
		} else {
			bad.reason += "; besides, " + wrong.reason
		}
	}
	if v.OK = bad == nil; bad != nil {
		v.Problem = bad.reason
	}
	return v, bad
}

func (t Trust) service() string {
	if t.Server {
		return srvServer
	}
	return srvClient
}

func (t Trust) verifyPath(chain []*x509.Certificate, now time.Time) *diagnosis {
	if t.paths != nil && t.paths.has(chain, now) {
		return nil
	}
	leaf := withoutCriticalSAN(chain[0])
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	paths, err := leaf.Verify(x509.VerifyOptions{
		Roots: t.Roots, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err == nil {
		if t.paths != nil {
			t.paths.add(chain, paths[0])
		}
		return nil
	}
	bad := &diagnosis{class: session.ClassOther, alert: session.AlertBadCertificate, err: err, hint: hintGoOn}
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var noRoots x509.SystemRootsError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		t.expired(bad, invalid.Cert, chain[0], now)
	case errors.As(err, &unknown), errors.As(err, &noRoots):
		bad.class = session.ClassUnknownCA
		bad.reason, bad.hint = t.unknownIssuer(chain, now)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		bad.reason = fmt.Sprintf("the certificate of the server (%s) was not issued for use by a server (extended key usage)", session.ShortLine(chain[0].Subject.String()))
	default:
		bad.reason = fmt.Sprintf("the certificate of the server (%s) cannot be verified: %s", session.ShortLine(chain[0].Subject.String()), session.ShortLine(err.Error()))
	}
	return bad
}

func (t Trust) expired(bad *diagnosis, which, leaf *x509.Certificate, now time.Time) {
	bad.class = session.ClassExpired
	whose := "the server's certificate"
	if which != nil && !which.Equal(leaf) {
		whose = fmt.Sprintf("a certificate in the server's chain (%s)", session.ShortLine(which.Subject.String()))
	}
	if which == nil {
		which = leaf
	}
	early := now.Before(which.NotBefore)
	switch {
	case early && t.Recorded:
		bad.reason = fmt.Sprintf("%s is not valid before %s, which is after this was captured", whose, session.Moment(which.NotBefore))
	case t.Recorded:
		bad.reason = fmt.Sprintf("%s expired on %s, before this was captured", whose, session.Moment(which.NotAfter))
	case early:
		bad.reason = fmt.Sprintf("%s is not valid before %s, and here it is %s", whose, session.Moment(which.NotBefore), session.Moment(now))
	default:
		bad.reason = fmt.Sprintf("%s expired on %s, and here it is %s", whose, session.Moment(which.NotAfter), session.Moment(now))
	}
	bad.hint = "renew it on the server, or check the clock of this machine; " + hintGoOn
	if early {
		bad.hint = "check the clock of this machine and of the server, and when the certificate was meant to begin; " + hintGoOn
	}
}

// unknownIssuer puts who issued beside whom we trust, and says what to do.
func (t Trust) unknownIssuer(chain []*x509.Certificate, now time.Time) (reason, hint string) {
	leaf, top := chain[0], chain[len(chain)-1]
	trust := t.Name
	if trust == "" {
		trust = "the system's store"
		if t.Roots != nil {
			trust = "the given roots"
		}
	}
	if isSelfSigned(leaf) {
		return fmt.Sprintf("the server's certificate (%s) is self-signed, and it is not in %s", session.ShortLine(leaf.Subject.String()), trust), hintOwnCA
	}
	text := fmt.Sprintf("the server's certificate was issued by %s", session.ShortLine(leaf.Issuer.String()))
	if len(chain) > 1 && !slices.Equal(top.RawIssuer, leaf.RawIssuer) {
		text += fmt.Sprintf(", its chain ends at %s", session.ShortLine(top.Issuer.String()))
	}
	if t.namesake(top, now) {
		return text + fmt.Sprintf("; an issuer of that name is in %s, but with another key", trust), hintMadeAnew
	}
	text += fmt.Sprintf(", and no such issuer is in %s", trust)
	if len(chain) == 1 {
		text += " (the server sent its own certificate alone; an intermediate may be missing)"
	}
	return text, hintOwnCA
}

// namesake says whether we trust an issuer that has the name of this certificate's, and
// another key: a laboratory's CA that was made anew. crypto/x509 tells it as text alone.
func (t Trust) namesake(cert *x509.Certificate, now time.Time) bool {
	var unknown x509.UnknownAuthorityError
	_, err := cert.Verify(x509.VerifyOptions{Roots: t.Roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return errors.As(err, &unknown) && strings.Contains(unknown.Error(), "verification") && strings.Contains(unknown.Error(), "candidate authority")
}

func isSelfSigned(c *x509.Certificate) bool { return slices.Equal(c.RawIssuer, c.RawSubject) }

// withoutCriticalSAN lets a critical subjectAltName pass that holds otherNames
// alone: crypto/x509 calls it unhandled, but we do read it.
func withoutCriticalSAN(leaf *x509.Certificate) *x509.Certificate {
	san := asn1.ObjectIdentifier{2, 5, 29, 17}
	if !slices.ContainsFunc(leaf.UnhandledCriticalExtensions, san.Equal) {
		return leaf
	}
	out := *leaf
	out.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(leaf.UnhandledCriticalExtensions), san.Equal)
	return &out
}

// matchName looks for the domain among the names: DNS-ID, SRV-ID, XmppAddr, and
// for IP literals iPAddress (RFC 6120 §13.7.2.1). It says which one matched.
func matchName(d idn.Domain, names certs.Names, service string) (by string, ok bool) {
	if d.IsIP() {
		if slices.Contains(names.IP, d.IP) {
			return "IP " + d.IP.String(), true
		}
	} else {
		for _, name := range names.DNS {
			if matchDNS(name, d) {
				return "DNS-ID " + name, true
			}
		}
		for _, name := range names.SRV {
			if rest, ours := strings.CutPrefix(strings.ToLower(name), service); ours && sameDomain(rest, d) {
				return "SRV-ID " + name, true
			}
		}
	}
	for _, name := range names.XMPP {
		if sameDomain(name, d) {
			return "XmppAddr " + name, true
		}
	}
	return "", false
}

// matchDNS compares a DNS-ID. A wildcard is the whole left-most label and stands
// for exactly one label (RFC 9525 §6.3).
func matchDNS(name string, d idn.Domain) bool {
	if rest, wild := strings.CutPrefix(name, "*."); wild {
		_, parent, deeper := strings.Cut(d.ASCII, ".")
		under, err := idn.Parse(parent)
		return deeper && err == nil && sameDomain(rest, under)
	}
	return sameDomain(name, d)
}

func sameDomain(name string, d idn.Domain) bool {
	n, err := idn.Parse(name)
	return err == nil && n == d
}

// mostNames bounds the names that are listed in one sentence.
const mostNames = 8

func wrongName(d idn.Domain, leaf *x509.Certificate) *diagnosis {
	names := certs.NamesOf(leaf)
	var has []string
	add := func(kind string, list []string) {
		for _, name := range list {
			has = append(has, kind+" "+session.ShortLine(name))
		}
	}
	add("DNS-ID", names.DNS)
	add("SRV-ID", names.SRV)
	add("XmppAddr", names.XMPP)
	for _, ip := range names.IP {
		has = append(has, "IP "+ip.String())
	}
	text := "it names nothing that counts"
	if n := len(has); n > mostNames {
		text = fmt.Sprintf("it is for %s and %d more", strings.Join(has[:mostNames], ", "), n-mostNames)
	} else if n > 0 {
		text = "it is for " + strings.Join(has, ", ")
	}
	reason := fmt.Sprintf("the server's certificate is not valid for %q: %s", d.ASCII, text)
	if matchDNS(leaf.Subject.CommonName, d) {
		reason += "; its common name would fit, but common names have not counted since RFC 6125"
	}
	return &diagnosis{class: session.ClassName, alert: session.AlertBadCertificate, reason: reason, hint: hintWrongCrt, err: errors.New("x509: certificate is not valid for " + d.ASCII)}
}
