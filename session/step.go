package session

import "time"

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
