package xmpptest

import (
	"embed"
	"path"
	"regexp"
	"strings"
	"testing"
)

// The files in testdata/lab are what real clients and servers said to each other
// with nothing in between, both directions in the clear. A block begins with a
// line such as "<<< +0.001 clear 299 bytes".
//
//go:embed testdata/lab/*.xml.txt
var labFiles embed.FS

const labEnding = ".xml.txt"

// Recordings are the names of what was recorded of real clients and servers, in
// order. A name tells who: "slixmpp-prosody-badpw" is slixmpp at Prosody, with a
// wrong password.
func Recordings(t testing.TB) []string {
	t.Helper()
	files, err := labFiles.ReadDir("testdata/lab")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), labEnding))
	}
	return names
}

// Recording is one of Recordings as a dialogue, as Dialogue takes it.
func Recording(t testing.TB, name string) string {
	t.Helper()
	text, err := labFiles.ReadFile(path.Join("testdata/lab", name+labEnding))
	if err != nil {
		t.Fatal(err)
	}
	return labDialogue(string(text))
}

var labBlock = regexp.MustCompile(`(?m)^(>>>|<<<) \+[0-9.]+ (clear|tls) ([0-9]+) bytes\n`)

func labDialogue(text string) string {
	var b strings.Builder
	secure := false
	heads := labBlock.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		if text[h[4]:h[5]] == "tls" && !secure {
			secure = true
			b.WriteString("*: tls server " + labVersion(text) + "\n")
		}
		side := "C: "
		if text[h[2]:h[3]] == "<<<" {
			side = "S: "
		}
		b.WriteString(side + strings.TrimRight(text[h[1]:end], "\n") + "\n")
	}
	return b.String()
}

func labVersion(text string) string {
	if strings.Contains(text, "ServerHello: cipher=0xc0") || strings.Contains(text, "version=0x0303\n") {
		return "TLS 1.2"
	}
	return "TLS 1.3"
}
