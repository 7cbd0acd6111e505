package session

import (
	"strings"
	"time"
)

// Step is the rung of the login ladder that an event stands on. All events of a
// rung share N, ID, Title, Text and Ref.
type Step struct {
	N     int           // its place in this session: 1, 2, …
	ID    string        // its kind: "stream-open-1", "sasl-auth", … (see design: the 18 steps)
	Title string        // a few words
	Text  string        // what happens here and why, for a newcomer
	Ref   string        // a section: "RFC 6120 §6.4.2"
	Since time.Duration // since the first event of the rung before; 0 on the first
}

// Kind is ID without the number that some carry: "features-2" is of the kind "features".
func (s *Step) Kind() string {
	for _, kind := range [...]string{"stream-open", "stream-reply", "features"} {
		if strings.HasPrefix(s.ID, kind+"-") {
			return kind
		}
	}
	return s.ID
}
