package tlsintercept

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"

	"xmppscope/certs"
	"xmppscope/internal/idn"
	"xmppscope/session"
)

// Ask says when a client is asked for its certificate (RFC 8446 §4.3.2). What it shows is
// told, and goes nowhere: the key to it is the client's alone.
type Ask string

// When a client is asked.
const (
	AskAsServer Ask = "" // when the server has asked, and with the names of CAs that it has asked for
	AskAlways   Ask = "always"
	AskNever    Ask = "never"
)

// asks says whether the client is asked for its certificate. The server's handshake is done.
func (p *pair) asks() bool {
	return p.Ask == AskAlways || p.Ask == AskAsServer && p.serverFacts.Mutual
}

// ask has the client asked for its certificate, which is looked at and not verified: that is
// for the server to do.
func (p *pair) ask(config *tls.Config) {
	if !p.asks() {
		return
	}
	p.clientFacts.Mutual = true
	config.ClientAuth = tls.RequestClientCert
	if len(p.wantedCAs) == 0 {
		return
	}
	config.ClientCAs = x509.NewCertPool() // of which the names are sent alone
	for _, name := range p.wantedCAs {
		config.ClientCAs.AddCert(&x509.Certificate{Raw: name, RawSubject: name})
	}
}

// mine is what a server is shown that asks for a certificate, nil for none: of several the one
// that names who has opened the stream; where that is not known, one that does not name whom
// the stream is for, as no server calls itself.
func (p *pair) mine() *tls.Certificate {
	if len(p.Mine) == 0 {
		return nil
	}
	bare := session.BareJID(p.legs.From)
	i := slices.IndexFunc(p.Mine, func(c tls.Certificate) bool { return isFor(c.Leaf, bare) })
	if i < 0 {
		i = slices.IndexFunc(p.Mine, func(c tls.Certificate) bool { return !isFor(c.Leaf, p.domain.ASCII) })
	}
	return &p.Mine[max(i, 0)]
}

// isFor says whether a certificate is that of a domain or of an account.
func isFor(c *x509.Certificate, jid string) bool {
	names := certs.NamesOf(c)
	if strings.Contains(jid, "@") {
		return slices.ContainsFunc(names.XMPP, func(addr string) bool { return strings.EqualFold(addr, jid) })
	}
	d, err := idn.Parse(jid)
	if err != nil {
		return false
	}
	_, ok := matchName(d, names, srvServer)
	return ok
}

// shown is a chain of ours as certificates; what cannot be read is left out.
func shown(cert *tls.Certificate) (chain []*x509.Certificate) {
	for _, der := range cert.Certificate {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain = append(chain, c)
		}
	}
	return chain
}
