package proxy

import (
	"time"

	"xmppscope/session"
)

// Limits bound what a connection may take. Zero is no limit. Reaching one is an event in
// words, and ends the connection, unless it says otherwise.
type Limits struct {
	// FirstByte is the time until the client has said something.
	FirstByte time.Duration
	// Header is the time until a side has sent its stream header: the client from when it
	// began to speak, the server from when it was connected; and each once more inside TLS.
	Header time.Duration
	// Answer is the time until the server has answered <starttls/>. What the client has
	// said behind it goes on in the clear then.
	Answer time.Duration
	// Idle is the time in which neither side says anything.
	Idle time.Duration
}

// least is the shortest limit, to know how often time is to be looked at.
func (l Limits) least() time.Duration {
	least := waitTime
	for _, d := range []time.Duration{l.FirstByte, l.Header, l.Answer, l.Idle} {
		if d > 0 {
			least = min(least, d)
		}
	}
	return least
}

// stage is how far a connection is, for limits that go on whatever trickles in.
type stage struct {
	phase            phase
	secured          bool
	header, answered bool
	since            time.Duration // age of the connection when it was seen first
}

// limit ends what takes too long.
func (r *Relay) limit(in Waited) {
	now := stage{r.phase, r.secured, r.header, r.answered, in.Age - in.For}
	if before := r.stage; before.phase == now.phase && before.secured == now.secured && before.header == now.header && before.answered == now.answered {
		now.since = before.since
	}
	r.stage = now
	lasted := in.Age - now.since
	over := func(limit, lasted time.Duration) bool { return limit > 0 && lasted >= limit }
	end := func(dir session.Dir, reason string, after time.Duration) {
		r.record(dir, session.RelayTimeout{Waiting: reason, After: after}, nil)
		r.close(ourselves)
	}
	switch {
	case r.phase == closing, r.interferes():
	case r.phase == sniffing && over(r.limits.FirstByte, lasted):
		what := "said nothing"
		if r.door != nil || len(r.held) > 0 {
			what = "not come to the point"
		}
		end(session.C2S, "the client has "+what+", so xmppscope closes the connection (--first-byte-timeout)", lasted)
	case r.phase == addressing && over(r.limits.Header, lasted),
		r.phase == relaying && !r.header && !r.blind && !r.isWeb() && !r.stream.IsOpaque(session.C2S) && !r.ended[session.C2S] && over(r.limits.Header, lasted):
		end(session.C2S, "the client has sent no complete stream header, so xmppscope closes the connection (--header-timeout)", lasted)
	case r.phase == relaying && r.header && !r.answered && over(r.limits.Header, lasted):
		end(session.S2C, "the server has not answered the client's stream header, so xmppscope closes the connection (--header-timeout)", lasted)
	case r.phase == asked && over(r.limits.Answer, lasted) && (len(r.held) > 0 || r.ended[session.C2S]):
		r.record(session.S2C, session.RelayTimeout{Waiting: "the server has answered <starttls/> neither with <proceed/> nor with <failure/>: what the client has said behind it goes on in the clear", After: lasted}, nil)
		r.unhold()
	case r.phase == relaying && over(r.limits.Idle, in.For):
		end(session.NoDir, "neither side has said anything, so xmppscope closes the connection (--idle-timeout)", in.For)
	}
}
