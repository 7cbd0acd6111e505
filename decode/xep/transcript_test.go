package xep_test

import (
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/xep"
	"xmppscope/internal/xmpptest"
)

// passwords are those of the accounts that the transcripts check logins against.
var passwords = map[string]string{
	"@plays.example.net": "test",
}

func TestTranscripts(t *testing.T) {
	xmpptest.Transcripts(t, append([]decode.Rule{xmpptest.Knowing(passwords)}, xep.Rules()...))
}
