package doctor

import (
	"fmt"
	"io"
	"strings"
	"time"

	"xmppscope/session"
)

// Print writes the report for a person: what is wrong first, then what was found.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	say := func(indent int, format string, args ...any) {
		b.WriteString(strings.Repeat(" ", indent) + session.SafeLine(fmt.Sprintf(format, args...)) + "\n")
	}
	say(0, "%s: %s", r.Domain, r.summary())
	for _, p := range r.Problems {
		b.WriteByte('\n')
		say(0, "%s: %s%s", p.Severity, p.Text, bracketed(p.Rule, p.Ref))
		for _, where := range p.Where {
			say(4, "at %s", where)
		}
		if p.Next != "" {
			say(4, "next: %s", p.Next)
		}
	}
	if len(r.Records) > 0 {
		b.WriteString("\nrecords\n")
	}
	for _, rec := range r.Records {
		switch {
		case rec.Problem != "":
			say(2, "%s  no answer", rec.Name)
		case rec.Refused && len(rec.Hosts) == 0:
			say(2, "%s  not offered", rec.Name)
		case len(rec.Hosts) == 0:
			say(2, "%s  none", rec.Name)
		default:
			say(2, "%s", rec.Name)
		}
		for _, h := range rec.Hosts {
			say(4, "%s", h.said())
		}
	}
	shown := chains{}
	for _, p := range r.Ports {
		b.WriteByte('\n')
		p.print(say, shown)
	}
	for _, e := range r.Web {
		b.WriteByte('\n')
		say(0, "%s  %s", e.URL, e.Kind)
		if e.Failed != "" {
			say(2, "failed       %s", e.Failed)
		} else {
			e.Offers.print(say, "offers")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) summary() string {
	counts := map[session.Severity]int{}
	for _, p := range r.Problems {
		counts[p.Severity]++
	}
	var parts []string
	for sev := session.Error; sev > session.Info; sev-- {
		if n := counts[sev]; n > 0 {
			parts = append(parts, session.Plural(n, sev.String()))
		}
	}
	if r.Worst() < session.Warning {
		parts = append([]string{"nothing is wrong that can be seen from here"}, parts...)
	}
	return strings.Join(parts, ", ")
}

func bracketed(rule, ref string) string {
	switch {
	case rule != "" && ref != "":
		return " (" + rule + ", " + ref + ")"
	case rule+ref != "":
		return " (" + rule + ref + ")"
	}
	return ""
}

func (p *Port) print(say func(int, string, ...any), shown chains) {
	name := p.Target
	if p.Address != "" && p.Address != p.Target {
		name += " → " + p.Address
	}
	say(0, "%s  %s", name, p.Kind)
	if p.Took > 0 {
		say(2, "%-12s %s", "connected in", session.ShortTime(p.Took))
	}
	if p.Before != nil {
		how := strings.Join(p.Before.Features, ", ")
		if p.Before.Required {
			how = strings.Replace(how, "starttls", "starttls (required)", 1)
		}
		say(2, "%-12s %s", "before TLS", how)
	}
	if f := p.TLS; f != nil {
		how := f.Version + " " + f.Suite
		if f.ALPN != "" {
			how += ", ALPN " + f.ALPN
		}
		say(2, "%-12s %s", "TLS", how)
		if len(f.Chain) > 0 {
			say(2, "%-12s %s", "certificate", shown.certificate(f.Chain, p.Target))
		}
		if f.Verdict != nil {
			say(2, "%-12s %s", "verified", f.Verdict)
		}
		if len(p.Binding) > 0 {
			say(2, "%-12s %s", "TLS bindings", strings.Join(p.Binding, ", "))
		}
	}
	if p.Failed != "" {
		say(2, "%-12s %s", "failed", p.Failed)
		return
	}
	p.Offers.print(say, "offers")
	p.ToNamed.print(say, "with from")
}

// chains are those that have been shown, by their leaf, and where.
type chains map[string]string

// certificate is a chain in a line; one that has been shown is not shown again.
func (c chains) certificate(chain []session.Certificate, at string) string {
	leaf := &chain[0]
	if before, ok := c[leaf.SHA256]; ok {
		return "the same as at " + before
	}
	c[leaf.SHA256] = at
	var parts []string
	for _, list := range [][]string{leaf.DNS, leaf.SRV, leaf.XMPP, leaf.IP} {
		parts = append(parts, list...)
	}
	names := strings.Join(parts, ", ")
	if names == "" {
		names = "no name that counts"
	}
	use := strings.Join(leaf.Usage, ", ")
	if use == "" {
		use = "any use"
	}
	return fmt.Sprintf("%s, for %s; by %s; %s; %s to %s; %s; %s sent", leaf.Subject, names, leaf.Issuer, leaf.Key,
		leaf.NotBefore.UTC().Format(time.DateOnly), leaf.NotAfter.UTC().Format(time.DateOnly), use, session.Plural(len(chain), "certificate"))
}

func (o *Offers) print(say func(int, string, ...any), title string) {
	if o == nil {
		return
	}
	say(2, "%-12s %s", title, offered(o.rest()))
	for _, l := range []struct {
		name string
		list []string
	}{{"SASL", o.Mechanisms}, {"SASL2", o.SASL2}, {"inline", o.Inline}, {"FAST", o.FAST}, {"bindings", o.Bindings}} {
		if len(l.list) > 0 {
			say(2, "%-12s %s", "", l.name+": "+strings.Join(l.list, ", "))
		}
	}
}

// rest are the features without those that have a line of their own.
func (o *Offers) rest() []string {
	return without(o.Features, []string{"sasl", "sasl2", "channel binding"})
}
