package facts

import (
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// tlsFacts are the facts of one leg's handshake. The chain of the client's leg is
// ours, and is left out.
func tlsFacts(e *session.Event) []Fact {
	var f session.TLSFacts
	var facts []Fact
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		f = b.TLSFacts
	case session.TLSFailed:
		f = b.TLSFacts
		facts = failureFacts(b)
	}
	facts = append(facts, []Fact{
		matter("version", f.Version), matter("suite", f.Suite), matter("key exchange", f.Group),
		matter("ALPN", f.ALPN), matter("SNI", f.SNI),
		matter("client certificate", pick(f.Mutual, "asked for", "not asked for")),
		detail("session", pick(f.Resumed, "resumed", "new")),
	}...)
	if h := f.Hello; h != nil {
		facts = append(facts, list(Detail, "versions offered", h.Versions), list(Detail, "suites offered", h.Suites),
			list(Detail, "groups offered", h.Groups), list(Detail, "ALPN offered", h.ALPN))
	}
	if e.Leg == session.ServerLeg {
		facts = append(facts, chainFacts(f, e.At)...)
	}
	out := facts[:0]
	for _, x := range facts {
		if len(x.Values) == 0 || x.Values[0] == "" {
			x.Values = nil
		}
		x.Group = LegGroup(e.Leg)
		out = append(out, x)
	}
	return out
}

func failureFacts(b session.TLSFailed) []Fact {
	if b.Class == session.ClassOtherLeg {
		return []Fact{detail("failure", b.Class)}
	}
	return []Fact{matter("failure", b.Class), matter("refused by", b.Guilty), matter("alert", b.Alert), detail("reason", b.Reason)}
}

// chainFacts are those of the certificates, and of what they were held against.
func chainFacts(f session.TLSFacts, at time.Time) (facts []Fact) {
	if len(f.Chain) > 0 {
		leaf := &f.Chain[0]
		facts = append(facts,
			matter("certificate of", leaf.Subject), matter("issued by", leaf.Issuer),
			list(Matter, "certificate names", Names(leaf)), matter("certificate key", leaf.Key),
			matter("signature", leaf.Signature), matter("certificate is", Validity(leaf, at)),
			detail("valid from", day(leaf.NotBefore)), detail("valid until", day(leaf.NotAfter)),
			identifier("fingerprint", leaf.SHA256), identifier("serial", leaf.Serial))
		var rest []string
		for i := range f.Chain[1:] {
			rest = append(rest, f.Chain[i+1].Subject)
		}
		facts = append(facts, list(Matter, "rest of the chain", rest))
	}
	if v := f.Verdict; v != nil {
		facts = append(facts, matter("verified", pick(v.OK, "yes", "no")), matter("problem", v.Problem), detail("matched by", v.By))
	}
	return facts
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// Names lists the names in a certificate, each with its kind unless it is a DNS
// name.
func Names(c *session.Certificate) []string {
	out := slices.Clone(c.DNS)
	for _, more := range []struct {
		kind  string
		names []string
	}{{"SRV ", c.SRV}, {"XMPP ", c.XMPP}, {"IP ", c.IP}} {
		for _, n := range more.names {
			out = append(out, more.kind+n)
		}
	}
	return out
}

// Validity says whether a certificate was valid at a time; "" if that is not known.
func Validity(c *session.Certificate, at time.Time) string {
	switch {
	case c.NotAfter.IsZero() || at.IsZero():
		return ""
	case at.Before(c.NotBefore):
		return "not valid yet"
	case at.After(c.NotAfter):
		return "expired"
	}
	return "in its time of validity"
}

// union appends what is new, and keeps the order.
func union(a, b []string) []string {
	for _, x := range b {
		if x = strings.TrimSpace(x); x != "" && !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}
