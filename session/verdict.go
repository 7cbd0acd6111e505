package session

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Verdict is the sentence on how a login went, in its parts: that is its form wherever it is
// recorded, so that a reader with little room finds in it what matters first.
type Verdict struct {
	Seq  uint64 // of the event that it is about; 0 if it is about the session
	Step string // the ID of that event's rung
	What string // what happened
	Why  string // why, and what followed; "" if what happened says all
}

// String is the sentence.
func (v Verdict) String() string {
	said := v.What
	if v.Why != "" {
		said += ": " + v.Why
	}
	if v.Step == "" {
		return said
	}
	return fmt.Sprintf("at #%d (%s) %s", v.Seq, v.Step, said)
}

var verdictPlace = regexp.MustCompile(`^at #(\d+) \(([^)]+)\) `)

// ReadVerdict takes a sentence apart. Colons in what somebody has said, in quotes, divide nothing.
func ReadVerdict(sentence string) (v Verdict) {
	if m := verdictPlace.FindStringSubmatch(sentence); m != nil {
		v.Seq, _ = strconv.ParseUint(m[1], 10, 64)
		v.Step, sentence = m[2], sentence[len(m[0]):]
	}
	v.What = sentence
	quoted := false
	for i := 0; i < len(sentence); i++ {
		switch sentence[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ':':
			if !quoted && strings.HasPrefix(sentence[i:], ": ") {
				v.What, v.Why = sentence[:i], sentence[i+2:]
				return v
			}
		}
	}
	return v
}

// Brief is the verdict of a session for little room: where it has an account of an error, that
// stands behind the cause.
func (o *Overview) Brief() string {
	v := ReadVerdict(o.Verdict)
	said := v.What
	switch {
	case v.Why == "":
	case o.Cause != nil && o.Cause.Condition != "" && strings.Contains(v.What, o.Cause.Condition):
		said = fmt.Sprintf("%s (%s)", v.Why, v.What)
	default:
		said += ": " + v.Why
	}
	if v.Step == "" {
		return said
	}
	return fmt.Sprintf("#%d: %s", v.Seq, said)
}
