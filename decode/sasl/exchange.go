package sasl

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// exchange is the SASL side of one session: which mechanism is in use, and the
// decoder of the attempt that is going on.
type exchange struct {
	name      string // as the client wrote it; "" before the first <auth/>
	mechanism decode.Mechanism
	decoder   Decoder
	tries     int
	aborted   bool // the client sent <abort/>, and the server has not answered

	user  string // who logs in, as far as the client has said
	fault string // the first error in what the client has sent in this attempt, "" if there is none
	fast  fast
	task  task
}

// Explain implements decode.Explainer.
func (x *exchange) Explain(s *decode.Seen) []session.Note {
	var notes []session.Note
	if x.aborted && s.Event.Dir == session.S2C {
		notes = x.afterAbort(s)
	}
	if s.Root.Name.Space != decode.NSSASL2 {
		return append(notes, x.sasl1(s)...)
	}
	notes = append(notes, x.sasl2(s)...)
	for i := range notes {
		if notes[i].Ref == "" {
			notes[i].Ref = refSASL2
		}
	}
	return notes
}

// sasl1 is the profile of RFC 6120 §6.
func (x *exchange) sasl1(s *decode.Seen) []session.Note {
	el := s.Root
	switch el.Name.Local {
	case "auth":
		notes := x.begin(s, false)
		return append(notes, x.message(s, Initial, el, false)...)
	case "challenge":
		return x.message(s, Challenge, el, false)
	case "response":
		return x.message(s, Response, el, false)
	case "success":
		return append(x.succeeded(s), x.message(s, Success, el, false)...)
	case "failure":
		return x.failed(s)
	case "abort":
		return x.abort()
	}
	return nil
}

// begin explains the choice of a mechanism.
func (x *exchange) begin(s *decode.Seen, sasl2 bool) []session.Note {
	name := strings.Clone(s.Root.Attr("mechanism"))
	span := s.Root.AttrSpan("mechanism")
	x.name = name
	x.mechanism, x.decoder = find(name)
	x.tries++
	x.aborted, x.fault = false, ""

	choice := decode.Field(session.FieldMechanism, name, span).Is(session.Word)
	choice.Text = "the client logs in with " + decode.Quote(name)
	choice.Ref = "RFC 6120 §6.4.2"
	if sasl2 {
		choice.Ref = "XEP-0388 §2.3"
	}
	notes := []session.Note{choice}
	if n, ok := notOffered(s.State, name, span, sasl2); ok {
		notes = append(notes, n)
	}
	notes = append(notes, inTheClear(s.State, name, span)...)
	if x.tries > 5 {
		notes = append(notes, decode.Breach("A10", span,
			"the client makes attempt %d on this connection: servers allow 2 to 5 and then close", x.tries))
	}
	return append(notes, googleAttrs(s.Root)...)
}

// notOffered is check A05 (A24 for SASL2).
func notOffered(state *decode.State, name string, span session.Span, sasl2 bool) (session.Note, bool) {
	one, two := state.Mechanisms()
	id, ref, offered := "A05", "RFC 6120 §6.4.2", one
	if sasl2 {
		id, ref, offered = "A24", "XEP-0388 §2.3", append(two, fastMechanisms(state)...)
	}
	if state.Features() == nil || slices.Contains(offered, name) {
		return session.Note{}, false
	}
	return decode.Finding(id, ref, session.Error, span,
		"the client chose %q, which the server did not offer (it offers %s): expect invalid-mechanism",
		name, decode.Quotes(decode.Unique(offered))), true
}

// fastMechanisms are the HT mechanisms that a FAST login may name (XEP-0484 §3.2).
func fastMechanisms(state *decode.State) (out []string) {
	if state.Features() == nil {
		return nil
	}
	auth := state.Features().Child(decode.NSSASL2, "authentication")
	if auth == nil {
		return nil
	}
	inline := auth.Child(decode.NSSASL2, "inline")
	if inline == nil {
		return nil
	}
	fast := inline.Child(decode.NSFAST, "fast")
	if fast == nil {
		return nil
	}
	for m := range fast.Elements() {
		if m.Name.Local == "mechanism" {
			out = append(out, m.Text())
		}
	}
	return out
}

// inTheClear is check A02, and A20 for mechanisms that are historic.
func inTheClear(state *decode.State, name string, span session.Span) (notes []session.Note) {
	m := decode.MechanismOf(name)
	if m.Sends != "" && state.InClear() {
		notes = append(notes, decode.Breach("A02", span,
			"the client uses %q on a connection without TLS: everyone on the way can read the credentials", name))
	}
	if m.Historic != "" {
		notes = append(notes, decode.Breach("A20", span, "%q is historic: %s", name, m.Historic))
	}
	return notes
}

// message explains a SASL message, and keeps what is wrong with a client's.
func (x *exchange) message(s *decode.Seen, kind Kind, el *session.Element, sasl2 bool) []session.Note {
	notes := x.read(s, kind, el, sasl2)
	for i := range notes {
		if n := &notes[i]; x.fault == "" && kind.FromClient() && n.Severity == session.Error && n.Rule != decode.RuleVerify {
			x.fault = n.Text
		}
	}
	return notes
}

// read decodes the text of an element as a SASL message. SASL2 has no rule that
// "=" stands for an empty message (XEP-0388 §2.2): an empty element is one.
func (x *exchange) read(s *decode.Seen, kind Kind, el *session.Element, sasl2 bool) []session.Note {
	m := Message{Kind: kind, Element: el, Span: el.TextSpan(), State: s.State, At: s.Event.At, Agent: x.fast.agent}
	if el.First() != nil {
		return x.childPayload(m)
	}
	text := el.Text()
	switch {
	case text == "":
		m.Present = sasl2 || kind == Challenge || kind == Response
	case text == "=" && !sasl2:
		m.Present = true
	default:
		payload, notes := unbase64(text, m.Span)
		if sasl2 {
			soften(notes, text)
		}
		if payload == nil {
			return append(notes, credentials(text, m.Span))
		}
		m.Present, m.Payload = true, payload
		return append(notes, x.decode(m)...)
	}
	return x.decode(m)
}

// soften turns check A06 into what SASL2 makes of it: white space is only advised
// against (XEP-0388 §2.2).
func soften(notes []session.Note, text string) {
	for i := range notes {
		notes[i].Ref = "XEP-0388 §2.2"
		if _, ok := strictBase64(strings.Join(strings.Fields(text), "")); ok {
			notes[i].Severity = session.Notice
		}
	}
}

// decode hands the message to the mechanism in use. Where the beginning was not
// seen, the mechanism is not known, and everything is secret.
func (x *exchange) decode(m Message) []session.Note {
	if x.decoder == nil {
		x.mechanism, x.decoder = find("")
	}
	notes := x.decoder.Decode(m)
	for i := range notes {
		if n := &notes[i]; n.NamesUser() {
			x.user = strings.Clone(n.Value)
		}
		if notes[i].Rule == "" {
			notes[i].Rule = x.mechanism.ID
		}
		if notes[i].Ref == "" {
			notes[i].Ref = x.mechanism.Ref
		}
	}
	return notes
}
