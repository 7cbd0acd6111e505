package capture

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// The views are what the template draws: plain strings, in the order in which
// they are read. Escaping is the template's.
type (
	fact struct{ Name, Value string }

	noteView struct {
		Name, Value, Text, Ref string
		Severity               string // "" for mere explanations
		Secret                 bool
	}

	eventView struct {
		ID, Class, Meta, When, Headline, Summary string
		Severity                                 string
		Step                                     *session.Step
		Fields, Said                             []noteView
		Verdict, Advice, VerdictClass            string
		TLS                                      *tlsView
		XML                                      []session.Line
		XMLTitle                                 string
	}

	tlsView struct {
		Title, Problem, Hint string
		Facts                []fact
		Folded               []foldedView
	}

	foldedView struct {
		Title string
		Facts []fact
	}
)

func pieceClass(p session.Piece) string {
	switch p.Class {
	case session.ClassTag:
		return "x-tag"
	case session.ClassAttr:
		return "x-attr"
	case session.ClassValue:
		return "x-value"
	case session.ClassXMLNS:
		return "x-ns"
	case session.ClassPunct:
		return "x-punct"
	case session.ClassSecret:
		return "x-secret"
	case session.ClassError:
		return "x-error"
	}
	return ""
}

func severityName(s session.Severity) string {
	if s == session.Info {
		return ""
	}
	return s.String()
}

// maxShown bounds the XML of one event in a report.
const maxShown = 64 << 10

func (o *Options) eventView(e *session.Event) eventView {
	v := eventView{
		ID: fmt.Sprintf("s%de%d", e.Session, e.Seq), When: e.At.Format("15:04:05.000"),
		Headline: headline(e), Summary: e.Summary, Step: e.Step, Severity: severityName(e.Worst()),
		Meta: metaLine(e), Class: eventClass(e),
	}
	v.TLS = tlsOf(e)
	for i := range e.Notes {
		n := &e.Notes[i]
		switch {
		case n.Rule == session.RuleVerdict && n.Name == session.FieldVerdict:
			v.Verdict, v.Advice, v.VerdictClass = n.Value, n.Text, "ok"
			if n.Severity >= session.Warning {
				v.VerdictClass = "bad"
			}
		case n.Name == "certificate" && v.TLS != nil: // the chain is shown whole
		case n.Name != "":
			v.Fields = append(v.Fields, noteOf(n))
		default:
			v.Said = append(v.Said, noteOf(n))
		}
	}
	if lines, ok := o.xmlLines(e, maxShown); ok {
		v.XML, v.XMLTitle = lines, fmt.Sprintf("XML, %d bytes", e.Size)
	}
	return v
}

func noteOf(n *session.Note) noteView {
	return noteView{n.Name, n.Value, n.Text, n.Ref, severityName(n.Severity), n.Secret != ""}
}

func eventClass(e *session.Event) string {
	class := e.Dir.String()
	if e.Origin == session.OriginSelf || e.Dir == session.NoDir {
		class = "self"
	}
	if e.Worst() >= session.Warning {
		class += " " + e.Worst().String()
	}
	return class
}

// metaLine says when, between whom, and how large.
func metaLine(e *session.Event) string {
	parts := []string{e.At.Format("15:04:05.000000")}
	if e.Step != nil && e.Step.Since > 0 {
		parts = append(parts, "+"+shortTime(e.Step.Since))
	}
	switch {
	case e.Origin == session.OriginSelf:
		parts = append(parts, "sent by xmppscope")
	case e.Dir == session.C2S:
		parts = append(parts, "client → server")
	case e.Dir == session.S2C:
		parts = append(parts, "server → client")
	case e.Leg != session.NoLeg:
		parts = append(parts, e.Leg.String()+" leg")
	}
	parts = append(parts, e.Kind(), fmt.Sprintf("session %d, event %d", e.Session, e.Seq))
	if e.RTT > 0 {
		parts = append(parts, "answered after "+shortTime(e.RTT))
	}
	return strings.Join(parts, " · ")
}

// xmlLines lays the event's bytes out, at most so many of them.
func (o *Options) xmlLines(e *session.Event, limit int) ([]session.Line, bool) {
	if (len(e.Raw) == 0 && !e.Truncated) || e.Kind() == (session.StreamWhitespace{}).Name() {
		return nil, false
	}
	raw := e.Raw
	if len(raw) > limit {
		raw = []byte(cutText(string(raw), limit))
	}
	var out []session.Line
	if o.Pretty != nil {
		out = o.Pretty(raw)
	} else {
		for line := range strings.Lines(string(raw)) {
			out = append(out, session.Line{{Class: session.ClassText, Text: strings.TrimRight(line, "\r\n")}})
		}
	}
	if int64(len(raw)) < e.Size && (e.Truncated || len(raw) < len(e.Raw)) {
		out = append(out, session.Line{{Class: session.ClassPunct, Text: fmt.Sprintf("… cut: %d of %d bytes", len(raw), e.Size)}})
	}
	return out, true
}

// shortTime is a duration as a person likes it: three digits.
func shortTime(d time.Duration) string {
	switch {
	case d <= 0:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// tlsOf is what a handshake's event shows of it, nil for other events.
func tlsOf(e *session.Event) *tlsView {
	switch b := e.Body.(type) {
	case session.TLSEstablished:
		return tlsViewOf(e.Leg, &b.TLSFacts, "", "")
	case session.TLSFailed:
		return tlsViewOf(e.Leg, &b.TLSFacts, b.Reason, b.Hint)
	}
	return nil
}

func tlsViewOf(leg session.Leg, f *session.TLSFacts, problem, hint string) *tlsView {
	between := "between the client and the server"
	switch leg {
	case session.ClientLeg:
		between = "client leg: between the client and xmppscope"
	case session.ServerLeg:
		between = "server leg: between xmppscope and the server"
	}
	v := &tlsView{Title: between, Problem: problem, Hint: hint}
	add := func(name, value string) {
		if value != "" {
			v.Facts = append(v.Facts, fact{name, value})
		}
	}
	add("version", f.Version)
	add("cipher suite", f.Suite)
	add("key exchange", f.Group)
	add("ALPN", f.ALPN)
	add("SNI", f.SNI)
	add("certificate for", f.Domain)
	if f.Took > 0 {
		add("handshake took", shortTime(f.Took))
	}
	if f.Resumed {
		add("resumed", "yes")
	}
	if f.Mutual {
		add("client certificate", "asked for")
	}
	if w := f.Verdict; w != nil {
		switch {
		case w.OK:
			add("verified", "yes, by "+w.By)
		case w.Ignored:
			add("verified", "NO, and ignored as asked: "+w.Problem)
		default:
			add("verified", "NO: "+w.Problem)
		}
	}
	add("names not minted", strings.Join(f.Unminted, ", "))
	for _, name := range slices.Sorted(maps.Keys(f.Bindings)) {
		add(name, f.Bindings[name])
	}
	for i := range f.Chain {
		v.Folded = append(v.Folded, certOf(i, &f.Chain[i]))
	}
	if f.Hello != nil {
		v.Folded = append(v.Folded, helloOf(f.Hello))
	}
	return v
}

func helloOf(h *session.ClientHello) foldedView {
	v := foldedView{Title: "what the client of this leg offered"}
	for _, f := range []fact{
		{"versions", strings.Join(h.Versions, ", ")}, {"cipher suites", strings.Join(h.Suites, ", ")},
		{"groups", strings.Join(h.Groups, ", ")}, {"ALPN", strings.Join(h.ALPN, ", ")}, {"SNI", h.SNI},
	} {
		if f.Value != "" {
			v.Facts = append(v.Facts, f)
		}
	}
	return v
}

func certOf(i int, c *session.Certificate) foldedView {
	v := foldedView{Title: fmt.Sprintf("certificate %d: %s", i+1, c.Subject)}
	add := func(name, value string) {
		if value != "" {
			v.Facts = append(v.Facts, fact{name, value})
		}
	}
	add("subject", c.Subject)
	add("issuer", c.Issuer)
	add("DNS names", strings.Join(c.DNS, ", "))
	add("SRV names", strings.Join(c.SRV, ", "))
	add("XMPP addresses", strings.Join(c.XMPP, ", "))
	add("IP addresses", strings.Join(c.IP, ", "))
	if !c.NotAfter.IsZero() {
		add("valid", c.NotBefore.Format(time.DateOnly)+" to "+c.NotAfter.Format(time.DateOnly))
	}
	add("key", c.Key)
	add("signature", c.Signature)
	if c.CA {
		add("is a CA", "yes")
	}
	add("serial", c.Serial)
	add("SHA-256", fingerprint(c.SHA256))
	return v
}

// fingerprint puts colons between the bytes, as other programs show it.
func fingerprint(s string) string {
	if b, err := hex.DecodeString(s); err != nil || len(b) == 0 {
		return s
	}
	var out []string
	for i := 0; i < len(s); i += 2 {
		out = append(out, s[i:i+2])
	}
	return strings.ToUpper(strings.Join(out, ":"))
}
