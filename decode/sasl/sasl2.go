package sasl

import (
	"regexp"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

const refSASL2 = "XEP-0388 §2"

// sasl2 is the profile of XEP-0388. Its messages stand in child elements of
// <authenticate/>, <success/> and <continue/>.
func (x *exchange) sasl2(s *decode.Seen) []session.Note {
	el := s.Root
	switch el.Name.Local {
	case "authenticate":
		return x.authenticate(s)
	case "challenge":
		return x.message(s, Challenge, el, true)
	case "response":
		return x.message(s, Response, el, true)
	case "success":
		return x.success2(s)
	case "continue":
		return x.continue2(s)
	case "next":
		return x.next(s)
	case "task-data":
		return x.taskData(s, el)
	case "failure":
		return x.failed(s)
	case "abort":
		return x.abort()
	}
	return nil
}

func (x *exchange) authenticate(s *decode.Seen) []session.Note {
	notes := x.begin(s, true)
	x.fast.agent = ""
	if agent := s.Root.Child(decode.NSSASL2, "user-agent"); agent != nil {
		x.fast.agent = strings.Clone(agent.Attr("id"))
	}
	if s.State.InClear() {
		notes = append(notes, decode.Breach("A23", s.Root.Tag, "the client uses SASL2 on a connection without TLS"))
	}
	for c := range s.Root.Elements() {
		switch {
		case c.Name.Local == "initial-response":
			notes = append(notes, x.message(s, Initial, c, true)...)
		case c.Name.Local == "user-agent":
			notes = append(notes, userAgent(c)...)
		case c.Name.Space == decode.NSBind2:
			notes = append(notes, bind2(c)...)
		case c.Name.Local == "resume":
			notes = append(notes, decode.Say(session.Info, c.Span, "the client asks to take up an earlier session in the same step; if that works, bind is passed over"))
		case c.Name.Space == nsUpgrade && c.Name.Local == "upgrade":
			notes = append(notes, decode.Explain("XEP-0480", c.Span, "the client is ready to do the task %q if the server wants it", c.Text()))
		}
	}
	return append(notes, x.fast.begin(s, x)...)
}

// inlineWords explains what can be asked for, and is answered, beside the login.
var inlineWords = map[string]string{
	"urn:xmpp:carbons:2 enable":  "copies of what the user's other clients send and receive (XEP-0280)",
	"urn:xmpp:sm:3 enable":       "stream management, so that a broken connection loses nothing (XEP-0198)",
	"urn:xmpp:sm:3 enabled":      "stream management is on (XEP-0198)",
	"urn:xmpp:sm:3 failed":       "stream management could not be turned on (XEP-0198)",
	"urn:xmpp:csi:0 inactive":    "nobody is looking at the client yet (XEP-0352)",
	"urn:xmpp:csi:0 active":      "somebody is looking at the client (XEP-0352)",
	"urn:xmpp:mam:2 metadata":    "what the archive holds, so that the client knows what it has missed (XEP-0313)",
	"jabber:iq:roster query":     "the contact list",
	"jabber:client presence":     "the first presence",
	"urn:xmpp:push:0 enable":     "push notifications (XEP-0357)",
	"urn:xmpp:carbons:2 enabled": "carbons are on (XEP-0280)",
}

// inline explains the children of <bind/> and <bound/>.
func inline(el *session.Element, verb string) (notes []session.Note) {
	for c := range el.Elements() {
		key := c.Name.Space + " " + c.Name.Local
		switch {
		case c.Name.Space == decode.NSBind2:
		case inlineWords[key] != "":
			notes = append(notes, decode.Explain("XEP-0386 §3", c.Span, "%s %s", verb, inlineWords[key]))
		default:
			notes = append(notes, decode.Explain("XEP-0386 §3", c.Span, "%s %q of %q", verb, c.Name.Local, c.Name.Space))
		}
	}
	return notes
}

// bind2 explains what the client asks to have set up with the resource.
func bind2(c *session.Element) []session.Note {
	notes := []session.Note{decode.Say(session.Info, c.Tag, "the client asks for its resource in the same step (Bind 2)")}
	notes[0].Ref = "XEP-0386 §3"
	if tag := c.Child("", "tag"); tag != nil {
		n := decode.Field("tag", tag.Text(), tag.Span).Is(session.ID).Classed(session.Identifier)
		n.Text = "the resource will begin with this name"
		notes = append(notes, n)
	}
	return append(notes, inline(c, "and with it:")...)
}

var uuid4 = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)

func userAgent(el *session.Element) (notes []session.Note) {
	if id, ok := el.LookupAttr("id"); ok {
		notes = append(notes, explained(decode.Field("user-agent-id", id, el.AttrSpan("id")).Is(session.ID).Classed(session.Identifier), "the same for every login of this installation"))
		if !uuid4.MatchString(id) {
			notes = append(notes, decode.Breach("A24", el.AttrSpan("id"), "the client's user-agent id %q is not a UUID of version 4", id))
		}
	}
	for c := range el.Elements() {
		notes = append(notes, decode.Field(c.Name.Local, c.Text(), c.Span))
	}
	return notes
}

func (x *exchange) success2(s *decode.Seen) []session.Note {
	n := decode.Say(session.Info, s.Root.Tag, "the server lets the client in; the stream is not restarted, and the features follow at once")
	n.Ref = "XEP-0388 §2.6.1"
	notes := append([]session.Note{n}, x.tookAnyway(s)...)
	if s.Root.Child("", "additional-data") == nil && x.decoder != nil {
		notes = append(notes, x.decode(Message{Kind: Success, Element: s.Root, State: s.State, At: s.Event.At, Agent: x.fast.agent})...)
	}
	for c := range s.Root.Elements() {
		switch c.Name.Local {
		case "additional-data":
			notes = append(notes, x.message(s, Success, c, true)...)
		case "authorization-identifier", "authorization-identity":
			notes = append(notes, identifier(c, s.Root.Child(decode.NSBind2, "bound") != nil))
		case "bound":
			notes = append(notes, decode.Say(session.Info, c.Tag, "the server has bound a resource in the same step (Bind 2)"))
			notes = append(notes, inline(c, "and with it:")...)
		case "resumed":
			notes = append(notes, explained(decode.Field(session.FieldResumed, c.Attr("h"), c.Span).Is(session.Word), "the server has taken up the earlier session; no bind and no features follow"))
		case "failed":
			notes = append(notes, decode.Say(session.Notice, c.Span, "the server could not take up the earlier session; the client's bind counts instead"))
		}
	}
	return append(notes, x.fast.succeeded(s, x)...)
}

// identifier is who the server says has logged in: a bare JID, or a full one
// where a resource was bound in the same step.
func identifier(c *session.Element, bound bool) session.Note {
	jid := c.Text()
	if bound || strings.Contains(jid, "/") {
		return explained(decode.Field("jid", jid, c.TextSpan()).Is(session.JID).Classed(session.Elsewhere), "who has logged in, with the resource that the server has bound")
	}
	return explained(decode.Field("authorization-identifier", jid, c.TextSpan()).Is(session.JID).Classed(session.Identifier), "who has logged in")
}
