package sasl_test

import (
	"flag"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

var update = flag.Bool("update", false, "write the notes of the transcripts anew")

// passwords are those of the accounts that the transcripts check logins against,
// by JID. Where a stream has no "to" no domain is known, and nothing is checked.
var passwords = map[string]string{
	"user@pencil.example":           "pencil",
	"roman@pencil.example":          "\u2168",           // SASLprep makes it "IX"
	"soft@pencil.example":           "I\u00adX",         // the same
	"accent@pencil.example":         "caf\u00e9",        // fits ISO 8859-1
	"chris@elwood.innosoft.com":     "secret",           // RFC 2831 §4
	"tim@postoffice.reston.mci.net": "tanstaaftanstaaf", // RFC 2195 §2
}

// knowing is a rule that tells the others the passwords, as a user does.
var knowing = decode.Rule{
	ID: "test-passwords", Title: "the accounts of the transcripts", Ref: "none",
	New: decode.Stateless(func(s *decode.Seen) []session.Note {
		s.State.Passwords = func(user, domain string) (string, bool) {
			p, ok := passwords[user+"@"+domain]
			return p, ok
		}
		return nil
	}),
}

func TestTranscripts(t *testing.T) {
	xmpptest.Transcripts(t, append([]decode.Rule{knowing}, sasl.Rules()...), *update)
}
