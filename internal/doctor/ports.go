package doctor

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/decode/tale"
	"xmppscope/session"
)

// Port is what answers at an address.
type Port struct {
	Kind    string            `json:"kind"`    // "STARTTLS for clients", …
	Target  string            `json:"target"`  // "host:port" as it was named
	Address string            `json:"address"` // "IP:port" that was connected to; "" if it was not
	Via     string            `json:"via"`     // who named it
	Took    time.Duration     `json:"took_ns,omitempty"`
	Failed  string            `json:"failed,omitempty"` // in words, if it came to no offers inside TLS
	Server  string            `json:"server,omitempty"` // what it says it is: the stream's "from"
	TLS     *session.TLSFacts `json:"tls,omitempty"`
	Binding []string          `json:"can_bind,omitempty"` // types of channel binding that this TLS connection gives
	Before  *Offers           `json:"before_tls,omitempty"`
	Offers  *Offers           `json:"offers,omitempty"`      // inside TLS, to whom does not say who they are
	ToNamed *Offers           `json:"offers_from,omitempty"` // inside TLS, to who does ("from"); absent where it is the same
}

// ports speaks to each place.
func (d *doctor) ports(ctx context.Context, places []place) {
	out := make([]Port, len(places))
	each(places, func(i int, p place) { out[i] = d.port(ctx, p) })
	d.report.Ports = out
}

// port speaks to one, twice: the second time it says who it is.
func (d *doctor) port(ctx context.Context, p place) Port {
	out := Port{Kind: p.kind.String(), Target: p.named, Via: p.target.Via}
	where := out.Target + " (" + out.Kind + ")"
	if at := p.target.Host; !strings.HasPrefix(p.named, at) && !strings.HasPrefix(p.named, "["+at) {
		where = out.Target + " → " + at + " (" + out.Kind + ")"
	}
	plain := d.talk(ctx, p, "")
	plain.fill(&out, where)
	if out.Offers == nil {
		return out
	}
	from := "xmppscope@" + d.Domain.Unicode
	if p.peer {
		from = "xmppscope.invalid" // RFC 2606 §2: nobody's
	}
	var named Port
	d.talk(ctx, p, session.EscapeXML(from)).fill(&named, where)
	switch {
	case named.Offers == nil && !p.peer:
		d.report.wrong(session.Warning, where, "RFC 6120 §4.7.1", "look into the server's log", "to a client that says who it is (\"from\" in its stream header) the server makes no offer: %s", named.Failed)
	case named.Offers != nil && !named.Offers.equal(out.Offers):
		out.ToNamed = named.Offers
	}
	return out
}

// talk has a conversation up to the offers inside TLS, as far as it gets.
func (d *doctor) talk(ctx context.Context, p place, from string) *talk {
	ctx, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	t := d.begin(p)
	defer t.end()
	if t.connect(ctx) != nil {
		return t
	}
	if !p.direct {
		features, err := t.open("")
		if err != nil {
			return t
		}
		if t.before = offersIn(features.Raw, t.scope); !t.before.has("starttls") {
			return t
		}
		if t.say("<starttls xmlns='"+decode.NSTLS+"'/>") != nil {
			return t
		}
		if _, err := t.until("proceed"); err != nil {
			return t
		}
	}
	if t.secure(ctx) != nil {
		return t
	}
	if features, err := t.open(from); err == nil {
		t.inside = offersIn(features.Raw, t.scope)
	}
	return t
}

// fill takes over what a conversation has brought, its problems too.
func (t *talk) fill(out *Port, where string) {
	r := t.d.report
	out.Before, out.Offers = t.before, t.inside
	what, next := "", ""
	for i := range t.events {
		e := &t.events[i]
		switch b := e.Body.(type) {
		case session.TCPOpened:
			if e.Leg == session.ServerLeg {
				out.Address, out.Took = b.Peer, b.Took
			}
		case session.TLSEstablished:
			if e.Leg != session.ServerLeg {
				continue
			}
			facts := b.TLSFacts
			out.Binding = slices.Sorted(maps.Keys(facts.Bindings))
			facts.Hello, facts.Bindings = nil, nil
			out.TLS = &facts
			t.certificate(&facts, where)
		}
		for j := range e.Notes {
			n := &e.Notes[j]
			switch {
			case n.Rule == session.RuleVerdict && n.Name == session.FieldVerdict:
				what, next = n.Value, n.Text
			case n.Rule == session.RuleVerdict, n.Severity < session.Warning, e.Dir == session.C2S, isFailure(e), n.Rule == "T11":
			default:
				f := tale.FindingOf(e, n)
				r.add(Problem{Severity: f.Severity, Rule: f.Rule, Text: f.Text, Ref: f.Ref, Where: []string{where}})
			}
		}
	}
	if out.Offers != nil {
		return
	}
	switch {
	case out.Before != nil && !out.Before.has("starttls"):
		what, next = "the server offers no TLS: all that is said can be read on the way", "turn TLS on in the server; it may lack a certificate for this domain"
	case what == "":
		what = "it came to no offers inside TLS"
	}
	out.Failed = session.SafeLine(step.ReplaceAllString(what, ""))
	r.add(Problem{Severity: session.Error, Text: out.Failed, Next: session.SafeLine(next), Ref: "RFC 6120 §5", Where: []string{where}})
}

// step is where in a session a verdict sees the failure: nobody has the events here.
var step = regexp.MustCompile(`^at #[0-9]+ \([-a-z0-9]+\) `)

// isFailure says whether the verdict tells of the event.
func isFailure(e *session.Event) bool {
	switch e.Body.(type) {
	case session.TCPFailed, session.TLSFailed, session.TCPTried, session.RelayTimeout:
		return true
	case session.StreamElement:
		return e.Name == "error" || e.Name == "failure"
	}
	return false
}

// soon is how long before its end a certificate is to be renewed.
const soon = 14 * 24 * time.Hour

// certificate says what is wrong with the server's.
func (t *talk) certificate(f *session.TLSFacts, where string) {
	r := t.d.report
	if v := f.Verdict; v != nil && !v.OK {
		r.add(Problem{Severity: session.Error, Rule: "T11", Text: v.Problem, Next: remedy(v.Class), Ref: "RFC 6120 §13.7.2", Where: []string{where}})
	}
	if t.place.direct && f.ALPN == "" {
		r.wrong(session.Notice, where, "XEP-0368 §2", "", "the server agrees on no protocol by ALPN, which is for ports that speak several")
	}
	if len(f.Chain) == 0 || f.Verdict == nil || !f.Verdict.OK {
		return
	}
	if left := f.Chain[0].NotAfter.Sub(t.d.now()); left < soon {
		r.wrong(session.Warning, where, "RFC 5280 §4.1.2.5", "renew it; where that happens by itself, see why it has not", "the certificate expires in %s", session.Plural(int(left.Hours()/24), "day"))
	}
}

// remedy is what the owner of a domain can do about its certificate.
func remedy(class string) string {
	switch class {
	case session.ClassExpired:
		return "renew the certificate, and let the server read it again; or check the clocks of both machines"
	case session.ClassName:
		return "get a certificate that names the JID domain, not the host that is connected to; or give the server the right one for this domain"
	case session.ClassUnknownCA:
		return "get a certificate of a public CA, and let the server send the intermediates too; if the CA is your own: --upstream-ca FILE"
	}
	return "look at the certificate"
}

// offered joins what the page shows of a list, or says that there is nothing.
func offered(list []string) string {
	if len(list) == 0 {
		return "nothing else"
	}
	return session.SafeLine(strings.Join(list, ", "))
}

func without(list, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(gone, s) })
}
