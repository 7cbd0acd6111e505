package proxy

import (
	"context"
	"encoding/hex"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"xmppscope/internal/growing"
	"xmppscope/session"
	"xmppscope/tlsintercept"
)

// Untouched has TLS of clients left as it is: bytes pass as they come, and the secrets that
// the client logs open our copy of them. Of such a session what is seen is the client's leg
// alone, as in a capture (session.TCPOpened.Captured): session.WireBytes, and the secrets as
// session.TLSSecret, whose line is empty where none have come.
type Untouched struct {
	Keys *KeyLog
	// Choose says why TLS of a client is left as it is, "" if it is ended.
	Choose func(client net.Conn) (why string)
}

func (u *Untouched) choose(client net.Conn) string {
	if u == nil {
		return ""
	}
	return u.Choose(client)
}

// KeyLog follows the file in which clients log the secrets of their TLS connections
// (SSLKEYLOGFILE; draft-ietf-tls-keylogfile).
type KeyLog struct {
	mu      sync.Mutex
	file    growing.File
	lines   map[string][]string // by client random, in hex
	waiting map[*waiting]bool
	none    int // connections of which no secrets came
	some    int // and of which some did
}

// How the file is followed, and how long secrets of a handshake that has begun are waited
// for: a client logs them as they come about.
const (
	keyTick     = 25 * time.Millisecond
	keyPatience = 5 * time.Second
	mostKeys    = 10_000 // connections whose secrets are kept before the connection was seen
)

// NewKeyLog follows a file that may not be there yet. What is in it already is of
// connections from before.
func NewKeyLog(path string) *KeyLog {
	k := &KeyLog{file: growing.File{Path: path}, lines: map[string][]string{}, waiting: map[*waiting]bool{}}
	if info, err := os.Stat(path); err == nil {
		k.file.Read = info.Size()
	}
	return k
}

// Came says of how many connections secrets have come, and of how many none.
func (k *KeyLog) Came() (some, none int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.some, k.none
}

// Follow reads the file as it grows, as long as a session may need that, until ctx is done.
func (k *KeyLog) Follow(ctx context.Context) {
	tick := time.NewTicker(keyTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			k.mu.Lock()
			if len(k.waiting) > 0 {
				k.read()
			}
			for w := range k.waiting {
				w.lose(now)
			}
			k.mu.Unlock()
		}
	}
}

// read reads what has come. The caller holds mu.
func (k *KeyLog) read() {
	for text := k.file.More(); len(text) > 0; text = k.file.More() {
		for line := range strings.Lines(string(text)) {
			k.take(strings.TrimSpace(line))
		}
	}
}

// take gives a line to the session that it is of, or keeps it.
func (k *KeyLog) take(line string) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return
	}
	random, taken := strings.ToLower(fields[1]), false
	for w := range k.waiting {
		if w.random == random {
			w.give(line)
			taken = true
		}
	}
	if _, known := k.lines[random]; !taken && (known || len(k.lines) < mostKeys) {
		k.lines[random] = append(k.lines[random], line)
	}
}

// waiting is a session whose client logs secrets, or may.
type waiting struct {
	log    *KeyLog
	trail  *session.Trail
	random string    // of its ClientHello, in hex; "" before that is known
	since  time.Time // when that came
	given  bool      // a secret has come
	kept   []string  // lines that others have to come to
	passed bool      // they did
	lost   bool      // it was told that none has
	said   bool      // a ClientHello was seen
	hello  []byte    // what may be its beginning
}

// watch has a session told of its secrets until close.
func (k *KeyLog) watch(trail *session.Trail) *waiting {
	w := &waiting{log: k, trail: trail}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting[w] = true
	return w
}

// A ClientHello in a record of its own (RFC 8446 §5.1, §4.1.2) has its random here.
const (
	randomFrom = 5 + 4 + 2
	randomTo   = randomFrom + 32
)

// heard looks for the ClientHello in what the client says, which may come in pieces. Where
// something else has the byte that its record begins with, it is looked for behind.
func (w *waiting) heard(p []byte) {
	if w == nil || w.said {
		return
	}
	if len(w.hello) == 0 && tlsintercept.Begins(p) == len(p) {
		return
	}
	for w.hello = append(w.hello, p...); ; w.hello = w.hello[1:] {
		if w.hello = w.hello[tlsintercept.Begins(w.hello):]; len(w.hello) == 0 {
			w.hello = nil
			return
		}
		if len(w.hello) > 1 && w.hello[1] != 3 || len(w.hello) > 5 && w.hello[5] != 1 {
			continue
		}
		if len(w.hello) >= randomTo {
			break
		}
		return // the rest is to come
	}
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.said, w.since = true, time.Now()
	w.random = hex.EncodeToString(w.hello[randomFrom:randomTo])
	w.hello = nil
	for _, line := range w.log.lines[w.random] {
		w.give(line)
	}
	delete(w.log.lines, w.random)
}

// give passes a secret on. Those of both directions go together: what one side has said
// would else be opened before what it answers. The caller holds mu of the log.
func (w *waiting) give(line string) {
	if !w.given {
		w.given = true
		w.log.some++
	}
	w.kept = append(w.kept, line)
	has := func(label string) bool {
		return slices.ContainsFunc(w.kept, func(l string) bool { return strings.HasPrefix(l, label+" ") })
	}
	if w.passed || has("CLIENT_RANDOM") || has("CLIENT_TRAFFIC_SECRET_0") && has("SERVER_TRAFFIC_SECRET_0") {
		w.pass()
	}
}

// pass passes on what was kept.
func (w *waiting) pass() {
	if len(w.kept) > 0 {
		w.passed = true
		w.trail.Event(session.Seen{Leg: session.ClientLeg, Body: session.TLSSecret{Line: strings.Join(w.kept, "\n")}})
		w.kept = nil
	}
}

// lose says that no secrets have come for too long. The caller holds mu of the log.
func (w *waiting) lose(now time.Time) {
	if w.said && !w.given && !w.lost && now.Sub(w.since) > keyPatience {
		w.lost = true
		w.log.none++
		w.trail.Event(session.Seen{Leg: session.ClientLeg, Body: session.TLSSecret{}})
	}
}

// close ends it, with what has come up to now.
func (w *waiting) close() {
	if w == nil {
		return
	}
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	w.log.read()
	w.pass() // of a handshake that has failed
	delete(w.log.waiting, w)
	if w.said && !w.given && !w.lost {
		w.log.none++
	}
}
