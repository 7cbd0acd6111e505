package sasl_test

import (
	"flag"
	"testing"

	"xmppscope/decode/sasl"
	"xmppscope/internal/xmpptest"
)

var update = flag.Bool("update", false, "write the notes of the transcripts anew")

func TestTranscripts(t *testing.T) { xmpptest.Transcripts(t, sasl.Rules(), *update) }
