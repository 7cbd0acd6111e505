package facts

import (
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// tlsFacts are the facts of one leg's handshake. The chain of the client's leg is
// ours, and is left out, unless the session was captured: then there is no other.
func tlsFacts(e *session.Event, captured bool) []Fact {
	var f session.TLSFacts
	var facts []Fact
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		f = b.TLSFacts
	case session.TLSFailed:
		f = b.TLSFacts
		facts = failureFacts(b)
	}
	facts = append(facts, matter("version", f.Version), matter("suite", f.Suite), matter("key exchange", f.Group),
		matter("ALPN", f.ALPN), matter("client certificate", pick(f.Mutual, "asked for", "not asked for")),
		detail("session", pick(f.Resumed, "resumed", "new")))
	group := LegGroup(e.Leg)
	if captured {
		group = LegGroup(session.ServerLeg)
	}
	facts = append(grouped(group, facts), grouped(HelloGroup(e.Leg), helloFacts(&f))...)
	if captured || e.Leg == session.ServerLeg {
		facts = append(facts, grouped(group+", certificate", chainFacts(&f, e.At))...)
		facts = append(facts, grouped(group+", verification", verifiedFacts(&f))...)
	}
	return facts
}

// helloFacts are what the client of a leg has chosen.
func helloFacts(f *session.TLSFacts) []Fact {
	facts := []Fact{matter("SNI", f.SNI)}
	if h := f.Hello; h != nil {
		facts = append(facts, list(session.Detail, "versions offered", h.Versions), list(session.Detail, "suites offered", h.Suites),
			list(session.Detail, "groups offered", h.Groups), list(session.Detail, "ALPN offered", h.ALPN))
	}
	return facts
}

// grouped puts facts into a group. One whose only value is empty has none.
func grouped(group string, facts []Fact) []Fact {
	for i := range facts {
		x := &facts[i]
		if len(x.Values) == 0 || x.Values[0] == "" {
			x.Values = nil
		}
		x.Group = group
	}
	return facts
}

func failureFacts(b session.TLSFailed) []Fact {
	if b.Class == session.ClassOtherLeg {
		return []Fact{detail("failure", b.Class)}
	}
	return []Fact{matter("failure", b.Class), matter("refused by", b.Guilty), matter("alert", b.Alert), detail("reason", b.Reason)}
}

// chainFacts are those of the certificates; none if none were recorded.
func chainFacts(f *session.TLSFacts, at time.Time) []Fact {
	if len(f.Chain) == 0 {
		return nil
	}
	leaf := &f.Chain[0]
	var rest []string
	for i := range f.Chain[1:] {
		rest = append(rest, f.Chain[i+1].Subject)
	}
	return []Fact{
		matter("certificate of", leaf.Subject), matter("issued by", leaf.Issuer),
		list(session.Decides, "certificate names", Names(leaf)), matter("certificate key", leaf.Key),
		matter("signature", leaf.Signature), matter("certificate is", Validity(leaf, at)),
		detail("valid from", day(leaf.NotBefore)), detail("valid until", day(leaf.NotAfter)),
		identifier("fingerprint", leaf.SHA256), identifier("serial", leaf.Serial),
		list(session.Decides, "rest of the chain", rest),
	}
}

// verifiedFacts are what came of holding the certificates against the domain; none
// if nobody did.
func verifiedFacts(f *session.TLSFacts) []Fact {
	v := f.Verdict
	if v == nil {
		return nil
	}
	return []Fact{matter("verified", pick(v.OK, "yes", "no")), matter("problem", v.Problem), detail("matched by", v.By)}
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
