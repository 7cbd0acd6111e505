package xep_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/decode"
	"xmppscope/decode/xep"
	"xmppscope/session"
)

// FuzzRules feeds arbitrary bytes as an element to every rule, from both sides and
// twice, so that rules with a memory meet it again. No rule may panic, and every
// note has to point into the bytes.
func FuzzRules(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.txtar")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "S: "); ok {
				f.Add([]byte(strings.TrimSpace(rest)))
			} else if rest, ok := strings.CutPrefix(line, "C: "); ok {
				f.Add([]byte(strings.TrimSpace(rest)))
			}
		}
	}
	f.Add([]byte("<iq type='result'><x xmlns='jabber:x:data'/></iq>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := decode.NewSession(xep.Rules(), new(session.Book))
		for seq := range uint64(4) {
			dir := session.C2S
			if seq%2 == 1 {
				dir = session.S2C
			}
			e := d.Explain(session.Seen{Session: 1, Seq: seq + 1, Leg: dir.From(), Dir: dir,
				Body: session.StreamElement{}, Raw: raw, Size: int64(len(raw))})
			for _, n := range e.Notes {
				if strings.Contains(n.Text, "fault of xmppscope") {
					t.Errorf("%s: %s", n.Rule, n.Text)
				}
				if n.Span.Start < 0 || n.Span.End > len(raw) || n.Span.Len() < 0 {
					t.Errorf("%s points at %v of %d bytes", n.Rule, n.Span, len(raw))
				}
			}
		}
	})
}
