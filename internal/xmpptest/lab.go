package xmpptest

import (
	"regexp"
	"strings"
)

// The files in testdata/lab are what real clients and servers said to each other
// with nothing in between, both directions in the clear. A block begins with a
// line such as "<<< +0.001 clear 299 bytes".
var labBlock = regexp.MustCompile(`(?m)^(>>>|<<<) \+[0-9.]+ (clear|tls) ([0-9]+) bytes\n`)

// LabDialogue turns a recording of testdata/lab into a dialogue as Dialogue takes
// it.
func LabDialogue(text string) string {
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
