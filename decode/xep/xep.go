// Package xep explains extensions of XMPP, one file for each XEP.
//
// # How to add one
//
//  1. Make a file xepNNNN_name.go; xep0199_ping.go is the smallest example. It
//     calls add from init with a decode.Rule:
//     ID "xep-NNNN", Title as the XEP has it, Ref "XEP-NNNN" (a note names the
//     section itself: "XEP-0199 §4.2").
//  2. Match is a cheap test. decode.Payload(ns) takes stanzas with a child in the
//     namespace, decode.Top(ns, "") first-level elements.
//  3. New makes an Explainer. decode.Stateless wraps a function; where one stanza
//     speaks of an earlier one, keep that in a struct (xep0184_receipts.go). Keep
//     it bounded: a session may last for weeks.
//  4. Explain returns notes: decode.Say for a sentence, decode.Field for a decoded
//     value. A sentence is lower case, has no full stop, says who did what and
//     quotes what came from the wire with %q. A note points at the bytes that it
//     is about (Element.Span, Element.Tag, Element.AttrSpan).
//  5. Severity is Info for explanations. Error is for what breaks a MUST, Warning
//     for what breaks a SHOULD or is risky, Notice for what is worth a look.
//  6. A value that could let someone in gets Note.Secret, and never stands in a
//     sentence.
//  7. Put a dialogue into testdata/NNNN/name.txtar and run the tests with -update;
//     then read what came out.
//
// Nothing else needs a change: the file adds itself.
package xep

import (
	"strconv"

	"xmppscope/decode"
	"xmppscope/session"
)

var rules []decode.Rule

func add(r decode.Rule) { rules = append(rules, r) }

// Rules returns the rules of this package, for the explainer of a session. Their
// notes come in the order of the files' names.
func Rules() []decode.Rule { return rules }

// say is an explanation with its section.
func say(ref string, span session.Span, format string, args ...any) session.Note {
	n := decode.Say(session.Info, span, format, args...)
	n.Ref = ref
	return n
}

// lint is a finding; id is that of a numbered check, or the rule's own.
func lint(id, ref string, sev session.Severity, span session.Span, format string, args ...any) session.Note {
	n := decode.Say(sev, span, format, args...)
	n.Rule, n.Ref = id, ref
	return n
}

// side names the sender of a direction.
func side(d session.Dir) string {
	if d == session.C2S {
		return "client"
	}
	return "server"
}

// plural is "1 feature", "2 features".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func quoted(s string) string { return strconv.Quote(s) }
