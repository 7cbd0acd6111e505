package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"xmppscope/capture"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// huntingGround is every transcript of the rules, and what real clients and
// servers said, explained and with all secrets in them.
func huntingGround(t *testing.T, visit func(name string, events []session.Event)) {
	t.Helper()
	transcripts, err := filepath.Glob("../../decode/*/testdata/*/*.txtar")
	if err != nil || len(transcripts) < 30 {
		t.Fatalf("%d transcripts, %v", len(transcripts), err)
	}
	more, _ := filepath.Glob("../../decode/*/testdata/*.txtar")
	for i, file := range append(transcripts, more...) {
		if i%every != 0 {
			continue
		}
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range ar.Files {
			if part.Name == "dialogue" {
				visit(file, xmpptest.Dialogue(t, string(part.Data), rules(), i%2*7))
			}
		}
	}
	for i, name := range xmpptest.Recordings(t) {
		if i%every == 0 {
			visit(name, xmpptest.Dialogue(t, xmpptest.Recording(t, name), rules(), 0))
		}
	}
}

// written exports events in a format, and gives the file as it is and without
// what a format may put between the parts of a text: white space, bars, markup.
func written(t *testing.T, dir, ext string, o capture.Options, events []session.Event) [2][]byte {
	t.Helper()
	file := saved(t, filepath.Join(dir, "x"+ext), o, events)
	return [2][]byte{file, squeezed(file)}
}

// saved writes events to a file, and gives what is in it.
func saved(t *testing.T, path string, o capture.Options, events []session.Event) []byte {
	t.Helper()
	f, err := capture.Create(path, true, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := f.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// squeezed is a file without its markup, white space and bars.
func squeezed(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '<':
			if end := bytes.IndexAny(b[i+1:], "<>"); end >= 0 && b[i+1+end] == '>' {
				i += 1 + end
				continue
			}
			out = append(out, c)
		case c > ' ' && c != '|':
			out = append(out, c)
		}
	}
	return []byte(html.UnescapeString(string(out)))
}

// disguises are the ways in which a text may hide in a file.
func disguises(s string) []string {
	out := []string{s, hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))), url.QueryEscape(s), url.PathEscape(s)}
	var x bytes.Buffer
	xml.EscapeText(&x, []byte(s))
	j, _ := json.Marshal(s)
	out = append(out, x.String(), strings.Trim(string(j), `"`), html.EscapeString(s))
	out = append(out, fmt.Sprintf("%q", s))
	for shift := range 3 { // base64 within longer data, at each alignment
		padded := append(make([]byte, shift), s...)
		padded = padded[:len(padded)/3*3]
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			code := enc.EncodeToString(padded)
			if skip := []int{0, 2, 3}[shift]; len(code) > skip+8 {
				out = append(out, code[skip:])
			}
		}
	}
	return out
}

// disguised are the disguises of each value.
func disguised(values map[string]string) map[string][]string {
	out := map[string][]string{}
	for value := range values {
		out[value] = disguises(value)
	}
	return out
}

// secretsOf are the values that the rules have marked, as they are in the notes,
// as they stand on the wire, and what base64 on the wire holds.
func secretsOf(events []session.Event) map[string]string {
	out := map[string]string{}
	for _, e := range events {
		for _, n := range e.Notes {
			if n.Secret != "" {
				out[n.Value] = n.Secret
			}
		}
		for _, s := range e.Secrets {
			wire := string(e.Raw[s.Span.Start:s.Span.End])
			out[wire] = s.Kind
			if b, err := base64.StdEncoding.DecodeString(wire); err == nil {
				out[string(b)] = s.Kind
			}
		}
	}
	for value := range out {
		if len(value) < 6 || strings.TrimSpace(value) == "" {
			delete(out, value) // would be found in anything
		}
	}
	return out
}

// harmless says whether a secret's value stands in the dialogue in the open too,
// outside of what is marked: then it is no secret there. A payload that could not
// be read is blanked whole; it may hold nothing but what others of the same kind
// have, in base64 too.
func harmless(value, kind string, events []session.Event) bool {
	code := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "=")
	code = code[:len(code)-1] // the last character depends on what comes next
	for _, e := range events {
		shown := session.Blank(e)
		if kind == "credentials" && strings.Contains(string(shown.Raw), code) {
			return true
		}
		if strings.Contains(string(shown.Raw), value) || strings.Contains(shown.Summary, value) {
			return true
		}
		for _, n := range shown.Notes {
			if strings.Contains(n.Text, value) || n.Secret == "" && strings.Contains(n.Value, value) {
				return true
			}
		}
		if e.Step != nil && strings.Contains(e.Step.Text, value) {
			return true
		}
	}
	return false
}

// neutral is a login in which nothing of the others is: what its file says is the
// format's own.
const neutral = "C: <stream:stream to='a.example' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>\n" +
	"C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHJvbWVvAHIwbTMwLW15cjBtMzA=</auth>\n"

// search says which of the disguises is in a file, "" if none is. What is in
// the format's own file too is not found.
func search(file, own [2][]byte, disguises []string) string {
	for _, d := range disguises {
		for i := range file {
			if bytes.Contains(file[i], []byte(d)) && !bytes.Contains(own[i], []byte(d)) {
				return d
			}
		}
	}
	return ""
}

// hunt looks for values in the hunting ground's files: what has to be hidden in
// each dialogue, with its kind, in every disguise, in every format as it is
// written with these options; where says what of a file counts. It says how many
// searches that were.
func hunt(t *testing.T, o func(capture.Format) capture.Options, prey func([]session.Event) map[string]string, where func(file []byte) []byte) (searches int) {
	t.Helper()
	dir := t.TempDir()
	own := map[string][2][]byte{}
	huntingGround(t, func(name string, events []session.Event) {
		values := prey(events)
		hidden := disguised(values)
		for _, f := range capture.Formats() {
			if f.Ext == ".keylog" {
				continue
			}
			if own[f.Ext][0] == nil {
				own[f.Ext] = written(t, dir, f.Ext, o(f), xmpptest.Dialogue(t, neutral, rules(), 0))
			}
			file := written(t, dir, f.Ext, o(f), events)
			for i := range file {
				file[i] = where(file[i])
			}
			for value, kind := range values {
				searches++
				if d := search(file, own[f.Ext], hidden[value]); d != "" {
					t.Errorf("%s: the %s shows the %s %q as %q", name, f.Ext, kind, value, d)
				}
			}
		}
	})
	return searches
}

// TestHuntSecrets looks for every secret.
func TestHuntSecrets(t *testing.T) {
	open := 0
	redacted := func(f capture.Format) capture.Options {
		o := captureOptions(false)
		o.Redact = f.Secrets
		return o
	}
	searches := hunt(t, redacted, func(events []session.Event) map[string]string {
		secrets := secretsOf(events)
		for value := range secrets {
			if harmless(value, secrets[value], events) {
				delete(secrets, value)
				open++
			}
		}
		return secrets
	}, func(file []byte) []byte { return file })
	if searches < 2_000/every {
		t.Errorf("only %d searches", searches)
	}
	t.Logf("%d searches; %d values stand in the open as well", searches, open)
}

// TestHuntCanFail: what is revealed is found, in every format.
func TestHuntCanFail(t *testing.T) {
	events := xmpptest.Dialogue(t, neutral, rules(), 0)
	if len(secretsOf(events)) < 2 {
		t.Fatalf("secrets are %q", secretsOf(events))
	}
	for _, f := range capture.Formats() {
		if f.Ext == ".keylog" {
			continue
		}
		found := false
		for value := range secretsOf(events) {
			found = found || search(written(t, t.TempDir(), f.Ext, captureOptions(true), events), [2][]byte{}, disguises(value)) != ""
		}
		if !found {
			t.Errorf("%s: what is revealed is not found", f.Ext)
		}
	}
}
