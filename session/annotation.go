package session

import "slices"

// RuleUser stands in Note.Rule for what a person has said of an event: FieldNote is their
// words, FieldMark that they have marked it. So it is in every capture, in the comments that
// Wireshark shows, and in reports.
const (
	RuleUser  = "user"
	FieldNote = "note"
	FieldMark = "mark"
)

// Annotation is what a person has said of an event.
type Annotation struct {
	Text   string
	Marked bool
}

// Annotation is what a person has said of the event so far.
func (e *Event) Annotation() (a Annotation) {
	for i := range e.Notes {
		switch n := &e.Notes[i]; {
		case n.Rule != RuleUser:
		case n.Name == FieldNote:
			a.Text = n.Value
		case n.Name == FieldMark:
			a.Marked = true
		}
	}
	return a
}

// Notes are the notes that say it.
func (a Annotation) Notes() (out []Note) {
	if a.Marked {
		out = append(out, Note{Rule: RuleUser, Name: FieldMark, Value: "marked"})
	}
	if a.Text != "" {
		out = append(out, Note{Rule: RuleUser, Name: FieldNote, Value: a.Text})
	}
	return out
}

// Annotated is the event with another annotation; it shares none of its notes.
func (e Event) Annotated(a Annotation) Event {
	kept := slices.DeleteFunc(slices.Clone(e.Notes), func(n Note) bool { return n.Rule == RuleUser })
	e.Notes = append(a.Notes(), kept...)
	return e
}
