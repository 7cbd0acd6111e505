package inspect

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"xmppscope/session"
)

var began = time.Date(2026, 11, 22, 14, 30, 5, 0, time.UTC)

// TestALongSession: a session of many events costs a few bytes for each, and any
// part of it is at hand.
func TestALongSession(t *testing.T) {
	const many = 200_000
	m := NewModel()
	e := session.Event{Seen: session.Seen{Session: 1, At: began, Body: session.StreamElement{}, Dir: session.C2S, Name: "message", Raw: make([]byte, 100)}, Said: session.Said{Done: true}}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range many {
		m.Add(i, &e, true)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if per := float64(after.HeapAlloc-before.HeapAlloc) / many; per > 4 {
		t.Errorf("%.1f bytes for each event, want at most 4", per)
	}
	c := m.byID[1]
	if got := c.Find(150_000); c.Rows.At(got).Index() != 150_000 {
		t.Errorf("event 150000 is found on row %d", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	log := session.NewLog()
	defer log.Close()
	for i := range 5000 {
		log.Append(session.Event{Seen: session.Seen{Session: 1, Seq: uint64(i + 1), At: began, Body: session.StreamElement{}, Raw: make([]byte, 10_000)}, Said: session.Said{Done: true}})
	}
	c := NewCache(log)
	for _, i := range []int{0, 4999, 2500, 127, 128, 4000, 1} {
		if e := c.At(i); e == nil || e.Seq != uint64(i+1) {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	for i := range 5000 {
		if e := c.At(i); e == nil || e.Seq != uint64(i+1) {
			t.Fatalf("event %d is %+v", i, e)
		}
		if len(c.events) > cacheEvents || c.bytes > cacheBytes || len(c.order) != len(c.events) {
			t.Fatalf("after event %d: %d events of %d bytes, %d in order", i, len(c.events), c.bytes, len(c.order))
		}
	}
	if e := c.At(5000); e != nil {
		t.Errorf("past the end there is %+v", e)
	}
}

// TestAcknowledgementsAreNoise: those of both versions of stream management.
func TestAcknowledgementsAreNoise(t *testing.T) {
	for space, want := range map[string]bool{"urn:xmpp:sm:2": true, "urn:xmpp:sm:3": true, "jabber:client": false} {
		e := session.Event{Seen: session.Seen{Body: session.StreamElement{}, Name: "r"}, Said: session.Said{Space: space}}
		if quiet(&e) != want {
			t.Errorf("<r/> of %s is noise: %v", space, !want)
		}
	}
}

func TestUnnumberedEventsAreNoRows(t *testing.T) {
	m := NewModel()
	m.Add(0, &session.Event{Seen: session.Seen{Session: 1, Body: session.WireBytes{}, Raw: []byte("x")}, Said: session.Said{Done: true}}, true)
	m.Add(1, &session.Event{Seen: session.Seen{Session: 1, Body: session.TLSSecret{Line: "CLIENT_RANDOM"}}, Said: session.Said{Done: true}}, true)
	m.Add(2, &session.Event{Seen: session.Seen{Session: 0, Body: session.LogLost{Events: 3}}, Said: session.Said{Done: true}}, true)
	if len(m.Sessions) != 0 || m.Lost != 3 {
		t.Errorf("%d sessions, %d lost", len(m.Sessions), m.Lost)
	}
}

func TestTones(t *testing.T) {
	step := func(id string) *session.Step { return &session.Step{N: 1, ID: id, Title: "x"} }
	note := func(s session.Severity) []session.Note { return []session.Note{{Severity: s, Text: "x"}} }
	for _, c := range []struct {
		what string
		e    session.Event
		want Tone
	}{
		{"a rung", session.Event{Seen: session.Seen{Body: session.StreamElement{}}, Said: session.Said{Done: true, Step: step("bind-result")}}, Plain},
		{"no rung", session.Event{Seen: session.Seen{Body: session.StreamElement{}}, Said: session.Said{Done: true}}, Faint},
		{"a notice", session.Event{Seen: session.Seen{Body: session.StreamElement{}}, Said: session.Said{Done: true, Notes: note(session.Notice)}}, Notice},
		{"a warning on a rung", session.Event{Seen: session.Seen{Body: session.StreamElement{}}, Said: session.Said{Done: true, Step: step("x"), Notes: note(session.Warning)}}, Warning},
		{"a refused login", session.Event{Seen: session.Seen{Body: session.StreamElement{}}, Said: session.Said{Done: true, Step: step("sasl-failure")}}, Failure},
		{"a stream error", session.Event{Seen: session.Seen{Body: session.StreamElement{}}, Said: session.Said{Done: true, Step: step("stream-error")}}, Failure},
		{"a failed handshake", session.Event{Seen: session.Seen{Body: session.TLSFailed{}}, Said: session.Said{Done: true}}, Failure},
		{"bytes dropped", session.Event{Seen: session.Seen{Body: session.RelayDropped{}}, Said: session.Said{Done: true}}, Warning},
		{"an error among losses", session.Event{Seen: session.Seen{Body: session.LogLost{}}, Said: session.Said{Done: true, Notes: note(session.Error)}}, Failure},
	} {
		if got := NewRow(&c.e).Tone; got != c.want {
			t.Errorf("%s: tone %d, want %d", c.what, got, c.want)
		}
	}
}

func TestAccount(t *testing.T) {
	for want, o := range map[string]session.Overview{
		"a@b.example":      {Story: session.Story{User: "a", Domain: "b.example"}},
		"c@d.example":      {Story: session.Story{User: "c@d.example", Domain: "b.example"}},
		"e@f.example":      {Story: session.Story{JID: "e@f.example/phone", Domain: "f.example"}},
		"":                 {Story: session.Story{Domain: "b.example"}},
		"user@b.example":   {Story: session.Story{User: "user", Domain: "b.example", JID: "other@b.example/x"}},
		"jid@only.example": {Story: session.Story{JID: "jid@only.example"}},
	} {
		if got := Account(&o); got != want {
			t.Errorf("the account of %+v is %q, want %q", o, got, want)
		}
	}
}

func TestCompleteFilter(t *testing.T) {
	for expr, want := range map[string]string{
		"": "", "sta": "stanza", `ste`: "step", "se": "se", "sev": "severity", `name == "iq" && di`: `name == "iq" && dir`,
		`name == "di`: `name == "di`, "fie": `field("`, "zzz": "zzz",
	} {
		if got, _ := CompleteFilter(expr, nil); got != want {
			t.Errorf("%q is completed to %q, want %q", expr, got, want)
		}
	}
	values := func(name string) []string {
		return map[string][]string{"type": {"get", "getaway", "chat"}, "bare": {"a@é.example", "a@è.example"}}[name]
	}
	for expr, want := range map[string]string{
		`type == "c`: `type == "chat"`, `type != "g`: `type != "get`, `stanza && type contains "geta`: `stanza && type contains "getaway"`,
		`type == "x`: `type == "x`, `name == "`: `name == "`, `bare == "a`: `bare == "a@`, `"type`: `"type`, `type == "chat" && na`: `type == "chat" && name`,
	} {
		if got, _ := CompleteFilter(expr, values); got != want {
			t.Errorf("%q is completed to %q, want %q", expr, got, want)
		}
	}
	if _, fit := CompleteFilter("s", nil); strings.Join(fit, " ") != "session seq step severity summary size stanza" {
		t.Errorf("s fits %q", fit)
	}
}
