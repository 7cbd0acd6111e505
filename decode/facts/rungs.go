package facts

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// factsOf is what one event adds to its rung.
func (g *Gatherer) factsOf(e *session.Event, r *Rung, root *session.Element) []Fact {
	facts := g.fieldFacts(e, r)
	switch r.Kind {
	case "tls":
		return append(tlsFacts(e, g.login.Captured), findingFacts(e)...)
	case "features":
		facts = append(facts, g.featureFacts(e, r, root)...)
	case "stream-open", "stream-reply":
		facts = append(facts, g.headerFacts(r, root)...)
	case "bind-request":
		asked, given := e.Field("resource")
		facts = append(facts, matter("resource", pick(given, "the client names one", "left to the server")))
		facts = append(facts, identifier("resource asked for", asked))
	case "bind-result", "sasl2-success", "sm-resumed":
		facts = append(facts, g.jidFacts(e, r)...)
	}
	if strings.HasPrefix(r.Kind, "sm-") && root != nil {
		facts = append(facts, managementFacts(root)...)
	}
	return append(facts, findingFacts(e)...)
}

func matter(name string, values ...string) Fact { return Fact{Name: name, Values: values} }

func detail(name string, values ...string) Fact {
	return Fact{Name: name, Values: values, Class: session.Detail}
}

func identifier(name string, values ...string) Fact {
	return Fact{Name: name, Values: values, Class: session.Identifier}
}

func list(class session.Class, name string, values []string) Fact {
	return Fact{Name: name, Values: values, Class: class, List: true}
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// fieldFacts are the decoded fields, in the order in which they were decoded.
func (g *Gatherer) fieldFacts(e *session.Event, r *Rung) (facts []Fact) {
	for i := range e.Notes {
		n := &e.Notes[i]
		switch {
		case n.Name == "" || n.Class == session.Elsewhere || n.Rule == session.RuleVerdict:
		case n.Name == "to" && r.Kind == "stream-reply": // an echo of the client's from
		case n.Secret != "":
			if s := g.secretOf(i); s != nil {
				facts = append(facts, Fact{Name: n.Secret, Values: []string{lengthOf(n.Mark)}, Group: r.Mechanism, Secret: s})
			}
		default:
			facts = append(facts, g.fieldFact(n, r))
		}
	}
	return facts
}

// once are the fields that are another one each time, for recordings of before fields had
// classes.
var once = map[string]bool{"nonce": true, "cnonce": true, "salt": true, "challenge": true, "cb-data": true, "timestamp": true, "t": true, "tag": true,
	"trace": true, "expiry": true, "iat": true, "exp": true, "nbf": true, "user-agent-id": true}

func (g *Gatherer) fieldFact(n *session.Note, r *Rung) Fact {
	f := Fact{Name: n.Name, Values: []string{n.Value}, Class: n.Class, Group: r.Mechanism}
	if !g.classed && once[n.Name] {
		f.Class = session.Identifier
	}
	switch {
	case n.Holds == session.User: // each mechanism has its own word for it
		f.Name, f.Group = "user", ""
	case n.Name == session.FieldMechanism || n.Name == session.FieldCondition || n.Name == session.FieldText:
		f.Group = "" // they belong to the exchange, whatever the mechanism
	}
	if r.Kind == "stream-open" || r.Kind == "stream-reply" {
		f.Name = "stream's " + n.Name
	}
	return f
}

// lengthOf reads the length out of a placeholder, "[password #1, 12 characters]".
func lengthOf(mark string) string {
	_, length, ok := strings.Cut(mark, ", ")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(length, "]")
}

// headerFacts are those of a stream header that are no fields, or not to be
// compared by value.
func (g *Gatherer) headerFacts(r *Rung, root *session.Element) []Fact {
	if root == nil {
		return nil
	}
	from, given := root.LookupAttr("from")
	if r.Kind == "stream-open" {
		g.login.Content = strings.Clone(decode.ContentOf(root))
		from = pick(given, "given", "not given")
	}
	return parsed(matter("stream's from", from), matter("content namespace", decode.ContentOf(root)))
}

// parsed puts facts into the group of those that need the rung's bytes.
func parsed(facts ...Fact) []Fact {
	for i := range facts {
		facts[i].Group = Parsed
	}
	return facts
}

// jidFacts compare the shape of a JID: the resource is often made up anew.
func (g *Gatherer) jidFacts(e *session.Event, r *Rung) []Fact {
	jid, ok := e.Field("jid")
	if !ok {
		return nil
	}
	account, resource, _ := strings.Cut(jid, "/")
	facts := []Fact{matter("account", account), identifier("JID", jid)}
	if r.Kind != "bind-result" {
		return grouped("bound", facts)
	}
	how := "changed by the server"
	switch g.login.Asked {
	case "":
		how = "made by the server"
	case resource:
		how = "as asked"
	}
	return grouped("bound", append(facts, matter("resource", how)))
}

// managementFacts are the attributes of stream management (XEP-0198 §3).
func managementFacts(root *session.Element) (facts []Fact) {
	facts = append(facts, matter("namespace", root.Name.Space))
	if resume := root.Attr("resume"); resume != "" {
		facts = append(facts, matter("resume", resume))
	}
	if seconds := root.Attr("max"); seconds != "" {
		facts = append(facts, detail("max", seconds))
	}
	return parsed(facts...)
}

// findingFacts are the findings on an event. One that is a decoded field too is a
// fact already.
func findingFacts(e *session.Event) (facts []Fact) {
	for i := range e.Notes {
		n := &e.Notes[i]
		if n.Severity == session.Info || n.Rule == session.RuleVerdict || n.Name != "" {
			continue
		}
		f := Fact{Name: n.Severity.String() + " " + n.Rule, Values: []string{n.Text}, Presence: true}
		if n.Severity == session.Notice {
			f.Class = session.Detail
		}
		facts = append(facts, f)
	}
	return facts
}

// featureFacts are what the server offers; they are kept as an Offer too.
func (g *Gatherer) featureFacts(e *session.Event, r *Rung, root *session.Element) []Fact {
	o := offerOf(e, root)
	o.Phase, o.Seq, o.N = r.Phase, e.Seq, r.N
	if len(g.login.Offers) < maxOffers {
		g.login.Offers = append(g.login.Offers, o)
	}
	var names, inline, marked []string
	tls := "not required"
	for _, f := range o.Features {
		switch {
		case f.Inline:
			inline = append(inline, f.String())
		default:
			names = append(names, f.String())
		}
		switch {
		case f.Mark == "required" && f.Space == decode.NSTLS:
			tls = f.Mark
		case f.Mark != "":
			marked = append(marked, f.String()+": "+f.Mark)
		}
	}
	var facts []Fact
	if root != nil {
		facts = parsed(list(session.Decides, "features", names), list(session.Decides, "SASL2 inline", inline), list(session.Detail, "marked", marked))
		if r.Phase == InClear {
			facts = append(facts, parsed(matter("TLS is", tls))...)
		}
	}
	for _, x := range []struct{ name, field string }{
		{"mechanisms", "mechanisms"}, {"SASL2 mechanisms", "sasl2-mechanisms"}, {"channel bindings", "channel-bindings"},
	} {
		if v, ok := e.Field(x.field); ok {
			facts = append(facts, list(session.Decides, x.name, strings.Fields(v)))
		}
	}
	return facts
}

// offerOf reads features. Where the bytes are missing the decoded fields have to do.
func offerOf(e *session.Event, root *session.Element) (o Offer) {
	for _, field := range []string{"mechanisms", "sasl2-mechanisms"} {
		v, _ := e.Field(field)
		o.Mechanisms = union(o.Mechanisms, strings.Fields(v))
	}
	if root == nil {
		return o
	}
	for c := range root.Elements() {
		o.Features = append(o.Features, featureOf(c, false))
		if in := c.Child(decode.NSSASL2, "inline"); in != nil && c.Name.Space == decode.NSSASL2 {
			for x := range in.Elements() {
				o.Features = append(o.Features, featureOf(x, true))
			}
		}
	}
	return o
}

func featureOf(c *session.Element, inline bool) Feature {
	f := Feature{Local: strings.Clone(c.Name.Local), Space: strings.Clone(c.Name.Space), Inline: inline}
	switch {
	case c.Child("", "required") != nil:
		f.Mark = "required"
	case c.Child("", "optional") != nil:
		f.Mark = "optional"
	}
	return f
}

// familiar are features whose name alone says enough.
var familiar = map[string]bool{
	decode.NSTLS: true, decode.NSSASL: true, decode.NSSASL2: true, decode.NSBind: true, decode.NSSession: true,
	decode.NSCB: true, "http://jabber.org/features/compress": true, "http://jabber.org/protocol/caps": true,
}

// String is the feature's name, with its namespace where that is not obvious.
func (f Feature) String() string {
	s := f.Local
	if !familiar[f.Space] {
		s += " " + f.Space
	}
	return s
}
