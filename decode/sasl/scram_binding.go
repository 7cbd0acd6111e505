package sasl

import (
	"strings"

	"xmppscope/decode"
	"xmppscope/session"
)

// bindingFlag explains the first letter of client-first: whether the client ties
// the login to its TLS connection. bad replaces all notes.
func (c *scram) bindingFlag(m Message, flag string) (notes, bad []session.Note) {
	field := decode.Field("gs2-flag", flag, m.Span).Is(session.Word)
	field.Ref = "RFC 5802 §6"
	kind, bound := strings.CutPrefix(flag, "p=")
	switch {
	case bound && kind != "":
		c.binding = kind
		return append(c.boundTo(m, field), c.plusAgrees(m)...), nil
	case flag == "n":
		field.Text = "the client does no channel binding"
	case flag == "y":
		field.Text = "the client could bind the login to its TLS connection, but thinks that the server cannot"
		notes = c.downgrade(m)
	default:
		return nil, malformed(m, "sasl-scram", "RFC 5802 §7", "the client's GS2 header begins with neither n, y nor p=")
	}
	return append(append([]session.Note{field}, notes...), c.plusAgrees(m)...), nil
}

// plusAgrees holds the mechanism's name against its GS2 flag.
func (c *scram) plusAgrees(m Message) []session.Note {
	switch {
	case c.plus && c.binding == "":
		return []session.Note{decode.Say(session.Error, m.Span, "the client chose %q, but its GS2 header names no channel binding", c.name)}
	case c.binding != "" && !c.plus:
		return []session.Note{decode.Say(session.Error, m.Span, "the client binds the login to its TLS connection, which only a -PLUS mechanism may, not %q", c.name)}
	}
	return nil
}

// boundTo explains p=: what the login is bound to, and what becomes of it here.
func (c *scram) boundTo(m Message, field session.Note) []session.Note {
	field.Text = "the client binds the login to its TLS connection: " + bindingTypes[c.binding]
	if bindingTypes[c.binding] == "" {
		field.Text = "the client binds the login to its TLS connection, in a way that is not registered"
	}
	notes := []session.Note{field, explained(decode.Field("cb-type", c.binding, m.Span).Is(session.Word), "")}
	tls := m.State.TLS
	switch {
	case c.binding == "tls-server-end-point" && sameCertificate(tls):
		notes = append(notes, decode.Say(session.Info, m.Span,
			"this binding survives xmppscope, because the client was shown the server's own certificate"))
	case between(tls) && m.State.Rebinds:
		notes = append(notes, decode.Say(session.Notice, m.Span,
			"the client binds the login to its TLS connection (p=%s), which ends at xmppscope: with the account's password it is bound anew to the server's (--rebind)", c.binding))
	case between(tls):
		notes = append(notes, decode.Say(session.Warning, m.Span,
			"the client binds the login to its TLS connection (p=%s): that connection ends at xmppscope, so the server will compute something else and refuse", c.binding))
	}
	if t := clientTLS(tls); c.binding == "tls-unique" && t != nil && t.Version == "TLS 1.3" {
		n := decode.Say(session.Notice, m.Span, "tls-unique is not defined for TLS 1.3; the client should use tls-exporter")
		n.Ref = "RFC 9266 §3"
		notes = append(notes, n)
	}
	return notes
}

// bindingTypes says what each type of channel binding hangs on (RFC 5929, 9266).
var bindingTypes = map[string]string{
	session.BindingUnique:   "to the first Finished message of its handshake, which no two connections share",
	session.BindingExporter: "to a key exported from it, which no two connections share",
	session.BindingEndPoint: "to a hash of the certificate that it was shown",
}

// downgrade is check A17.
func (c *scram) downgrade(m Message) []session.Note {
	one, two := m.State.Mechanisms()
	var plus []string
	for _, name := range decode.Unique(one, two) {
		if decode.IsPlus(name) {
			plus = append(plus, name)
		}
	}
	if len(plus) == 0 {
		return nil
	}
	if m.State.Failures > 0 {
		return []session.Note{decode.Finding("A17", "RFC 5802 §6", session.Notice, m.Span,
			"the client says that the server cannot do channel binding, yet the server offers %s: it has given up binding after what failed before; by the RFC the server must refuse this too, and some do", decode.Quotes(plus))}
	}
	return []session.Note{decode.Breach("A17", m.Span,
		"the client says that the server cannot do channel binding, yet the server offers %s: either the offer was changed on its way to the client, or the client knows none of the server's bindings; the server must refuse", decode.Quotes(plus))}
}

// bindingData is check A15: c= repeats the GS2 header, then the binding's data.
func (c *scram) bindingData(m Message, value string) []session.Note {
	data, why := strict(value)
	if why != "" {
		return []session.Note{decode.Breach("A15", m.Span, "the client's channel binding (c=) is not base64: %s", why)}
	}
	rest, ok := expectedBinding(data, c.gs2)
	switch {
	case !ok:
		return []session.Note{decode.Breach("A15", m.Span,
			"the client's channel binding (c=) does not repeat the GS2 header %q of its first message: the server must refuse", c.gs2)}
	case c.binding == "" && len(rest) > 0:
		return []session.Note{decode.Breach("A15", m.Span,
			"the client sends %s of channel binding, though its first message announced none", session.Plural(len(rest), "byte"))}
	case c.binding == "":
		return []session.Note{explained(decode.Field("gs2-header", c.gs2, m.Span).Is(session.Sentence).Classed(session.Elsewhere), "the client repeats its GS2 header, so that nobody can have changed it on the way")}
	case len(rest) == 0:
		return []session.Note{decode.Breach("A15", m.Span,
			"the client announced channel binding %q, but sends no data of it", c.binding)}
	}
	return compareBinding(m, c.binding, rest)
}
