package session

import "fmt"

// Severity says how much a note matters. The zero value is Info.
type Severity uint8

// The severities, in rising order.
const (
	Info    Severity = iota // an explanation
	Notice                  // legal, but worth a look
	Warning                 // breaks a SHOULD, or is risky
	Error                   // breaks a MUST, or made the login fail
)

var severityNames = [...]string{Info: "info", Notice: "notice", Warning: "warning", Error: "error"}

// String gives the name used in JSON and filters.
func (s Severity) String() string { return severityNames[s] }

// MarshalText makes a Severity its name in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name of a severity.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, name := range severityNames {
		if name == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("session: unknown severity %q", b)
}

// Note is what a rule says about an event: a sentence (Text), a decoded field
// (Name and Value), or both. A secret value stands in Value only, never in Text.
type Note struct {
	Rule     string // id of the rule: "sasl-scram", "A16", "xep-0198"
	Severity Severity
	Name     string // of a decoded field: "authcid", "iterations"; "" if there is none
	Value    string
	Text     string // one sentence, lower case, no full stop, about these bytes
	Ref      string // a section: "RFC 6120 §6.4.2"
	Span     Span   // the bytes of Event.Raw it is about; empty if about the event as a whole
	Secret   string // what kind of secret Value is: "password", "SCRAM proof"; "" if none
	Mark     string // the placeholder that stands for Value when it is blanked
}

// Secret marks a span of Event.Raw that is blanked unless the user asked.
type Secret struct {
	Kind string // "password", "token", "SCRAM proof", …
	Span Span
	Mark string // the placeholder: "[password #1, 12 characters]"
}

// The one-sentence judgement on a login is a note of this rule with this field:
// Value is what happened, Text what to do next or what would save time. The
// newest verdict of a session holds.
const (
	RuleVerdict  = "verdict"
	FieldVerdict = "verdict"
	// FieldDialback is the answer to a claim of dialback: valid, invalid or error.
	FieldDialback = "dialback"
	// FieldResumed is the earlier session that SASL2 has taken up in the same step.
	FieldResumed = "resumed"
)
