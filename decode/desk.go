package decode

import (
	"sync"

	"xmppscope/session"
)

// desk is the room in which an event is explained. It is lent to one event at a time.
type desk struct {
	trees Trees
	one   Parsed // of Explain
	seen  Seen
	notes []session.Note // as they are gathered
}

var desks = sync.Pool{New: func() any { return new(desk) }}
