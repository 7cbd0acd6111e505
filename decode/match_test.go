package decode

import (
	"testing"

	"xmppscope/session"
)

// TestMatches: the index finds every rule that fits an event, and no test is asked in
// vain where the keys tell.
func TestMatches(t *testing.T) {
	always := func(*Seen) bool { return true }
	never := func(*Seen) bool { return false }
	rules := map[string]Match{
		"all": {}, "when": When(always), "never": When(never), "element": AnyElement(), "none": NoElement(),
		"stanza": Stanza(), "iq": Stanza("iq"), "not-iq": Stanza("message", "presence"),
		"ping": Payload("urn:xmpp:ping"), "ping-or-body": Payload("urn:xmpp:ping", NSClient), "features": Top(NSStreams, "features"), "streams": Top(NSStreams, ""),
		"iq-never": Stanza("iq").And(never), "iq-always": Stanza("iq").And(always), "both": Stanza().And(always).And(never),
		"or": Stanza("iq").Or(Top(NSStreams, "features")), "or-when": Stanza("iq").Or(When(always)),
	}
	always3 := []string{"all", "when", "or-when"}
	for raw, want := range map[string][]string{
		"": {"none"},
		"<iq xmlns='jabber:client'><ping xmlns='urn:xmpp:ping'/></iq>":                              {"element", "stanza", "iq", "ping", "ping-or-body", "iq-always", "or"},
		"<message xmlns='jabber:client'><body/></message>":                                          {"element", "stanza", "not-iq", "ping-or-body"},
		"<message xmlns='jabber:client'>ping</message>":                                             {"element", "stanza", "not-iq"},
		"<iq xmlns='urn:other'><ping xmlns='urn:xmpp:ping'/></iq>":                                  {"element"},
		"<features xmlns='http://etherx.jabber.org/streams'><iq xmlns='jabber:client'/></features>": {"element", "features", "streams", "or"},
		"<error xmlns='http://etherx.jabber.org/streams'/>":                                         {"element", "streams"},
	} {
		asked := map[string]bool{}
		var list []Rule
		for id, m := range rules {
			list = append(list, Rule{ID: id, Match: m, New: Stateless(func(*Seen) []session.Note {
				asked[id] = true
				return nil
			})})
		}
		e := session.Event{Seen: session.Seen{Session: 1, Seq: 1, Dir: session.S2C, Leg: session.ServerLeg, Body: session.StreamElement{}, Raw: []byte(raw)}}
		NewSession(list, new(session.Book)).Explain(e.Seen)
		if n := len(want) + len(always3); len(asked) != n {
			t.Errorf("%q is for %v, want %v", raw, asked, want)
		}
		for _, id := range append(want, always3...) {
			if !asked[id] {
				t.Errorf("%q is not for %q", raw, id)
			}
		}
	}
}
