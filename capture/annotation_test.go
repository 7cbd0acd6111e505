package capture

import (
	"bytes"
	"crypto/tls"
	"testing"

	"xmppscope/session"
)

// TestAnnotationsAreInEveryFormat: what a person has said of an event comes back from what can
// be read again, and stands in what is for reading: in the comments of packets, in reports.
func TestAnnotationsAreInEveryFormat(t *testing.T) {
	events := full(t, 1, tls.VersionTLS13)
	at := -1
	for i := range events {
		if events[i].Step != nil && events[i].Name == "auth" {
			at = i
		}
	}
	if at < 0 {
		t.Fatal("there is no auth")
	}
	said := session.Annotation{Text: "ask Bob about this", Marked: true}
	events[at] = events[at].Annotated(said)
	for _, f := range Formats() {
		if f.Ext == ".keylog" { // holds keys, and nothing else
			continue
		}
		file := record(t, f.Ext, Options{}, events)
		if !bytes.Contains(file, []byte("ask Bob about this")) {
			t.Errorf("%s does not have the note", f.Ext)
		}
		back, err := replay(file)
		if f.Ext == ".html" || f.Ext == ".md" || f.Ext == ".txt" {
			continue
		}
		found := 0
		for i := range back {
			if back[i].Annotation() == said {
				found++
			}
		}
		if err != nil || found != 1 {
			t.Errorf("%s: %d events have the note, %v", f.Ext, found, err)
		}
	}
	for ext, want := range map[string]string{".html": `<span class="sev info">note</span> ask Bob about this`, ".md": "- **note** (", ".pcapng": "- note = ask Bob about this"} {
		if file := record(t, ext, Options{}, events); !bytes.Contains(file, []byte(want)) {
			t.Errorf("%s lacks %q", ext, want)
		}
	}
}
