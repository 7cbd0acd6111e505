package main

import (
	"testing"

	"xmppscope/capture/passive"
	"xmppscope/decode"
	"xmppscope/session"
)

// TestNotesStayWhenEventsAreExplainedAnew: a password that is known makes all be explained
// once more, and what a person has said of an event is none of that.
func TestNotesStayWhenEventsAreExplainedAnew(t *testing.T) {
	e := session.Event{Seen: session.Seen{Session: 1, Seq: 1, Body: session.StreamElement{}, Name: "presence", Raw: []byte("<presence/>")}, Said: session.Said{Done: true, Summary: "old", Notes: []session.Note{{Rule: "x", Text: "old"}}}}
	said := session.Annotation{Text: "ask Bob", Marked: true}
	e = e.Annotated(said)
	f := &input{name: "x", who: new(accounts), tell: func(string, ...any) {}}
	var got []session.Event
	err := ahead(func(emit passive.Emit) error {
		var by *decode.Session
		if by = f.anew()(&e); by == nil {
			t.Fatal("it is not explained anew")
		}
		return emit(e, by)
	}, func(e session.Event) error { got = append(got, e); return nil })
	if err != nil || len(got) != 1 || got[0].Annotation() != said || got[0].Summary == "old" {
		t.Errorf("%v, %+v", err, got)
	}
}
