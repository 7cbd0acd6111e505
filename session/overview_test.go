package session

import "testing"

// TestServersAreIn: a session between servers has got in when dialback, or a stanza
// after another login, says so; one claim that fails among others changes nothing.
func TestServersAreIn(t *testing.T) {
	step := func(n int, id string) *Step { return &Step{N: n, ID: id} }
	answer := func(value string) []Note { return []Note{{Name: FieldDialback, Value: value}} }
	key := Event{Seen: Seen{Dir: C2S, Body: StreamElement{}, Name: "result"}, Said: Said{Done: true, Step: step(1, "dialback-result")}}
	valid := Event{Seen: Seen{Dir: S2C, Body: StreamElement{}, Name: "result"}, Said: Said{Done: true, Step: step(2, "dialback-result"), Notes: answer("valid")}}
	invalid := Event{Seen: Seen{Dir: S2C, Body: StreamElement{}, Name: "result"}, Said: Said{Done: true, Step: step(3, "dialback-result"), Notes: answer("invalid"), Summary: "result"}}
	stanza := Event{Seen: Seen{Dir: C2S, Body: StreamElement{}, Name: "message"}, Said: Said{Done: true, Space: "jabber:server"}}
	closed := Event{Seen: Seen{Leg: ClientLeg, Body: TCPClosed{By: "client"}}, Said: Said{Done: true}}
	for name, c := range map[string]struct {
		events []Event
		want   State
	}{
		"proved":                         {[]Event{key, valid, closed}, LoggedIn},
		"not proved":                     {[]Event{key, invalid, closed}, Failed},
		"proved, another not":            {[]Event{key, valid, invalid, closed}, LoggedIn},
		"not answered":                   {[]Event{key, closed}, Failed},
		"by certificate":                 {[]Event{{Seen: Seen{Dir: S2C, Body: StreamElement{}}, Said: Said{Done: true, Step: step(1, "sasl-success")}}, stanza, closed}, LoggedIn},
		"a client's stanza says nothing": {[]Event{key, {Seen: Seen{Dir: C2S, Body: StreamElement{}, Name: "message"}, Said: Said{Done: true, Space: "jabber:client"}}, closed}, Failed},
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
