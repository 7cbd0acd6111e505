package pseudonym

import (
	"maps"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// body is the event's body under pseudonyms. A kind that is not known here loses
// what it holds.
func (n *Names) body(b session.Body) session.Body {
	switch b := b.(type) {
	case session.DNSAnswered:
		kind, name, _ := strings.Cut(b.Question, " ")
		b.Question, b.Server = kind+" "+n.host(name), n.host(b.Server)
		b.Answers, b.Aliases = n.each(b.Answers, n.record), n.each(b.Aliases, n.host)
		n.sentences(&b.Problem)
		return b
	case session.TCPTried:
		b.Target, b.Address = n.host(b.Target), n.host(b.Address)
		n.sentences(&b.Reason)
		return b
	case session.TCPOpened:
		b.Local, b.Peer, b.Target = n.host(b.Local), n.host(b.Peer), n.host(b.Target)
		n.sentences(&b.Via, &b.Through)
		b.Order = n.each(b.Order, n.sentence)
		return b
	case session.TCPFailed:
		b.Target = n.host(b.Target)
		n.sentences(&b.Reason, &b.Hint)
		return b
	case session.TCPClosed:
		n.sentences(&b.Reason)
		return b
	case session.TLSEstablished:
		b.TLSFacts = n.facts(b.TLSFacts)
		return b
	case session.TLSFailed:
		b.TLSFacts = n.facts(b.TLSFacts)
		n.sentences(&b.Reason, &b.Hint, &b.Err)
		return b
	case session.TLSLocked:
		n.sentences(&b.Reason, &b.Hint)
		return b
	case session.HTTPRequest:
		b.Protocols = slices.Clone(b.Protocols)
		n.sentences(&b.Target, &b.Host, &b.Origin, &b.Type)
		return b
	case session.HTTPResponse:
		b.Protocols = slices.Clone(b.Protocols)
		n.sentences(&b.Text, &b.Location, &b.Type)
		return b
	case session.HTTPBody:
		n.sentences(&b.Type, &b.Coding, &b.Problem)
		return b
	case session.WebSocketFrame:
		n.sentences(&b.Reason, &b.Problem)
		return b
	case session.BOSHBody:
		b.SID = n.replaced(b.SID, n.hash(b.SID, len(b.SID)))
		return b
	case session.RelayDoor:
		n.sentences(&b.Target, &b.User, &b.Client, &b.Reason)
		return b
	case session.RelayOpaque:
		n.sentences(&b.Reason)
		return b
	case session.RelayDropped:
		n.sentences(&b.Reason)
		return b
	case session.RelaySent:
		n.sentences(&b.Reason)
		return b
	case session.RelayEdited:
		n.sentences(&b.Reason)
		return b
	case session.RelayBent:
		n.sentences(&b.Reason)
		return b
	case session.RelayLimit:
		n.sentences(&b.Reason, &b.Hint)
		return b
	case session.RelayTimeout:
		n.sentences(&b.Waiting)
		return b
	case session.TCPHalfClosed, session.StreamOpened, session.StreamElement, session.StreamWhitespace, session.StreamClosed,
		session.StreamPartial, session.StreamRaw, session.LogLost, session.RelayBacklog, session.RelayVerdict, nil:
		return b
	}
	return session.Unknown{Kind: b.Name()}
}

// facts keeps what was negotiated, and hides between whom.
func (n *Names) facts(f session.TLSFacts) session.TLSFacts {
	f.SNI, f.Domain = n.host(f.SNI), n.host(f.Domain)
	n.sentences(&f.SNIFrom)
	if h := f.Hello; h != nil {
		hello := *h
		hello.SNI = n.host(h.SNI)
		f.Hello = &hello
	}
	f.Chain, f.Client = n.chain(f.Chain), n.chain(f.Client)
	f.Unminted = n.each(f.Unminted, n.host)
	if v := f.Verdict; v != nil {
		verdict := *v
		n.sentences(&verdict.By, &verdict.Problem)
		f.Verdict = &verdict
	}
	f.Bindings = maps.Clone(f.Bindings)
	for name, data := range f.Bindings { // the hash of a certificate says whose it is
		f.Bindings[name] = n.replaced(data, n.hash(data, len(data)))
	}
	return f
}

func (n *Names) chain(chain []session.Certificate) (out []session.Certificate) {
	for _, c := range chain {
		out = append(out, n.certificate(c))
	}
	return out
}

// certificate hides what tells one from all others: names, numbers, the hash, and
// the second in which it was made.
func (n *Names) certificate(c session.Certificate) session.Certificate {
	const day = 24 * time.Hour
	c.DNS, c.SRV, c.IP = n.each(c.DNS, n.host), n.each(c.SRV, n.host), n.each(c.IP, n.host)
	c.XMPP = n.each(c.XMPP, n.jid)
	c.Subject, c.Issuer = n.distinguished(c.Subject), n.distinguished(c.Issuer)
	c.Serial = n.replaced(c.Serial, n.hash(c.Serial, min(len(c.Serial), 16)))
	c.SHA256 = n.replaced(c.SHA256, n.hash(c.SHA256, len(c.SHA256)))
	c.NotBefore, c.NotAfter = c.NotBefore.Truncate(day), c.NotAfter.Truncate(day)
	return c
}

// record is an answer of DNS: an address, or numbers and then the name of a host.
func (n *Names) record(s string) string {
	if i := strings.LastIndexByte(s, ' '); i >= 0 {
		return s[:i+1] + n.host(s[i+1:])
	}
	return n.host(s)
}

// sentences replaces sentences where they are.
func (n *Names) sentences(list ...*string) {
	for _, s := range list {
		*s = n.sentence(*s)
	}
}

func (n *Names) each(list []string, f func(string) string) []string {
	var out []string
	for _, s := range list {
		out = append(out, f(s))
	}
	return out
}

// distinguished is a name as RFC 4514 writes it, each value replaced.
func (n *Names) distinguished(s string) string {
	if s == "" {
		return ""
	}
	var out []string
	for _, part := range splitName(s) {
		kind, value, ok := strings.Cut(part, "=")
		switch {
		case !ok:
			out = append(out, n.replaced(part, n.named(tableName, part)))
		case hostName.MatchString(value):
			out = append(out, kind+"="+n.host(value))
		default:
			out = append(out, kind+"="+n.replaced(value, n.named(tableName, value)))
		}
	}
	return n.replaced(s, strings.Join(out, ","))
}

// splitName cuts a distinguished name at the commas and plus signs between its
// parts.
func splitName(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',', '+':
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}
