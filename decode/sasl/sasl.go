// Package sasl explains authentication. It takes SASL messages out of their
// carriers (RFC 6120 §6, SASL2 of XEP-0388) and out of base64, once, and hands
// the payload to the decoder of the mechanism in use.
//
// To add a mechanism, add one file: it calls add from init with what there is to
// know about it (decode.Mechanism: all of xmppscope asks that) and a function that
// makes a Decoder for one attempt, and it has transcripts in testdata/<name>/*.txtar.
// plain.go is the smallest example. Four rules hold for every decoder:
//   - a value that could log someone in, or lets an off-line guess begin, is a
//     note with Secret set and the message's Span, so that the base64 is blanked;
//   - a payload that does not decode ends in malformed, which treats all of it as
//     credentials;
//   - no Text ever holds a secret;
//   - a field says what it holds (Note.Is) and whether it is another one in each login
//     (Note.Classed): comparisons and pseudonyms go by that.
package sasl

import (
	"strings"
	"time"

	"xmppscope/decode"
	"xmppscope/session"
)

// Kind says which message of the exchange it is, whatever carries it.
type Kind uint8

// The kinds of message (RFC 4422 §3).
const (
	Initial   Kind = iota // the client's initial response, in <auth/> or <authenticate/>
	Challenge             // the server's
	Response              // the client's
	Success               // additional data with the server's success
)

// FromClient says whether the client sends messages of this kind.
func (k Kind) FromClient() bool { return k == Initial || k == Response }

// Message is one SASL message, out of its carrier and out of base64.
type Message struct {
	Kind    Kind
	Payload []byte
	Present bool             // false: there is none at all, which is not the same as an empty one
	Element *session.Element // the carrier: <auth/>, <challenge/>, <success/>, …
	Span    session.Span     // of the base64 text in Event.Raw; empty if there is none
	State   *decode.State
	At      time.Time // when it was seen: what tokens call expired is held against it
	Agent   string    // SASL2: id of the client's installation, "" if it has not said
}

// Carrier is the element that has the base64 text of a mechanism's message in it: the element
// of the exchange itself, or one inside it (XEP-0388 §2). It is nil if there is none.
func Carrier(e *session.Element) *session.Element {
	if e.Name.Space == decode.NSSASL2 {
		switch e.Name.Local {
		case "authenticate":
			return e.Child(decode.NSSASL2, "initial-response")
		case "success", "continue":
			return e.Child(decode.NSSASL2, "additional-data")
		}
	}
	return e
}

// Decoder explains the messages of one attempt, in order.
type Decoder interface {
	Decode(Message) []session.Note
}

// decoders make a Decoder for an attempt with a mechanism, in upper case, by the ID of
// its family.
var decoders = map[string]func(name string) Decoder{}

// add declares a family of mechanisms, and how its messages are decoded. Families that
// are decoded alike may share an ID.
func add(m decode.Mechanism, decoder func(name string) Decoder) {
	decode.DeclareMechanism(m)
	decoders[m.ID] = decoder
}

// find returns the family of a mechanism, and a decoder for an attempt with it.
func find(name string) (decode.Mechanism, Decoder) {
	m := decode.MechanismOf(name)
	if m.ID == "" {
		return unknown, opaque{strings.ToUpper(name)}
	}
	return m, decoders[m.ID](strings.ToUpper(name))
}

// Rules returns the rules of this package, for the explainer of a session.
func Rules() []decode.Rule {
	return []decode.Rule{{
		ID: "sasl", Title: "SASL negotiation", Ref: "RFC 6120 §6.4",
		Match: decode.Top(decode.NSSASL, "").Or(decode.Top(decode.NSSASL2, "")).And(func(s *decode.Seen) bool { return !s.Event.Redacted }),
		New:   func() decode.Explainer { return &exchange{} },
	}, middle}
}

// malformed is what a decoder says of a payload that breaks its mechanism's
// rules: the error, and the payload as a secret, because nobody knows what it is.
func malformed(m Message, rule, ref, format string, args ...any) []session.Note {
	n := decode.Say(session.Error, m.Span, format, args...)
	n.Rule, n.Ref = rule, ref
	if len(m.Payload) == 0 {
		return []session.Note{n}
	}
	return []session.Note{n, credentials(string(m.Payload), m.Span)}
}

// credentials marks a payload that is secret as a whole.
func credentials(payload string, span session.Span) session.Note {
	return secret("payload", payload, "credentials", span)
}

func secret(name, value, kind string, span session.Span) session.Note {
	n := decode.Field(name, value, span)
	n.Secret = kind
	return n
}

// word is what there is to say about a field of a message by its name.
type word struct {
	text  string
	holds session.Holds
	class session.Class
}

// field is the field with what there is to say about it.
func (w word) field(name, value string, m Message) session.Note {
	return explained(decode.Field(name, value, m.Span).Is(w.holds).Classed(w.class), w.text)
}

// explained adds a sentence to a field.
func explained(n session.Note, text string) session.Note {
	n.Text = text
	return n
}
