package xep_test

import (
	"flag"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/xep"
	"xmppscope/internal/xmpptest"
)

var update = flag.Bool("update", false, "write the notes of the transcripts anew")

// passwords are those of the accounts that the transcripts check logins against.
var passwords = map[string]string{
	"@plays.example.net": "test",
}

func TestTranscripts(t *testing.T) {
	xmpptest.Transcripts(t, append([]decode.Rule{xmpptest.Knowing(passwords)}, xep.Rules()...), *update)
}
