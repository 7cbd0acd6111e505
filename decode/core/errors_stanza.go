package core

import (
	"slices"

	"xmppscope/decode"
	"xmppscope/session"
)

func init() {
	add(decode.Rule{
		ID: "core-stanza-error", Title: "Stanza errors", Ref: "RFC 6120 §8.3",
		Match: decode.Stanza(),
		New:   decode.Stateless(explainStanzaError),
	})
}

var stanzaConditions = map[string]condition{
	"bad-request":             {"RFC 6120 §8.3.3.1", "the request is malformed", "a wrong or missing child, type or id"},
	"conflict":                {"RFC 6120 §8.3.3.2", "there is one already", "a resource or a nickname in use, a user name taken"},
	"feature-not-implemented": {"RFC 6120 §8.3.3.3", "the receiver does not do this", "an extension that the server or the contact lacks"},
	"forbidden":               {"RFC 6120 §8.3.3.4", "the sender may not do this", "it is no owner or administrator, or has been banned"},
	"gone":                    {"RFC 6120 §8.3.3.5", "the address is not in use any more", "the account or room has moved, maybe to the address in the text"},
	"internal-server-error":   {"RFC 6120 §8.3.3.6", "something broke inside the server or service", "its log will say what"},
	"item-not-found":          {"RFC 6120 §8.3.3.7", "the address or the item does not exist", "a node, a room or a command that is not there, or nothing stored yet"},
	"jid-malformed":           {"RFC 6120 §8.3.3.8", "the address is not a valid JID", "characters that are not allowed, or a part that is empty"},
	"not-acceptable":          {"RFC 6120 §8.3.3.9", "it breaks a rule of the receiver", "a required field is missing, or a filter refused it"},
	"not-allowed":             {"RFC 6120 §8.3.3.10", "nobody may do this here", "a function that the service has turned off"},
	"not-authorized":          {"RFC 6120 §8.3.3.11", "the sender has to log in, or give a password, first", "a wrong or missing password"},
	paymentRequired:           {"RFC 3920 §9.3.3", "the service wants to be paid", "only old servers say this"},
	"policy-violation":        {"RFC 6120 §8.3.3.12", "a rule of the service was broken", "too large, too fast, or from a stranger"},
	"recipient-unavailable":   {"RFC 6120 §8.3.3.13", "the receiver is not there now", "it has gone offline"},
	"redirect":                {"RFC 6120 §8.3.3.14", "it should be sent to another address for now", "the address is in the text"},
	"registration-required":   {"RFC 6120 §8.3.3.15", "the sender has to register first", "a room for members only, or a gateway"},
	"remote-server-not-found": {"RFC 6120 §8.3.3.16", "the other domain has no server that can be found", "a typo in the domain, or its DNS is broken"},
	"remote-server-timeout":   {"RFC 6120 §8.3.3.17", "the other domain's server did not answer", "it is down, or the two servers do not trust each other"},
	"resource-constraint":     {"RFC 6120 §8.3.3.18", "the server lacks the resources", "too many connections, or a full quota"},
	"service-unavailable":     {"RFC 6120 §8.3.3.19", "the service is not there, or the receiver is not", "nobody is online, the sender is blocked, or a module is not loaded; this answer also hides whether a user exists"},
	"subscription-required":   {"RFC 6120 §8.3.3.20", "the sender has to subscribe first", "no presence subscription between the two"},
	"undefined-condition":     {"RFC 6120 §8.3.3.21", "none of the defined conditions fits", "the element beside it says more"},
	"unexpected-request":      {"RFC 6120 §8.3.3.22", "the request came at the wrong time", "bound twice, or a step left out"},
}

// errorTypes says what the sender should do (RFC 6120 §8.3.2).
var errorTypes = map[string]string{
	"auth":     "try again with credentials",
	"cancel":   "do not try again",
	"continue": "a warning only",
	"modify":   "change it and try again",
	"wait":     "try again later",
}

func explainStanzaError(s *decode.Seen) []session.Note {
	el := errorOf(s.Root)
	isError := s.Root.Attr("type") == "error"
	switch {
	case s.Event.Truncated: // it may stand in the part that is not here
		return nil
	case isError && el == nil:
		return []session.Note{decode.Breach("Q07", s.Root.Tag, "the %s is of type error, but holds no error", s.Root.Name.Local)}
	case !isError && el != nil:
		return []session.Note{decode.Breach("Q07", el.Span, "the %s holds an error, but is not of type error", s.Root.Name.Local)}
	case el == nil:
		return nil
	}
	return stanzaErrorNotes(el)
}

// errorOf finds the <error/> of a stanza, which is in the stanza's namespace.
func errorOf(root *session.Element) *session.Element { return root.Child(root.Name.Space, "error") }

func stanzaErrorNotes(el *session.Element) (notes []session.Note) {
	var defined []string
	advice, ok := errorTypes[el.Attr("type")]
	if !ok {
		notes = append(notes, decode.Breach("Q08", el.Tag, "the error's type is %q; auth, cancel, continue, modify and wait are defined", el.Attr("type")))
	}
	for c := range el.Elements() {
		switch {
		case c.Name.Space == decode.NSStanzaError && c.Name.Local == "text":
			notes = append(notes, field("RFC 6120 §8.3.2", "text", c.Text(), c.TextSpan(), "the sender's own words").Classed(session.Detail))
		case c.Name.Space == decode.NSStanzaError:
			defined = append(defined, c.Name.Local)
			notes = append(notes, stanzaCondition(c, advice))
		default:
			notes = append(notes, applicationCondition(c, "RFC 6120 §8.3.4"))
		}
	}
	if len(defined) == 0 {
		notes = append(notes, oldCode(el)...)
	}
	unknown := slices.ContainsFunc(defined, func(d string) bool { return stanzaConditions[d].ref == "" })
	if len(defined) != 1 || unknown {
		notes = append(notes, decode.Breach("Q09", el.Tag, "the error has %s (%s); it must have exactly one that is defined", session.Plural(len(defined), "condition"), decode.Quotes(defined)))
	}
	if slices.Contains(defined, paymentRequired) {
		notes = append(notes, decode.Finding("Q09", "RFC 6120 §8.3.3", session.Warning, el.Tag, "the error's condition is %q, which RFC 6120 has taken out: who does not know it takes it for undefined-condition", paymentRequired))
	}
	return notes
}

// paymentRequired was defined until RFC 6120.
const paymentRequired = "payment-required"

// oldCodes says which condition an error of before XMPP 1.0 amounts to (XEP-0086).
var oldCodes = map[string]string{
	"302": "gone", "400": "bad-request", "401": "not-authorized", "402": "payment-required", "403": "forbidden",
	"404": "item-not-found", "405": "not-allowed", "406": "not-acceptable", "407": "registration-required",
	"408": "remote-server-timeout", "409": "conflict", "500": "internal-server-error", "501": "feature-not-implemented",
	"502": "service-unavailable", "503": "service-unavailable", "504": "remote-server-timeout", "510": "service-unavailable",
}

// oldCode explains an error that has a number and no condition.
func oldCode(el *session.Element) []session.Note {
	name, ok := oldCodes[el.Attr("code")]
	if !ok {
		return nil
	}
	known := stanzaConditions[name]
	n := field("XEP-0086", "code", el.Attr("code"), el.AttrSpan("code"), "the old number for "+name+": "+known.meaning+" ("+known.cause+")").Is(session.Word).Classed(session.Detail)
	n.Severity = session.Notice
	return []session.Note{n}
}

// stanzaCondition is a warning: most are ordinary answers ("no such thing here").
func stanzaCondition(c *session.Element, advice string) session.Note {
	known, ok := stanzaConditions[c.Name.Local]
	if !ok {
		return field("RFC 6120 §8.3.3", "condition", c.Name.Local, c.Span, "a condition that is not defined; it counts as undefined-condition").Is(session.Word)
	}
	n := field(known.ref, "condition", c.Name.Local, c.Span, known.meaning+" ("+known.cause+")").Is(session.Word)
	if advice != "" {
		n.Text += "; " + advice
	}
	n.Severity = session.Notice
	return n
}
