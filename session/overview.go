package session

import "time"

// Overview is what one line in a list of sessions says, and the ladder below it.
// It is built by applying the session's explained events in order; any reader
// may build its own. It holds on to none of their bytes.
type Overview struct {
	Story
	ID      int
	Client  string    // the client's address
	Server  string    // the server's address
	TLS     [3]string // version and suite by Leg, "" while in the clear
	Last    time.Time
	Worst   Severity
	Verdict string // the newest verdict, "" before there is one
	Advice  string // what to do next, or what would save time
	Steps   []Rung
	Events  int
	Newest  uint64 // Seq of the newest event
	Stanzas int

	reached time.Time // when the server was connected to, zero if that was not seen
}

// Rung is one step of the ladder with the events that stand on it.
type Rung struct {
	Step
	At     time.Time // of its first event
	Until  time.Time // of its last
	Dir    Dir       // NoDir for the TLS handshake
	First  uint64    // Seq of its first event
	Events []uint64  // Seq of all
	Worst  Severity
	Failed bool // this rung is where it went wrong
}

// Apply brings the overview up to date with the next event of its session.
func (o *Overview) Apply(e *Event) {
	if !Numbered(e.Body) {
		return
	}
	if o.Events == 0 {
		o.ID = e.Session
	}
	o.Events++
	o.Last, o.Newest = e.At, max(o.Newest, e.Seq)
	o.Worst = max(o.Worst, e.Worst())
	o.Tell(e)
	if e.Step != nil {
		o.applyStep(e)
	}
	o.applyBody(e)
	for i := range e.Notes {
		if n := &e.Notes[i]; n.Name == FieldVerdict && n.Rule == RuleVerdict {
			o.Verdict, o.Advice = n.Value, n.Text
			if o.State == Failed {
				o.Reason = n.Value
			}
		}
	}
}

func (o *Overview) applyStep(e *Event) {
	s := e.Step
	if n := len(o.Steps); n == 0 || o.Steps[n-1].N < s.N {
		if n == cap(o.Steps) { // a ladder ends soon, and there may be thousands
			o.Steps = append(make([]Rung, 0, n+max(4, n/4)), o.Steps...)
		}
		o.Steps = append(o.Steps, Rung{Step: *s, At: e.At, Dir: e.Dir, First: e.Seq})
	}
	for i := len(o.Steps) - 1; i >= 0; i-- {
		if r := &o.Steps[i]; r.N == s.N {
			r.Until = e.At
			r.Events = append(r.Events, e.Seq)
			r.Worst = max(r.Worst, e.Worst())
			break
		}
	}
	if IsError(s.ID) {
		o.Steps[len(o.Steps)-1].Failed = true
	}
}

// IsError says whether a rung of this kind is an error that a login may end with.
func IsError(kind string) bool { return errorKinds[kind] }

var errorKinds = map[string]bool{
	"stream-error": true, "sasl-failure": true, "sasl2-failure": true, "bind-error": true,
	"session-error": true, "starttls-failure": true, "iqauth-error": true,
}

func (o *Overview) applyBody(e *Event) {
	if e.Beside {
		return
	}
	switch b := e.Body.(type) {
	case TCPOpened:
		if e.Leg != ClientLeg {
			o.Server, o.reached = b.Peer, e.At
			return
		}
		if o.Client = b.Peer; b.Captured {
			o.Server = b.Local
		}
	case TLSEstablished:
		o.TLS[e.Leg] = b.Version + " " + b.Suite
		if o.Domain == "" {
			o.Domain = b.Domain
		}
	case TLSFailed:
		if n := len(o.Steps); n > 0 && e.Step != nil {
			o.Steps[n-1].Failed = true
		}
	case StreamElement:
		if IsStanza(e.Name) {
			o.Stanzas++
		}
	}
}
