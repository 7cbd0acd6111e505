package main

import (
	"encoding/base64"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"xmppscope/capture"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// planted is a dialogue with secrets that were put there on purpose, so that
// nobody has to be asked what is one.
type planted struct{ name, text string }

// plants reads the dialogues of testdata/planted/secrets.txt.
func plants(t *testing.T) (out []planted) {
	t.Helper()
	text, err := os.ReadFile("testdata/planted/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "\n= ")[1:] {
		name, body, _ := strings.Cut(block, "\n")
		out = append(out, planted{name, strings.TrimRight(body, "\n") + "\n"})
	}
	if len(out) < 30 {
		t.Fatalf("%d plants", len(out))
	}
	return out
}

var (
	encoded = regexp.MustCompile(`\(\((.*?)\)\)`)
	buried  = regexp.MustCompile(`\[\[(.*?)\]\]`)
	control = strings.NewReplacer(`\0`, "\x00", `\1`, "\x01")
)

// grown is the dialogue as it goes over the wire, and the secrets in it; change
// says how a secret, or the base64 around one, is written there.
func (p planted) grown(change func(s string, inTag bool) string) (wire string, secrets []string) {
	for _, m := range buried.FindAllStringSubmatch(p.text, -1) {
		secrets = append(secrets, m[1])
	}
	var b strings.Builder
	last := 0
	for _, at := range regexp.MustCompile(`\(\(.*?\)\)|\[\[.*?\]\]`).FindAllStringIndex(p.text, -1) {
		b.WriteString(p.text[last:at[0]])
		last = at[1]
		part, before := p.text[at[0]:at[1]], p.text[:at[0]]
		if m := encoded.FindStringSubmatch(part); m != nil {
			bare := buried.ReplaceAllString(m[1], "$1")
			part = base64.StdEncoding.EncodeToString([]byte(control.Replace(bare)))
			if bare != m[1] {
				secrets = append(secrets, part)
				part = change(part, false)
			}
		} else {
			part = change(part[2:len(part)-2], strings.LastIndexByte(before, '<') > strings.LastIndexByte(before, '>'))
		}
		b.WriteString(part)
	}
	b.WriteString(p.text[last:])
	return b.String(), secrets
}

func asItIs(s string, _ bool) string { return s }

// references writes each character as a reference.
func references(s string, _ bool) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, "&#x%x;", r)
	}
	return b.String()
}

func inCDATA(s string, inTag bool) string {
	if inTag {
		return s
	}
	return s[:len(s)/2] + "<![CDATA[" + s[len(s)/2:] + "]]>"
}

const began = "C: <stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n" +
	"S: <stream:stream from='a.example' id='s1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n"

// disturbed are the ways in which a dialogue comes that was not read as meant.
func disturbed(wire string, secrets []string) map[string][]string {
	out := map[string][]string{"whole": {wire}, "opaque": {"C: <<</>\nS: <<</>\n" + wire}}
	var lines []string
	for _, line := range strings.SplitAfter(wire, "\n") {
		if n := len(lines); n > 0 && !strings.HasPrefix(line, "C: ") && !strings.HasPrefix(line, "S: ") {
			lines[n-1] += line
		} else if line != "" {
			lines = append(lines, line)
		}
	}
	before := ""
	for _, line := range lines {
		for _, s := range secrets {
			at := strings.Index(line, s)
			if at < 0 {
				continue
			}
			out["cut behind it"] = append(out["cut behind it"], before+line[:at+len(s)]+"\n")
			out["cut before its end"] = append(out["cut before its end"], before+line[:at+len(s)-1]+"\n")
			if end := strings.IndexByte(line, '>'); end > 0 && line[end-1] != '/' {
				out["malformed"] = append(out["malformed"], before+line[:end+1]+"&nosuch;<a b='1' b='2'/>"+line[end+1:])
			}
		}
		before += line
	}
	return out
}

// TestPlantedSecrets: whatever lets someone in is blanked in every format, however
// it was written and wherever it was cut.
func TestPlantedSecrets(t *testing.T) {
	dir := t.TempDir()
	hunted := 0
	own := map[string][2][]byte{}
	for i, p := range plants(t) {
		if i%every != 0 {
			continue
		}
		for how, change := range map[string]func(string, bool) string{"as it is": asItIs, "in references": references, "in CDATA": inCDATA} {
			wire, secrets := p.grown(change)
			ways := disturbed(wire, secrets)
			if how != "as it is" {
				ways = map[string][]string{"whole": {wire}}
			}
			for way, dialogues := range ways {
				for _, dialogue := range dialogues {
					events := xmpptest.Dialogue(t, began+dialogue, rules(), 0)
					for _, f := range capture.Formats() {
						if f.Ext == ".keylog" {
							continue
						}
						hunted++
						plantedIn(t, dir, f, own, events, secrets, p.name+", "+how+", "+way)
					}
				}
			}
		}
	}
	if hunted < 500/every {
		t.Errorf("only %d files", hunted)
	}
}

// plantedIn looks for the secrets in what a format makes of the events.
func plantedIn(t *testing.T, dir string, f capture.Format, own map[string][2][]byte, events []session.Event, secrets []string, name string) {
	t.Helper()
	o := captureOptions(false)
	o.Redact = f.Secrets
	if own[f.Ext][0] == nil {
		own[f.Ext] = written(t, dir, f.Ext, o, xmpptest.Dialogue(t, neutral, rules(), 0))
	}
	file := written(t, dir, f.Ext, o, events)
	file[1] = []byte(html.UnescapeString(html.UnescapeString(string(file[1]))))
	for _, s := range secrets {
		for _, s := range []string{s, s[:len(s)-1]} {
			if d := search(file, own[f.Ext], disguises(s)); d != "" {
				t.Errorf("%s: the %s shows %q as %q", name, f.Ext, s, d)
				break
			}
		}
	}
}

// TestPlantsCanBeFound: what is revealed is found, so the hunt sees all of it.
func TestPlantsCanBeFound(t *testing.T) {
	for _, p := range plants(t) {
		wire, secrets := p.grown(asItIs)
		file := written(t, t.TempDir(), ".jsonl", captureOptions(true), xmpptest.Dialogue(t, began+wire, rules(), 0))
		for _, s := range secrets {
			if search(file, [2][]byte{}, disguises(s)) == "" {
				t.Errorf("%s: %q is not even found where it is revealed", p.name, s)
			}
		}
	}
}
