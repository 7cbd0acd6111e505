package session

import (
	"strings"
	"time"
)

// Story is how a login goes: how far it has come, what was tried, what went wrong first
// and what only followed from that, who left, how long it took. It is told by applying
// the explained events of a session in order, here and nowhere else: the list, the
// verdict, reports, comparisons and expectations all read it. It holds on to no bytes.
type Story struct {
	State     State
	Reason    string // in words: why it failed, or how far it is
	Resumed   bool   // an earlier session was taken up
	Captured  bool   // from a capture of one wire: xmppscope was not on it
	Joined    bool   // and that begins in the middle
	Servers   bool   // both sides are servers
	Component bool   // the client is a component (XEP-0114)
	Where     bool   // the client has asked over HTTP where the server is (host-meta), and no more
	Domain    string // the stream's "to": of a component its own
	From      string // the stream's "from", which clients seldom give
	User      string // who logs in, as far as is known
	JID       string // the full JID once bound
	Mechanism string // the SASL mechanism in use
	Asked     string // the resource that the client asked for, "" if it left that to the server

	Began    time.Time
	Secured  time.Time // when TLS was up on both legs, zero if it never was
	Admitted time.Time // when the server accepted the authentication
	Bound    time.Time // when the JID was bound or the earlier session resumed
	In       time.Time // when the login was complete
	Trips    int       // round trips until then, or so far

	Slowest  Wait      // the longest wait of the login
	Attempts []Attempt // to authenticate; of very many the last one stands for those beyond
	Tried    int       // how many there were
	// Cause is what ended the login or the session, nil if nothing did: the first error
	// that nothing good came after. Then are the errors that followed from it.
	Cause *Refusal
	Then  []Refusal
	Left  Dir  // who was the first to finish sending
	Ended bool // the client's connection is gone
	// Touched are the rules, and whoever else has changed what passed, put something in or
	// bent the connection; in the order in which they did. Of very many the first ones.
	Touched []string

	trips int
	heard time.Time // when something was said last
	voice Dir       // and by whom
	waits bool      // the client has said something since the server's last word
	n     int       // the newest rung
	id    string    // and what it is
	seq   uint64    // and its newest event
}

// Wait is a time in which one side was silent and the other had said something.
type Wait struct {
	Took time.Duration
	Seq  uint64 // the event on that rung
	By   string // who was silent: "client" or "server" (the network included)
	N    int    // the newest rung then
	ID   string
}

// Attempt is one try to authenticate.
type Attempt struct {
	Kind      string // of the rung: "sasl-auth", "sasl2-authenticate", "iqauth-set"; "" if it stood on none
	Mechanism string // "jabber:iq:auth" for the login of before XMPP 1.0; "" if it is not known
	Seq       uint64
	N         int // of the rung
	Trips     int // round trips before it
	Accepted  bool
	Refusal   *Refusal // nil if it was accepted or never answered
}

// Refusal is how something was refused.
type Refusal struct {
	Kind      string // of the rung: "sasl-failure", "stream-error", "tls"; "" if there was none
	Condition string // "not-authorized"; for TLS the class of the failure; "" if none was given
	By        string // "client", "server" or "xmppscope"
	Text      string // more words, "" if there are none
	Seq       uint64
	N         int
	ID        string // of the rung
}

// State is how far a session has come.
type State uint8

// The states of a session.
const (
	Connecting State = iota
	LoggingIn
	LoggedIn // bound, resumed or otherwise let in
	Failed
	Encrypted // inside TLS of a capture that cannot be decrypted
)

var stateNames = [...]string{Connecting: "connecting", LoggingIn: "logging in", LoggedIn: "logged in", Failed: "failed", Encrypted: "encrypted"}

// String is the state in words.
func (s State) String() string { return stateNames[s] }

// Bounds of what is remembered: attempts, and consequences of the first error.
const (
	maxAttempts = 100
	maxThen     = 8
	maxTouched  = 20
)

// Tell goes on with the next event of the session.
func (t *Story) Tell(e *Event) {
	if !Numbered(e.Body) || e.Beside {
		return
	}
	if t.Began.IsZero() {
		t.Began = e.At
	}
	t.turn(e)
	if len(e.Notes) > 0 {
		t.learn(e)
	}
	if e.Step != nil {
		t.step(e)
	}
	t.happened(e)
}

// turn counts round trips: each time that the client has to wait for the server's word.
func (t *Story) turn(e *Event) {
	if e.Dir == NoDir || !IsPlaintext(e.Body) {
		return
	}
	if _, keepAlive := e.Body.(StreamWhitespace); keepAlive {
		return
	}
	if t.In.IsZero() {
		if took := e.At.Sub(t.heard); t.voice == e.Dir.Opposite() && took > t.Slowest.Took {
			t.Slowest = Wait{took, t.seq, e.Dir.Sender(), t.n, t.id}
		}
		t.heard, t.voice = e.At, e.Dir
	}
	if e.Dir == C2S {
		t.waits = true
	} else if t.waits {
		t.waits = false
		t.trip(1)
	}
}

// trip counts round trips; those after the login do not show.
func (t *Story) trip(n int) {
	if t.trips += n; t.In.IsZero() {
		t.Trips = t.trips
	}
}

// learn takes from the notes who logs in, and where.
func (t *Story) learn(e *Event) {
	for i := range e.Notes {
		n := &e.Notes[i]
		if n.Secret != "" || n.Name == "" {
			continue
		}
		if n.NamesUser() && n.Value != "" && t.In.IsZero() {
			t.User = strings.Clone(n.Value)
		}
		switch n.Name {
		case FieldMechanism:
			if e.Dir == C2S && e.Step != nil {
				t.Mechanism = strings.Clone(n.Value)
			}
		case "resource":
			if e.Dir == C2S && e.Step != nil {
				t.Asked = strings.Clone(n.Value)
			}
		case "jid":
			if e.Step != nil {
				t.JID = strings.Clone(n.Value)
			}
		case "to":
			if e.Dir == C2S && e.Name == "stream" {
				t.Domain = strings.Clone(n.Value)
			}
		case "from":
			if e.Dir == C2S && e.Name == "stream" {
				t.From = strings.Clone(n.Value)
			}
		case FieldDialback:
			t.dialback(e, n.Value)
		}
	}
}

// step is what a rung of the ladder means for the login as a whole.
func (t *Story) step(e *Event) {
	t.n, t.id, t.seq = e.Step.N, e.Step.ID, e.Seq
	if t.State == Connecting {
		t.State = LoggingIn
	}
	switch kind := e.Step.Kind(); kind {
	case "sasl-auth", "sasl2-authenticate", "iqauth-set":
		t.try(e, kind)
	case "sasl-failure", "sasl2-failure", "iqauth-error":
		t.refused(e, kind)
	case "sasl-success", "sasl2-success", "iqauth-result":
		t.Admitted, t.Cause, t.Then = e.At, nil, nil
		if t.State == Failed { // it got over that
			t.State, t.Reason = LoggingIn, ""
		}
		if n := len(t.Attempts); n > 0 {
			t.Attempts[n-1].Accepted = true
		}
		if kind == "iqauth-result" || t.Servers || kind == "sasl2-success" && t.inline(e) {
			t.complete(e)
		}
	case "sm-resumed":
		t.Resumed = true
		t.complete(e)
	case "bind-result", "session-result":
		t.complete(e)
	case "component-handshake", "dialback-verify": // the answer is what it is about, whatever it is
		if e.Dir == S2C && t.In.IsZero() { // what a server asks besides says nothing new of its own claim
			t.complete(e)
		}
	case "bind-error", "session-error", "starttls-failure", "stream-error":
		t.fail(refusalOf(e, kind), e.Summary)
	}
}

func (t *Story) try(e *Event, kind string) {
	mechanism := "jabber:iq:auth"
	if kind != "iqauth-set" {
		mechanism, _ = e.Field(FieldMechanism)
	}
	t.begin(Attempt{Kind: kind, Mechanism: strings.Clone(mechanism), Seq: e.Seq, N: e.Step.N, Trips: t.Trips})
	if t.In.IsZero() && !t.over() {
		t.State, t.Reason, t.Cause, t.Then = LoggingIn, "", nil, nil
	}
}

// begin adds an attempt and says how many are kept.
func (t *Story) begin(a Attempt) int {
	if t.Tried++; t.Tried > maxAttempts {
		t.Attempts[maxAttempts-1] = a
	} else {
		t.Attempts = append(t.Attempts, a)
	}
	return len(t.Attempts)
}

// over says whether the server has ended the stream: what the client had on its way then
// changes nothing.
func (t *Story) over() bool {
	is := func(r *Refusal) bool { return r.Kind == "stream-error" && r.By == "server" }
	if t.Cause != nil && is(t.Cause) {
		return true
	}
	for i := range t.Then {
		if is(&t.Then[i]) {
			return true
		}
	}
	return false
}

// refused is the answer to an attempt. One that was refused already can but be given up:
// clients abort what has failed, and the server says so.
func (t *Story) refused(e *Event, kind string) {
	r := refusalOf(e, kind)
	n := len(t.Attempts)
	if n == 0 || t.Attempts[n-1].Refusal != nil && r.Condition != "aborted" {
		n = t.begin(Attempt{Seq: e.Seq, N: e.Step.N, Trips: t.Trips})
		t.Cause = nil
	}
	if a := &t.Attempts[n-1]; a.Refusal == nil {
		a.Refusal = r
	}
	t.fail(r, e.Summary)
}

// inline says whether SASL2 has bound or resumed in the same step (XEP-0388 §2.6).
func (t *Story) inline(e *Event) bool {
	for i := range e.Notes {
		switch n := &e.Notes[i]; {
		case n.Name == FieldResumed:
			t.Resumed = true
			return true
		case n.Name == "jid":
			return true
		}
	}
	return false
}

// dialback is what the answer to a domain's claim makes of a session between servers.
// One that other claims go on in has not failed.
func (t *Story) dialback(e *Event, answer string) {
	switch {
	case e.Name == "verify": // of a claim made elsewhere; see step
	case answer == "valid":
		t.complete(e)
	case e.Dir == S2C && t.State != LoggedIn: // claims do not follow from each other
		t.Cause = nil
		t.fail(&Refusal{Kind: "dialback", Condition: strings.Clone(answer), By: e.Dir.Sender(), Seq: e.Seq}, e.Summary)
	}
}

func (t *Story) complete(e *Event) {
	t.State, t.Reason, t.Cause, t.Then, t.In = LoggedIn, "", nil, nil, e.At
	t.Trips = t.trips
	if t.Bound.IsZero() {
		t.Bound = e.At
	}
}

// fail notes an error: the first one is the cause, later ones are its consequences.
func (t *Story) fail(r *Refusal, words string) {
	if t.Cause == nil {
		t.Cause, t.State, t.Reason = r, Failed, strings.Clone(words)
		return
	}
	if len(t.Then) < maxThen {
		t.Then = append(t.Then, *r)
	}
}

func refusalOf(e *Event, kind string) *Refusal {
	condition, _ := e.Field(FieldCondition)
	text, _ := e.Field(FieldText)
	return &Refusal{Kind: kind, Condition: strings.Clone(condition), By: e.Dir.Sender(), Text: strings.Clone(text), Seq: e.Seq, N: e.Step.N, ID: e.Step.ID}
}

// Who is the account that logs in, as a JID; or the domain, of a server that calls and of a
// component. It is "" if it is not known.
func (t *Story) Who() string {
	switch {
	case t.Servers:
		return t.From
	case t.Component:
		return t.Domain
	case t.JID != "":
		return t.JID
	case t.User == "" || t.Domain == "" || strings.Contains(t.User, "@"):
		return t.User
	}
	return t.User + "@" + t.Domain
}
