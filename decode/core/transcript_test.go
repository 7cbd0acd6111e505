package core_test

import (
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/core"
	"xmppscope/internal/xmpptest"
)

// passwords are those of the accounts that the transcripts check logins against.
var passwords = map[string]string{
	"bill@example.net":   "Calli0pe",
	"accent@example.net": "caf\u00e9",
	"roman@example.net":  "\u2168",
	"@example.org":       "s3cr3tf0rd14lb4ck", // XEP-0185 §2
}

func TestTranscripts(t *testing.T) {
	xmpptest.Transcripts(t, append([]decode.Rule{xmpptest.Knowing(passwords)}, core.Rules()...))
}
