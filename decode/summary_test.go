package decode

import (
	"testing"

	"xmppscope/session"
)

// TestSummaryOfAcknowledgements: elements whose name is one letter are told in words,
// in every reader alike.
func TestSummaryOfAcknowledgements(t *testing.T) {
	for raw, want := range map[string]string{
		"<r xmlns='urn:xmpp:sm:3'/>":                     "asks for an acknowledgement",
		"<r xmlns='urn:xmpp:sm:2'/>":                     "asks for an acknowledgement",
		"<a xmlns='urn:xmpp:sm:3' h='3'/>":               "acknowledges h=3",
		"<a xmlns='urn:xmpp:sm:3'/>":                     "acknowledges",
		"<enabled xmlns='urn:xmpp:sm:3' resume='true'/>": "enabled resume=true",
		"<a xmlns='urn:example:other' h='3'/>":           "a",
		"<message><a xmlns='urn:xmpp:sm:3'/></message>":  "message a",
	} {
		e := NewSession(nil, new(session.Book)).Explain(session.Seen{
			Session: 1, Seq: 1, Dir: session.C2S, Leg: session.ClientLeg, Body: session.StreamElement{}, Raw: []byte(raw), Size: int64(len(raw)),
		})
		if e.Summary != want {
			t.Errorf("%s is told as %q, want %q", raw, e.Summary, want)
		}
	}
}
