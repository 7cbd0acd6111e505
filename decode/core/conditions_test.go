package core_test

import (
	"strings"
	"testing"

	"xmppscope/decode/core"
	"xmppscope/internal/xmpptest"
)

// application are the conditions of extensions that debuggers meet, by namespace.
var application = map[string]string{
	"urn:xmpp:errors": "stanza-too-big too-many-stanzas resource-limit-exceeded",
	"http://jabber.org/protocol/pubsub#errors": `closed-node precondition-not-met unsupported payload-too-big not-subscribed
		presence-subscription-required not-in-roster-group max-items-exceeded max-nodes-exceeded invalid-jid nodeid-required
		item-required jid-required subid-required invalid-subid invalid-options invalid-payload payload-required
		pending-subscription configuration-required too-many-subscriptions`,
	"http://jabber.org/protocol/commands": "bad-action bad-locale bad-payload bad-sessionid malformed-action session-expired",
	"urn:xmpp:jingle:errors:1":            "out-of-order tie-break unknown-session unsupported-info",
	"urn:xmpp:blocking:errors":            "blocked",
	"urn:xmpp:http:upload:0":              "file-too-large retry",
	"urn:xmpp:sm:3":                       "handled-count-too-high",
}

// TestApplicationConditions: each is explained in stanza and in stream errors.
func TestApplicationConditions(t *testing.T) {
	for space, names := range application {
		for _, name := range strings.Fields(names) {
			detail := "<" + name + " xmlns='" + space + "'/>"
			for _, dialogue := range []string{
				"S: <iq type='error' id='1'><error type='cancel'><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" + detail + "</error></iq>",
				"S: <stream:error xmlns:stream='http://etherx.jabber.org/streams'><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" + detail + "</stream:error>",
			} {
				found := false
				for _, e := range xmpptest.Dialogue(t, dialogue, core.Rules(), 0) {
					for _, n := range e.Notes {
						found = found || n.Name == "application-condition" && n.Value == name && n.Ref != "" && !strings.HasPrefix(n.Text, "a detail of")
					}
				}
				if !found {
					t.Errorf("not explained: %s", dialogue)
				}
			}
		}
	}
}

// TestAlerts: every alert that a peer may send is put into words.
func TestAlerts(t *testing.T) {
	for _, name := range strings.Fields(`close_notify unexpected_message bad_record_mac record_overflow handshake_failure
		bad_certificate unsupported_certificate certificate_revoked certificate_expired certificate_unknown illegal_parameter
		unknown_ca access_denied decode_error decrypt_error protocol_version insufficient_security internal_error
		inappropriate_fallback user_canceled missing_extension unrecognized_name bad_certificate_status_response
		unknown_psk_identity certificate_required no_application_protocol`) {
		dialogue := `*: {"kind":"tls:failed","leg":"client","detail":{"class":"other","guilty":"client","alert":"` + name + ` (1)","reason":"no"}}`
		e := xmpptest.Dialogue(t, dialogue, core.Rules(), 0)[0]
		found := false
		for _, n := range e.Notes {
			found = found || n.Name == "alert" && strings.HasPrefix(n.Text, "what the client said before it hung up: ")
		}
		if !found {
			t.Errorf("%s is not explained: %v", name, e.Notes)
		}
	}
}
