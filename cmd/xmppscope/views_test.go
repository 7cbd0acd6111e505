package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"xmppscope/decode/facts"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// agree holds what the views of one login say against each other: the list (Overview),
// the facts that diff and check --expect read, and the verdict.
func agree(events []session.Event) error {
	var o session.Overview
	var g facts.Gatherer
	for i := range events {
		if events[i].Session != events[0].Session {
			continue
		}
		o.Apply(&events[i])
		g.Add(&events[i])
	}
	l := g.Login()
	good := strings.HasPrefix(o.Verdict, "logged in") || strings.HasPrefix(o.Verdict, "took up") || strings.Contains(o.Verdict, "has proved its domain")
	failed := strings.HasPrefix(o.Verdict, "at #") && o.Ended
	switch {
	case l.State != o.State || l.LoggedIn() != (o.State == session.LoggedIn):
		return fmt.Errorf("the list says %s, the facts %s", o.State, l.State)
	case good && o.State != session.LoggedIn:
		return fmt.Errorf("the list says %s, the verdict %q", o.State, o.Verdict)
	case failed && o.State != session.Failed:
		return fmt.Errorf("the list says %s, the verdict %q", o.State, o.Verdict)
	case o.State == session.Failed && o.Ended && o.Verdict == "":
		return fmt.Errorf("it failed without a verdict: %s", o.Reason)
	case (o.State == session.Failed) != (o.Cause != nil) && o.State != session.Encrypted:
		return fmt.Errorf("it is %s with the cause %+v", o.State, o.Cause)
	case o.Cause != nil && strings.HasPrefix(o.Outcome(), "logged in") && o.In.IsZero():
		return fmt.Errorf("%q without a login", o.Outcome())
	}
	if m := tripsTold.FindStringSubmatch(o.Verdict); m != nil && good && m[1] != fmt.Sprint(l.Trips) {
		return fmt.Errorf("%d round trips in the facts, and the verdict is %q", l.Trips, o.Verdict)
	}
	if o.JID != "" && good && !strings.Contains(o.Verdict, o.JID) {
		return fmt.Errorf("%s has logged in, and the verdict is %q", o.JID, o.Verdict)
	}
	return nil
}

var tripsTold = regexp.MustCompile(`and (\d+) round trips`)

// TestViewsAgree: no two views of one login disagree, in every transcript, every recording
// of real clients, and each of them cut off after any event.
func TestViewsAgree(t *testing.T) {
	huntingGround(t, func(name string, events []session.Event) {
		if len(events) == 0 {
			return
		}
		for n := range events {
			if n > 200 {
				break
			}
			if err := agree(events[:n+1]); err != nil {
				t.Errorf("%s, after event %d (%s): %v", name, n+1, events[n].Kind(), err)
				return
			}
		}
	})
}

// TestViewsCanDisagree: the test above would notice.
func TestViewsCanDisagree(t *testing.T) {
	events := xmpptest.Play(t, xmpptest.Recording(t, "slixmpp-prosody"))
	for i := range events {
		for k := range events[i].Notes {
			if n := &events[i].Notes[k]; n.Rule == session.RuleVerdict {
				n.Value = strings.Replace(n.Value, "logged in", "at #1 nothing", 1)
			}
		}
	}
	events = append(events, session.Event{Seen: session.Seen{Session: 1, Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}})
	if agree(events) == nil {
		t.Error("a verdict that tells something else passes")
	}
}
