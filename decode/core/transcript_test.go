package core_test

import (
	"flag"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/core"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

var update = flag.Bool("update", false, "write the notes of the transcripts anew")

// passwords are those of the accounts that the transcripts check logins against,
// by user and domain.
var passwords = map[string]string{
	"bill@example.net":   "Calli0pe",
	"accent@example.net": "caf\u00e9",
	"roman@example.net":  "\u2168",
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
	xmpptest.Transcripts(t, append([]decode.Rule{knowing}, core.Rules()...), *update)
}
