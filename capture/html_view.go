package capture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"xmppscope/session"
)

// The views are what the template draws: plain strings, in the order in which
// they are read. Escaping is the template's.
type (
	noteView struct {
		Name, Value, Text, Ref string
		Severity               string // "" for mere explanations
		Secret                 bool
	}

	eventView struct {
		ID, Class, Meta, When, Headline, Summary string
		Seq                                      uint64
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
		Facts                []session.Fact
		Folded               []foldedView
	}

	foldedView struct {
		Title string
		Facts []session.Fact
	}
)

func pieceClass(p session.Piece) string {
	switch p.Syntax {
	case session.SyntaxTag:
		return "x-tag"
	case session.SyntaxAttr:
		return "x-attr"
	case session.SyntaxValue:
		return "x-value"
	case session.SyntaxXMLNS:
		return "x-ns"
	case session.SyntaxPunct:
		return "x-punct"
	case session.SyntaxSecret:
		return "x-secret"
	case session.SyntaxError:
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
		Seq: e.Seq, Headline: headline(e), Summary: e.Summary, Step: e.Step, Severity: severityName(e.Worst()),
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

// lineView is an event in one line.
func lineView(e *session.Event) string {
	arrow := "·"
	switch e.Dir {
	case session.C2S:
		arrow = "→"
	case session.S2C:
		arrow = "←"
	}
	line := e.At.Format("15:04:05.000") + " " + arrow + " " + session.SafeLine(session.Clip(headline(e), 200))
	if worst := e.Worst(); worst > session.Info {
		line += " [" + worst.String() + "]"
	}
	return line
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
		parts = append(parts, "+"+session.ShortTime(e.Step.Since))
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
	parts = append(parts, e.Kind(), fmt.Sprintf("session %d, #%d", e.Session, e.Seq))
	if e.Conn > 0 {
		parts = append(parts, fmt.Sprintf("connection %d", e.Conn))
	}
	if e.RTT > 0 {
		parts = append(parts, "answered after "+session.ShortTime(e.RTT))
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
		for line := range o.Pretty(raw) {
			out = append(out, slices.Clone(line))
		}
	} else {
		for line := range strings.Lines(string(raw)) {
			out = append(out, session.Line{{Syntax: session.SyntaxText, Text: strings.TrimRight(line, "\r\n")}})
		}
	}
	if int64(len(raw)) < e.Size && (e.Truncated || len(raw) < len(e.Raw)) {
		out = append(out, session.Line{{Syntax: session.SyntaxPunct, Text: fmt.Sprintf("… cut: %d of %d bytes", len(raw), e.Size)}})
	}
	return out, true
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
	v := &tlsView{Title: between, Problem: problem, Hint: hint, Facts: f.Facts()}
	for i := range f.Chain {
		c := &f.Chain[i]
		v.Folded = append(v.Folded, foldedView{fmt.Sprintf("certificate %d: %s", i+1, c.Subject), c.Facts()})
	}
	for i := range f.Client {
		c := &f.Client[i]
		v.Folded = append(v.Folded, foldedView{fmt.Sprintf("certificate %d of the client: %s", i+1, c.Subject), c.Facts()})
	}
	if f.Hello != nil {
		v.Folded = append(v.Folded, foldedView{"offered by the client of this leg", f.Hello.Facts()})
	}
	if len(f.Bindings) > 0 {
		bindings := foldedView{Title: "channel bindings"}
		for _, name := range slices.Sorted(maps.Keys(f.Bindings)) {
			bindings.Facts = append(bindings.Facts, session.Fact{Label: name, Value: f.Bindings[name]})
		}
		v.Folded = append(v.Folded, bindings)
	}
	return v
}
