// Package core explains XMPP's core: streams, STARTTLS, binding, stanzas and
// their errors (RFC 6120, RFC 6121), the TLS handshakes, and what the relay
// reports. One file for each subject; each adds its rules from init.
//
// Notes of the numbered checks carry the check's id as their Rule ("S12", "A18"),
// so that a filter or a report can name them.
package core

import (
	"xmppscope/decode"
	"xmppscope/session"
)

var rules []decode.Rule

func add(r decode.Rule) { rules = append(rules, r) }

// Rules returns the rules of this package, for the explainer of a session, in the order
// of their ids.
func Rules() []decode.Rule { return decode.ByID(rules) }

// field is a decoded field with a sentence and its section.
func field(ref, name, value string, span session.Span, text string) session.Note {
	n := decode.Field(name, value, span)
	n.Ref, n.Text = ref, text
	return n
}

// gather is append, which makes no copy where there was nothing before.
func gather(notes, more []session.Note) []session.Note {
	if len(notes) == 0 {
		return more
	}
	return append(notes, more...)
}

// a is a word with its article: "a message", "an iq".
func a(word string) string {
	if word == "iq" {
		return "an iq"
	}
	return "a " + word
}

// encrypted says whether the stream runs inside TLS. In captures of others only
// one of the two legs is known.
func encrypted(state *decode.State) bool {
	return state.Secure[session.ClientLeg] || state.Secure[session.ServerLeg]
}
