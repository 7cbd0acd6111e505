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

// TestAsksWhere: who asks for a host-meta and goes has not failed to log in; who then comes for
// more may.
func TestAsksWhere(t *testing.T) {
	get := func(target string) Event {
		return Event{Seen: Seen{Leg: ClientLeg, Dir: C2S, Body: HTTPRequest{Method: "GET", Target: target}}, Said: Said{Done: true}}
	}
	opened := Event{Seen: Seen{Dir: C2S, Body: StreamOpened{}}, Said: Said{Done: true, Step: &Step{N: 1, ID: "stream-open-1"}}}
	closed := Event{Seen: Seen{Leg: ClientLeg, Body: TCPClosed{By: "client"}}, Said: Said{Done: true}}
	for name, c := range map[string]struct {
		events []Event
		want   State
		says   string
	}{
		"host-meta":      {[]Event{get("/.well-known/host-meta"), closed}, Connecting, "asked where the server is (host-meta)"},
		"in JSON":        {[]Event{get("/.well-known/host-meta.json?x=1"), closed}, Connecting, "asked where the server is (host-meta)"},
		"another page":   {[]Event{get("/.well-known/host-metaphor"), closed}, Failed, "failed: the client left"},
		"then a page":    {[]Event{get("/.well-known/host-meta"), get("/"), closed}, Failed, "failed: the client left"},
		"then a stream":  {[]Event{get("/.well-known/host-meta"), opened, closed}, Failed, "failed at #0 (stream-open-1): the client left"},
		"twice the same": {[]Event{get("/.well-known/host-meta.json"), get("/.well-known/host-meta"), closed}, Connecting, "asked where the server is (host-meta)"},
	} {
		var o Overview
		for i := range c.events {
			o.Apply(&c.events[i])
		}
		if o.State != c.want || o.Outcome() != c.says {
			t.Errorf("%s: %v, %q; want %v, %q", name, o.State, o.Outcome(), c.want, c.says)
		}
	}
}
