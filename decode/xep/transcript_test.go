package xep_test

import (
	"flag"
	"testing"

	"xmppscope/decode/xep"
	"xmppscope/internal/xmpptest"
)

var update = flag.Bool("update", false, "write the notes of the transcripts anew")

func TestTranscripts(t *testing.T) { xmpptest.Transcripts(t, xep.Rules(), *update) }
