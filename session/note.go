package session

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
	i, err := named(severityNames[:], "severity", b)
	*s = Severity(i)
	return err
}

// Note is what a rule says about an event: a sentence (Text), a decoded field
// (Name and Value), or both. A secret value stands in Value only, never in Text.
type Note struct {
	Rule     string // id of the rule: "sasl-scram", "A16", "xep-0198"
	Severity Severity
	Class    Class  // of the field: what it means that it differs elsewhere
	Holds    Holds  // what Value is
	Name     string // of a decoded field: "authcid", "iterations"; "" if there is none
	Value    string
	Text     string // one sentence, lower case, no full stop, about these bytes
	Ref      string // a section: "RFC 6120 §6.4.2"
	Span     Span   // the bytes of Event.Raw it is about; empty if about the event as a whole
	Secret   string // what kind of secret Value is: "password", "SCRAM proof"; "" if none
	Mark     string // the placeholder that stands for Value when it is blanked
}

// Classed is the note of a field that belongs to a class.
func (n Note) Classed(c Class) Note {
	n.Class = c
	return n
}

// NamesUser says whether the note is a field that says who logs in.
func (n *Note) NamesUser() bool { return n.Holds == User && n.Secret == "" }

// Is is the note of a field whose value is of this kind.
func (n Note) Is(h Holds) Note {
	n.Holds = h
	return n
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
	// FieldMechanism, FieldCondition and FieldText are the mechanism of a login, and why
	// something was refused: by its name, and in the refuser's own words.
	FieldMechanism = "mechanism"
	FieldCondition = "condition"
	FieldText      = "text"
	// FieldDialback is the answer to a claim of dialback: valid, invalid or error.
	FieldDialback = "dialback"
	// FieldResumed is the earlier session that SASL2 has taken up in the same step.
	FieldResumed = "resumed"
)
