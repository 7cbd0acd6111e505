package xmpptest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xmppscope/decode"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// words says what it sees, and marks the text of <secret/>.
func words(s *decode.Seen) []session.Note {
	if s.Root == nil {
		return nil
	}
	notes := []session.Note{decode.Say(session.Info, s.Root.Tag, "seen at %s", s.Event.At.Format("05.000"))}
	if s.Root.Name.Local == "secret" {
		n := decode.Field("text", s.Root.Text(), s.Root.TextSpan())
		n.Secret = "word"
		notes = append(notes, n)
	}
	return notes
}

func TestDescribe(t *testing.T) {
	rules := []decode.Rule{{ID: "words", Ref: "§1", New: decode.Stateless(words)}}
	const dialogue = "C: <a>\n<b/></a>\nS: <secret>abc</secret>\n*: tls server TLS 1.2\nS: <a/>\n"
	want := strings.Join([]string{
		`1 info words <a>`, `    seen at 00.002 (§1)`,
		`2 info words <secret>`, `    seen at 00.003 (§1)`,
		`2 info words [word #1, 3 characters]`, `    text="[word #1, 3 characters]" secret (§1)`,
		`4 info words <a/>`, `    seen at 00.005 (§1)`, ``,
	}, "\n")
	for chunk := range 4 {
		got := xmpptest.Describe(xmpptest.Dialogue(t, dialogue, rules, chunk))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("chunks of %d (-want +got):\n%s", chunk, diff)
		}
	}
}
