package session

import (
	"bytes"
	"slices"
	"strings"
)

// happened is what stands on no rung, or besides it.
func (t *Story) happened(e *Event) {
	switch b := e.Body.(type) {
	case TCPOpened:
		if e.Leg == ClientLeg {
			t.Captured, t.Joined = b.Captured, b.Joined
		}
	case TCPFailed:
		t.fail(&Refusal{Condition: "unreachable", By: "server", Text: b.Reason, Seq: e.Seq}, b.Target+": "+b.Reason)
	case TLSEstablished:
		t.Secured, t.Left = e.At, NoDir
		if e.Leg == ServerLeg || t.Captured {
			t.trip(b.RoundTrips())
		}
	case TLSFailed:
		t.tlsFailed(e, &b)
	case TLSLocked:
		if !b.Bare {
			t.State, t.Reason = Encrypted, b.Reason
		}
	case StreamOpened:
		t.Where = false
		if e.Dir == C2S {
			t.Joined = t.Joined || t.n <= 1 && bytes.Contains(e.Raw, []byte("http://jabber.org/protocol/httpbind")) && bytes.Contains(e.Raw, []byte(" sid="))
			t.Servers = bytes.Contains(e.Raw, []byte("'jabber:server'")) || bytes.Contains(e.Raw, []byte(`"jabber:server"`))
			t.Component = bytes.Contains(e.Raw, []byte("jabber:component:"))
		}
	case HTTPRequest:
		t.Where = b.AsksWhere()
	case BOSHBody: // of a session that was opened on another connection
		t.Joined = t.Joined || e.Dir == C2S && t.n == 0
	case StreamClosed, TCPHalfClosed:
		if t.Left == NoDir {
			t.Left = e.Dir
		}
	case StreamElement:
		// Nobody sends stanzas who is not in. Between servers there is no bind.
		if t.State < LoggedIn && (t.Joined && t.State == Connecting || t.State == LoggingIn && e.Space == "jabber:server") && IsStanza(e.Name) {
			t.State = LoggedIn
		}
	case RelayEdited:
		if !b.Passed {
			t.touch(b.By)
		}
	case RelayBent:
		if !b.Noted {
			t.touch(b.By)
		}
	case RelaySent:
		if b.By != "" { // else it is an excuse in the server's place
			t.touch(b.By)
		}
	case TCPClosed:
		if e.Leg == ClientLeg {
			t.close(e, &b)
		}
	}
}

// Who has done what no rule names, in RelayEdited.By and its like.
const (
	ByHand   = "hand"
	ByRebind = "--rebind"
)

// touch notes who has taken hold of the session.
func (t *Story) touch(by string) {
	if by == "" {
		by = ByHand
	}
	for _, name := range strings.Split(by, ", ") {
		if len(t.Touched) < maxTouched && !slices.Contains(t.Touched, name) {
			t.Touched = append(slices.Clip(t.Touched), name)
		}
	}
}

// TouchedBy says who has taken hold of the session, "" if nobody has.
func (t *Story) TouchedBy() string {
	if len(t.Touched) == 0 {
		return ""
	}
	return "touched by " + strings.Join(t.Touched, ", ")
}

func (t *Story) tlsFailed(e *Event, b *TLSFailed) {
	r := &Refusal{Kind: "tls", ID: "tls", Condition: b.Class, By: b.Guilty, Text: b.Reason, Seq: e.Seq}
	if r.By == "" {
		r.By = "peer"
	}
	if e.Step != nil {
		r.N = e.Step.N
	}
	switch {
	case !t.In.IsZero():
	case b.Class != ClassOtherLeg:
		t.fail(r, b.Reason)
	case t.Cause == nil: // the other leg will say why
		t.State, t.Reason = Failed, b.Reason
	}
}

// close is the end of the client's connection. What is inside TLS that cannot be read, or
// came before the recording, may have been a login.
func (t *Story) close(e *Event, b *TCPClosed) {
	t.Ended = true
	if t.State > LoggingIn || t.Joined || t.Where {
		return
	}
	r := &Refusal{Condition: "closed", By: b.By, Text: b.Reason, Seq: e.Seq, N: t.n, ID: t.id}
	if t.Left != NoDir { // the one that b names closed last
		r.By = t.Left.Sender()
	}
	t.fail(r, "closed by "+r.By+" before the login was done")
}
