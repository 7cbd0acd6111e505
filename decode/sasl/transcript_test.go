package sasl_test

import (
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/sasl"
	"xmppscope/internal/xmpptest"
)

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

func TestTranscripts(t *testing.T) {
	xmpptest.Transcripts(t, append([]decode.Rule{xmpptest.Knowing(passwords)}, sasl.Rules()...))
}
