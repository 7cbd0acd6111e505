package decode

import (
	"sync"
	"sync/atomic"
	"time"
)

// Run is what the sessions of one run tell each other: some rules can only be
// checked, and some logins only be verified, with what an earlier connection has
// shown. It is held in memory alone, is bounded, and is never written anywhere.
// The zero value is ready; it may be used by several goroutines.
type Run struct {
	// Tokens are those that FAST (XEP-0484) has issued to an account, newest last.
	// The key is the bare JID in lower case.
	Tokens Recent[string, []Token]
	// Counts is the highest count of the logins with a token (XEP-0484 §3.4). The
	// key is TokenID.
	Counts Recent[TokenID, Count]
	// StreamIDs says where a stream id was seen first. The key is the server's
	// domain, a space and the id.
	StreamIDs Recent[string, StreamID]
	// LastStream is the newest stream id of a server, by its domain.
	LastStream Recent[string, StreamID]
	// BOSH are the sessions of BOSH by their sid, each of which may have several connections.
	BOSH Recent[string, BOSHSession]
	// Resumable are the sessions of stream management (XEP-0198) by their id.
	Resumable Recent[string, *Resumable]
}

// Share lets the sessions of a run know of each other. It is called before the
// first event; a Session without it knows of itself alone.
func (d *Session) Share(run *Run) { d.state.Run = run }

// Token is a token of FAST as a server has issued it. Value lets its owner log
// in: no rule shows it, and nobody writes it.
type Token struct {
	Value     string
	Mechanism string    // the one that it is for
	Agent     string    // id of the installation that asked for it
	Expiry    time.Time // zero if the server did not say
	Session   int       // where it was issued
	Seq       uint64
	Ended     string // why it is of no use any more, "" if it is
}

// TokenID stands for a token, without showing it.
type TokenID [32]byte

// Count is the count of a login with a token, and where it was seen.
type Count struct {
	N       uint64
	Session int
}

// BOSHSession is how far the requests of a session of BOSH have come.
type BOSHSession struct {
	RID     uint64 // the highest
	Session int    // the connection that opened it, or was seen first
	Many    bool   // there are others
}

// StreamID is a stream id, and where it was seen.
type StreamID struct {
	ID      string
	Session int
	At      time.Time
}

// Resumable is what is known of a session that may be resumed on another
// connection: how many stanzas each side has sent, and whether that is certain.
type Resumable struct {
	Sent    [3]atomic.Uint32 // by session.Dir
	Unknown atomic.Bool
}

// maxRecent is how many entries a Recent holds.
const maxRecent = 4000

// Recent is a map that forgets its oldest entries. The zero value is empty and
// ready; it may be used by several goroutines.
type Recent[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]V
	order  []K
}

// Get returns the value of a key, and whether there is one.
func (r *Recent[K, V]) Get(key K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.values[key]
	return v, ok
}

// Put sets a value and returns the one before.
func (r *Recent[K, V]) Put(key K, value V) (before V, had bool) {
	r.Update(key, func(old V, ok bool) V {
		before, had = old, ok
		return value
	})
	return before, had
}

// Update replaces a value by what change makes of it. Nobody else sees or changes
// it meanwhile; change must not use r.
func (r *Recent[K, V]) Update(key K, change func(old V, ok bool) V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.values == nil {
		r.values = map[K]V{}
	}
	old, ok := r.values[key]
	r.values[key] = change(old, ok)
	if ok {
		return
	}
	if r.order = append(r.order, key); len(r.order) > maxRecent {
		delete(r.values, r.order[0])
		r.order = r.order[1:]
	}
}
