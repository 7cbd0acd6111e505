package sasl

import (
	"encoding/hex"
	"fmt"

	"xmppscope/decode"
	"xmppscope/session"
)

// compareBinding holds the channel-binding data that the client sent against that
// of both legs, as far as it is known.
func compareBinding(m Message, kind string, data []byte) []session.Note {
	sent := hex.EncodeToString(data)
	n := explained(decode.Field("cb-data", sent, m.Span).Classed(session.Identifier),
		fmt.Sprintf("%s: what %s gave on the client's TLS connection; the server compares it with its own", session.Plural(len(data), "byte"), kind))
	n.Ref = "RFC 5056 §2"
	tls := m.State.TLS
	if !between(tls) {
		if t := clientTLS(tls); t != nil && t.Bindings[kind] != "" {
			clientLeg(&n, kind, sent, t.Bindings)
		}
		return []session.Note{n}
	}
	client, server := tls[session.ClientLeg].Bindings, tls[session.ServerLeg].Bindings
	switch {
	case client[kind] == "" && server[kind] == "":
		n.Text += "; neither leg has one that xmppscope could compute"
	case server[kind] == sent && client[kind] == sent:
		n.Text = "the client's data is that of both legs: this binding survives xmppscope"
	case server[kind] == sent:
		n.Text = "the client's data is that of the server leg, not of its own: someone has bound this login anew"
	case clientLeg(&n, kind, sent, client):
		n.Text += "; the server expects that of its own (server leg): " + expected(server[kind])
	}
	return []session.Note{n}
}

// clientLeg says whether what was sent is what the client's TLS connection gives,
// and writes into n what it is.
func clientLeg(n *session.Note, kind, sent string, ours map[string]string) bool {
	switch {
	case ours[kind] == sent:
		n.Text = fmt.Sprintf("the client's data is that of its own TLS connection (client leg): right, %s", short(sent))
		return true
	case ours[kind] == "":
		n.Severity = session.Notice
		n.Text = fmt.Sprintf("the client sends %s, which its TLS connection does not have: %s", kind, undefined[kind])
		return true
	}
	n.Severity = session.Error
	n.Text = fmt.Sprintf("the client computed its channel binding wrong: its %s is %s, that of its TLS connection %s", kind, short(sent), short(ours[kind]))
	for other, value := range ours {
		if value == sent {
			n.Text = fmt.Sprintf("the client says %s, but sends the data of %s", kind, other)
		}
	}
	return false
}

// undefined says when a connection has no binding of a type.
var undefined = map[string]string{
	session.BindingUnique:   "it is not defined for TLS 1.3",
	session.BindingExporter: "on TLS 1.2 it needs the extended master secret",
	session.BindingEndPoint: "it is not defined for the signature of this certificate",
}

func expected(value string) string {
	if value == "" {
		return "it has none"
	}
	return short(value)
}
