package inspect

import (
	"cmp"
	"fmt"
	"net"
	"strings"

	"xmppscope/session"
)

// Joint is how a session goes on from an earlier one, the surest last.
type Joint uint8

// The ways to go on.
const (
	Apart       Joint = iota
	SameAccount       // of the same client's host, begun when the other had ended
	SameAddress       // has bound the same full JID: the other one is replaced, if it was still there
	SameClient        // the same installation (XEP-0388 user agent)
	ByToken           // has logged in with a token that the other was given (XEP-0484)
	AskedFor          // asked to resume it (XEP-0198), and did not
	TakenUp           // has resumed it
)

// jointWords say so; of each the word for who looks back, and ahead.
var jointWords = [...][2]string{
	SameAccount: {"same account as", "same account in"}, SameAddress: {"takes the place of", "replaced by"}, SameClient: {"same client as", "same client in"},
	ByToken: {"token from", "token used in"}, AskedFor: {"asked to resume", "was to be resumed by"}, TakenUp: {"resumes", "resumed by"},
}

// Reconnect is what joins a session to others of the same client and account. They are a
// story, in the order in which they began.
type Reconnect struct {
	Before, After *Conversation // in the story; nil at its ends
	Of            *Conversation // the session that it goes on from, somewhere before it; nil: none
	Joint         Joint         // how it goes on from that
	// Arrived is what both sides say has arrived of the other's stanzas where it was resumed:
	// "" if they did not.
	Arrived string

	keys  [TakenUp]string // what it was joined by, so that each is looked up once
	token bool            // it was given a token, or goes on using the one it has
}

// words say how a session goes on from another, for who looks back, and ahead.
func (c *Conversation) words() [2]string {
	if c.Joint == SameAddress && c.Of.Ended && !c.Of.Last.After(c.Began) {
		return [2]string{"same address as", "same address in"}
	}
	return jointWords[c.Joint]
}

// Back and Ahead say how a session goes on, for a line at its top and its end.
func (c *Conversation) Back() string {
	said := fmt.Sprintf("%s session %d", c.words()[0], c.Of.ID)
	if c.Joint == TakenUp && c.Arrived != "" {
		said += ", counters carried over: " + c.Arrived
	}
	return said
}

// Ahead says which session comes after this one.
func (c *Conversation) Ahead() string {
	next := c.After
	said := fmt.Sprintf("session %d", next.ID)
	if next.Of == c {
		said = next.words()[1] + " " + said
	} else {
		said = "then " + said + " " + next.Back()
	}
	if gap := next.Began.Sub(c.Last); gap >= 0 {
		return said + ", " + session.ShortTime(gap) + " later"
	}
	return said + ", which began before this one ended"
}

// together puts the sessions of a story below each other, where the first of them stands.
func together(sessions []*Conversation) []*Conversation {
	shown := make(map[*Conversation]bool, len(sessions))
	joined := false
	for _, c := range sessions {
		shown[c] = true
		joined = joined || c.Before != nil
	}
	if !joined {
		return sessions
	}
	out := make([]*Conversation, 0, len(sessions))
	for _, c := range sessions {
		if !shown[c] {
			continue
		}
		for c.Before != nil {
			c = c.Before
		}
		for ; c != nil; c = c.After {
			if shown[c] {
				shown[c] = false
				out = append(out, c)
			}
		}
	}
	return out
}

// newest are the sessions that were seen last with something that joins sessions.
type newest map[string]*Conversation

// join looks in the next event for what joins its session to an earlier one.
func (m *Model) join(c *Conversation, e *session.Event) {
	resumed := e.Name == "resumed"
	if len(e.Notes) == 0 && !resumed {
		return
	}
	for i := range e.Notes {
		n := &e.Notes[i]
		switch {
		case n.Name == "sm-id" && e.Dir == session.C2S:
			m.by(c, AskedFor, "id "+n.Value)
		case n.Name == "sm-id":
			m.latest["id "+n.Value] = c
		case n.Name == "user-agent-id" && e.Dir == session.C2S:
			m.by(c, SameClient, "agent "+n.Value)
		case n.Name == session.FieldResumed:
			resumed = true
		case n.Name == "h" && (e.Name == "resume" || e.Name == "authenticate"):
			c.Arrived = n.Value + " at the client"
		case n.Name == "h" && (e.Name == "resumed" || e.Name == "success") && c.Arrived != "":
			c.Arrived += ", " + n.Value + " at the server"
		case n.Ref == refTokens && e.Name == "success":
			c.token = true
		}
	}
	if resumed && c.Joint == AskedFor {
		c.Joint = TakenUp
		if id := c.keys[AskedFor-1]; id != "" {
			m.latest[id] = c
		}
	}
	if c.Joint == SameClient && c.Of.token && e.Name == "authenticate" && strings.HasPrefix(c.Mechanism, "HT-") {
		c.Joint = ByToken
	}
	if e.Step == nil {
		return
	}
	if strings.Contains(c.JID, "/") {
		m.by(c, SameAddress, "jid "+c.JID)
	}
	if account := Account(&c.Overview); account != "" {
		m.by(c, SameAccount, "account "+hostOf(c.Client)+" "+account)
	}
}

// refTokens is where it is written that a login is given a token.
const refTokens = "XEP-0484 §3.3"

// by joins a session to the newest one with the same key, unless it is joined already by
// something that is as sure.
func (m *Model) by(c *Conversation, joint Joint, key string) {
	if c.keys[joint-1] == key {
		return
	}
	c.keys[joint-1] = key
	before := m.latest[key]
	m.latest[key] = c
	if before == nil || before == c || joint <= c.Joint || before.ID > c.ID {
		return
	}
	if joint == SameAccount && (!before.Ended || before.Last.After(c.Began)) {
		return // two clients at the same time
	}
	c.Of, c.Joint = before, joint
	c.leaveStory()
	for before.After != nil && before.After.ID < c.ID {
		before = before.After
	}
	c.Before, c.After = before, before.After
	if c.After != nil {
		c.After.Before = c
	}
	before.After = c
}

// leaveStory takes a session out of the story that it is in.
func (c *Conversation) leaveStory() {
	if c.Before != nil {
		c.Before.After = c.After
	}
	if c.After != nil {
		c.After.Before = c.Before
	}
}

// hostOf is an address without its port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return cmp.Or(host, address)
}
