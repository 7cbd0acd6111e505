package session

import "testing"

// TestServersAreIn: a session between servers has got in when dialback, or a stanza
// after another login, says so; one claim that fails among others changes nothing.
func TestServersAreIn(t *testing.T) {
	step := func(n int, id string) *Step { return &Step{N: n, ID: id} }
	answer := func(value string) []Note { return []Note{{Name: FieldDialback, Value: value}} }
	key := Event{Dir: C2S, Body: StreamElement{}, Name: "result", Step: step(1, "dialback-result")}
	valid := Event{Dir: S2C, Body: StreamElement{}, Name: "result", Step: step(2, "dialback-result"), Notes: answer("valid")}
	invalid := Event{Dir: S2C, Body: StreamElement{}, Name: "result", Step: step(3, "dialback-result"), Notes: answer("invalid"), Summary: "result"}
	stanza := Event{Dir: C2S, Body: StreamElement{}, Name: "message", Space: "jabber:server"}
	closed := Event{Leg: ClientLeg, Body: TCPClosed{By: "client"}}
	for name, c := range map[string]struct {
		events []Event
		want   State
	}{
		"proved":                         {[]Event{key, valid, closed}, LoggedIn},
		"not proved":                     {[]Event{key, invalid, closed}, Failed},
		"proved, another not":            {[]Event{key, valid, invalid, closed}, LoggedIn},
		"not answered":                   {[]Event{key, closed}, Failed},
		"by certificate":                 {[]Event{{Dir: S2C, Body: StreamElement{}, Step: step(1, "sasl-success")}, stanza, closed}, LoggedIn},
		"a client's stanza says nothing": {[]Event{key, {Dir: C2S, Body: StreamElement{}, Name: "message", Space: "jabber:client"}, closed}, Failed},
	} {
		var o Overview
		for i := range c.events {
			o.Apply(&c.events[i])
		}
		if o.State != c.want {
			t.Errorf("%s: %v, want %v", name, o.State, c.want)
		}
	}
}
