package sasl

import (
	"xmppscope/decode"
	"xmppscope/session"
)

// serverErrors explains the values of e= (RFC 5802 §7).
var serverErrors = map[string]string{
	"invalid-encoding":                        "the server could not read the client's message",
	"extensions-not-supported":                "the client demanded an extension that the server does not know",
	"invalid-proof":                           "the proof does not fit: the password is wrong, or one side computed something else",
	"channel-bindings-dont-match":             "client and server see different TLS connections: someone stands between them",
	"server-does-support-channel-binding":     "the client said that the server cannot do channel binding, but it can: its offer was changed on the way",
	"channel-binding-not-supported":           "the server does not do channel binding",
	"unsupported-channel-binding-type":        "the server does not know this type of channel binding",
	"unknown-user":                            "the server does not know the user",
	"invalid-username-encoding":               "the server could not read the user name (a stray equals sign, or characters that SASLprep forbids)",
	"no-resources":                            "the server is too busy to check",
	"other-error":                             "the server does not say why",
	"server-does-not-support-channel-binding": "the server does not do channel binding",
}

func serverError(m Message, value string) session.Note {
	n := decode.Field("error", value, m.Span)
	n.Severity, n.Ref = session.Error, "RFC 5802 §7"
	if n.Text = serverErrors[value]; n.Text == "" {
		n.Text = "the server refuses, with an error that is not registered: " + decode.Quote(value)
	}
	return n
}

// extensions names attributes beyond those of RFC 5802. Unknown ones are to be
// passed over; m= is the one that is not (RFC 5802 §5.1).
func extensions(m Message, attrs []attribute) (notes []session.Note) {
	for _, a := range attrs {
		n := decode.Field(a.name, a.value, m.Span)
		n.Ref = "RFC 5802 §5.1"
		if n.Text = "an attribute that xmppscope does not know; receivers pass over it"; a.name == "m" {
			n.Severity, n.Text = session.Error, "the "+sender(m)+" demands an extension (m=): none is defined, and whoever receives this must refuse"
		}
		notes = append(notes, n)
	}
	return notes
}

// serverExtensions are the ones that XEPs give to server-first.
func (c *scram) serverExtensions(m Message, attrs []attribute) (notes []session.Note) {
	for _, a := range attrs {
		switch a.name {
		case "h", "d":
			notes = append(notes, c.downgradeHash(m, a))
		case "t":
			notes = append(notes, tlsVersion(m, a.value))
		default:
			notes = append(notes, extensions(m, []attribute{a})...)
		}
	}
	return notes
}
