package core

import (
	"slices"
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-features", Title: "Stream features", Ref: "RFC 6120 §4.3.2",
		Match: decode.Top(decode.NSStreams, "features"),
		New:   decode.Stateless(explainFeatures),
	})
}

// offer says what one feature of the server means.
type offer struct{ ref, text string }

// offers explains features by "namespace local"; those with more to say are in
// explainFeature.
var offers = map[string]offer{
	decode.NSSession + " session":                     {"RFC 3921 §3", "a session must be asked for after binding, which does nothing on servers of today"},
	"urn:xmpp:csi:0 csi":                              {"XEP-0352 §4", "the client may say that nobody is looking at it, and the server then sends less"},
	"urn:xmpp:features:rosterver ver":                 {"RFC 6121 §2.6", "the server sends the contact list only if it has changed (roster versioning)"},
	"urn:xmpp:features:pre-approval sub":              {"RFC 6121 §3.4", "the client may approve a contact's subscription before it is asked for"},
	"http://jabber.org/features/iq-register register": {"XEP-0077 §8", "accounts can be made on this connection"},
	"http://jabber.org/features/iq-auth auth":         {"XEP-0078 §3.1", "the login of before XMPP 1.0 (iq-auth) is offered too"},
	"urn:xmpp:features:dialback dialback":             {"XEP-0220 §2.2", "servers may prove their domain by dialback"},
	"urn:xmpp:features:bidi bidi":                     {"XEP-0288 §2", "stanzas may flow both ways on one connection between servers"},
	"urn:xmpp:stream-limits:0 limits":                 {"XEP-0478 §3", "the server's limits on the size of a stanza and on idle time"},
	"urn:xmpp:bind:0 bind":                            {"XEP-0386 §3", "resource binding in the same step as the login (Bind 2)"},
	"urn:xmpp:ibr-token:0 register":                   {"XEP-0445 §3", "accounts can be made with an invitation"},
	"p1:push push":                                    {"ProcessOne extension", "ejabberd's older push notifications"},
	"p1:rebind rebind":                                {"ProcessOne extension", "ejabberd's older way to resume a session"},
	"p1:ack ack":                                      {"ProcessOne extension", "ejabberd's older acknowledgements"},
	"http://jabber.org/features/amp amp":              {"XEP-0079 §7", "rules for what becomes of a message that cannot be delivered"},
}

func explainFeatures(s *decode.Seen) (notes []session.Note) {
	children := s.Root.Children()
	if len(children) == 0 {
		return []session.Note{decode.Explain("RFC 6120 §4.3.5", s.Root.Span, "the server offers nothing more: negotiation is complete")}
	}
	for _, f := range children {
		notes = append(notes, explainFeature(s, f)...)
	}
	notes = append(notes, checkPlus(s)...)
	notes = append(notes, checkSayingWho(s)...)
	return append(notes, checkOrder(s)...)
}

func explainFeature(s *decode.Seen, f *session.Element) []session.Note {
	switch f.Name.Space + " " + f.Name.Local {
	case decode.NSTLS + " starttls":
		return starttlsOffer(s, f)
	case decode.NSSASL + " mechanisms":
		return mechanismsOffer(s, f)
	case decode.NSSASL2 + " authentication":
		return sasl2Offer(s, f)
	case decode.NSBind + " bind":
		return bindOffer(s, f)
	case decode.NSSession + " session":
		if f.Child("", "optional") != nil {
			return []session.Note{decode.Explain("RFC 3921 §3", f.Span, "the session of old XMPP is offered, but may be skipped")}
		}
	case decode.NSSM2 + " sm", decode.NSSM3 + " sm":
		return []session.Note{decode.Explain("XEP-0198 §2", f.Span, "stream management: stanzas can be acknowledged and a broken session resumed (%s)", f.Name.Space)}
	case decode.NSCB + " sasl-channel-binding":
		return bindingOffer(f)
	case "http://jabber.org/protocol/caps c":
		return []session.Note{decode.Explain("XEP-0115 §6.3", f.Span, "the server's own capabilities, as a hash (%s#%s): a client that knows it need not ask", f.Attr("node"), f.Attr("ver"))}
	case "http://jabber.org/features/compress compression":
		return compressionOffer(f)
	}
	if o, ok := offers[f.Name.Space+" "+f.Name.Local]; ok {
		return []session.Note{decode.Explain(o.ref, f.Span, "%s", o.text)}
	}
	if f.Name.Space == decode.NSStreams || decode.IsContentNS(f.Name.Space) {
		return []session.Note{decode.Breach("S22", f.Span,
			"the server offers %q in %q; a feature must be in a namespace of its own", f.Name.Local, f.Name.Space)}
	}
	// Which extension that is, package xep says.
	return []session.Note{decode.Explain("RFC 6120 §4.3.2", f.Span, "the server offers %q of %q", f.Name.Local, f.Name.Space)}
}

func starttlsOffer(s *decode.Seen, f *session.Element) []session.Note {
	text := "TLS is on offer (STARTTLS)"
	switch {
	case s.State.Framing() != decode.Bare:
		text = "STARTTLS is listed, though it cannot be used inside HTTP: TLS is that of the URL"
	case f.Child("", "required") != nil:
		text = "TLS is required: the client must send starttls before anything else"
	}
	notes := []session.Note{decode.Explain("RFC 6120 §5.4.1", f.Span, "%s", text)}
	if encrypted(s.State) {
		notes = append(notes, decode.Breach("T01", f.Span, "the server offers STARTTLS inside TLS"))
	}
	return notes
}

func mechanismsOffer(s *decode.Seen, f *session.Element) []session.Note {
	var names []string
	for m := range f.Elements() {
		if m.Name.Local != "mechanism" {
			continue
		}
		names = append(names, m.Text())
	}
	if len(names) == 0 {
		return []session.Note{decode.Breach("A04", f.Span, "the server offers SASL, but no mechanism")}
	}
	notes := []session.Note{field("RFC 6120 §6.4.1", "mechanisms", strings.Join(names, " "), f.Span,
		"the ways to log in that the server offers; the client picks one").Is(session.Word).Classed(session.Elsewhere)}
	for m := range f.Elements() {
		name := m.Text()
		family := decode.MechanismOf(name)
		if family.Sends == "password" && s.State.InClear() {
			notes = append(notes, decode.Breach("A01", m.Span,
				"the server offers %s without TLS: passwords would travel for everyone to read", name))
		}
		if family.Historic != "" {
			notes = append(notes, decode.Finding("A20", "RFC 6331", session.Notice, m.Span, "the server offers %q, which is historic", name))
		}
	}
	return notes
}

func sasl2Offer(s *decode.Seen, f *session.Element) []session.Note {
	var names []string
	for m := range f.Elements() {
		if m.Name.Local == "mechanism" {
			names = append(names, m.Text())
		}
	}
	notes := []session.Note{field("XEP-0388 §2.1", "sasl2-mechanisms", strings.Join(names, " "), f.Span,
		"the ways to log in with SASL2, which saves round trips and needs no restart").Is(session.Word).Classed(session.Elsewhere)}
	if s.State.InClear() {
		notes = append(notes, decode.Breach("A23", f.Span, "the server offers SASL2 without TLS"))
	}
	inline := f.Child(decode.NSSASL2, "inline")
	if inline == nil {
		return notes
	}
	for c := range inline.Elements() {
		switch c.Name.Space {
		case decode.NSBind2:
			notes = append(notes, decode.Explain("XEP-0386 §3", c.Span, "a resource can be bound in the same step (Bind 2)"))
		case decode.NSSM3:
			notes = append(notes, decode.Explain("XEP-0388 §2.1", c.Span, "an earlier session can be resumed in the same step"))
		case decode.NSFAST:
			notes = append(notes, decode.Explain("XEP-0484 §3.1", c.Span, "the server gives out tokens, so that the next login needs no password (FAST)"))
		default:
			notes = append(notes, decode.Explain("XEP-0388 §2.1", c.Span, "%q of %q can be done in the same step", c.Name.Local, c.Name.Space))
		}
	}
	return notes
}

func bindOffer(s *decode.Seen, f *session.Element) []session.Note {
	notes := []session.Note{decode.Explain("RFC 6120 §7.4", f.Span, "the client must bind a resource next: it gets the full JID that stanzas are sent to")}
	if !s.State.Authenticated && !s.State.Joined {
		notes = append(notes, decode.Breach("B01", f.Span, "the server offers binding before the client has logged in"))
	}
	return notes
}

func bindingOffer(f *session.Element) []session.Note {
	var types []string
	for c := range f.Elements() {
		types = append(types, c.Attr("type"))
	}
	notes := []session.Note{field("XEP-0440 §2", "channel-bindings", strings.Join(types, " "), f.Span,
		"the kinds of channel binding that the server can check; a -PLUS mechanism uses one of them").Is(session.Word).Classed(session.Elsewhere)}
	if len(types) > 0 && !slices.Contains(types, "tls-server-end-point") {
		notes = append(notes, decode.Breach("A18", f.Span, "the server does not offer tls-server-end-point, which every server should"))
	}
	return notes
}

func compressionOffer(f *session.Element) []session.Note {
	var methods []string
	for c := range f.Elements() {
		methods = append(methods, c.Text())
	}
	return []session.Note{decode.Explain("XEP-0138 §3", f.Span, "stream compression with %s; together with TLS it can leak secrets through the length of what is sent", decode.Quotes(methods))}
}

// checkPlus is A18: -PLUS mechanisms and channel-binding types come together.
func checkPlus(s *decode.Seen) []session.Note {
	one, two := s.State.Mechanisms()
	plus := slices.ContainsFunc(append(one, two...), decode.IsPlus)
	types := s.Root.Child(decode.NSCB, "sasl-channel-binding")
	switch {
	case plus && types == nil: // XEP-0440 asks nobody to support it, and servers of before it cannot
		return []session.Note{decode.Finding("A18", "XEP-0440 §1", session.Notice, s.Root.Tag,
			"the server offers -PLUS mechanisms without saying which channel bindings it can check: clients have to guess")}
	case !plus && types != nil:
		return []session.Note{decode.Breach("A18", types.Span,
			"the server names channel bindings, but offers no -PLUS mechanism to use them with: clients take this for an attack")}
	}
	return nil
}

// checkSayingWho is S20 inside TLS. Who is silent there loses nothing but SASL2.
func checkSayingWho(s *decode.Seen) []session.Note {
	sasl2 := s.Root.Child(decode.NSSASL2, "authentication")
	h := s.State.Header[session.C2S]
	if sasl2 == nil || h == nil || h.From != "" || h.Content != decode.NSClient || !encrypted(s.State) || s.State.Authenticated {
		return nil
	}
	return []session.Note{decode.Breach("S20", sasl2.Tag, "the client has not said who it is (no \"from\"), though TLS is on; some servers offer SASL2 only if it does")}
}

// negotiable are the features that a client acts on; others only inform.
var negotiable = []string{decode.NSSASL, decode.NSSASL2, decode.NSBind, decode.NSSession,
	"http://jabber.org/features/compress", "http://jabber.org/features/iq-auth", "http://jabber.org/features/iq-register"}

// checkOrder is T02. Inside HTTP nobody can use STARTTLS: TLS is that of the URL (RFC 7395 §3.9).
func checkOrder(s *decode.Seen) []session.Note {
	tls := s.Root.Child(decode.NSTLS, "starttls")
	if tls == nil || tls.Child("", "required") == nil || s.State.Framing() != decode.Bare {
		return nil
	}
	var also []string
	for f := range s.Root.Elements() {
		if slices.Contains(negotiable, f.Name.Space) {
			also = append(also, f.Name.Local)
		}
	}
	if len(also) == 0 {
		return nil
	}
	return []session.Note{decode.Breach("T02", s.Root.Tag,
		"the server requires TLS, yet offers %s as well; nothing else should be on offer before TLS", decode.Quotes(also))}
}
