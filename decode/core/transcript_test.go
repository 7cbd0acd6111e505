package core_test

import (
	"flag"
	"testing"

	"xmppscope/decode/core"
	"xmppscope/internal/xmpptest"
)

var update = flag.Bool("update", false, "write the notes of the transcripts anew")

func TestTranscripts(t *testing.T) { xmpptest.Transcripts(t, core.Rules(), *update) }
