package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"xmppscope/capture/passive"
	"xmppscope/decode"
	"xmppscope/session"
)

// labCA is the CA of the servers in the captures of others, as they sent it.
func labCA(t *testing.T) []byte {
	t.Helper()
	keys, err := openKeylogs([]string{foreignCaptures + "profanity-ejabberd.keys"}, false, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := os.ReadFile(foreignCaptures + "profanity-ejabberd.pcap")
	if err != nil {
		t.Fatal(err)
	}
	var ca []byte
	f := &input{shared: new(decode.Run), book: new(session.Book)}
	_, err = passive.Read(bytes.NewReader(packets), passive.Options{Keys: keys.keys, Explain: f.explainer, Verify: func(chain []*x509.Certificate, _ passive.Wanted) *session.Verification {
		ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[len(chain)-1].Raw})
		return nil
	}}, func(e session.Event, by *decode.Session) error {
		by.Explain(e.Seen)
		return nil
	})
	if err != nil || ca == nil {
		t.Fatalf("no CA in the capture: %v", err)
	}
	return ca
}

// TestReadingFlags: --keylog and --upstream-ca do for each command what they are for.
func TestReadingFlags(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lab.pem"), labCA(t), 0o600); err != nil {
		t.Fatal(err)
	}
	at, err := filepath.Abs(foreignCaptures)
	if err != nil {
		t.Fatal(err)
	}
	const (
		unopened = "cannot be decrypted"
		stranger = "no such issuer is in the system's store"
	)
	words := func(line string) []string {
		capture := filepath.Join(at, "profanity-ejabberd")
		return strings.Fields(strings.NewReplacer("FILE", capture+".pcap", "KEYS", capture+".keys", "CA", "lab.pem").Replace(line))
	}
	if out, err := scope(t, dir, words("export --keylog KEYS FILE -o stranger.jsonl")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range []struct{ line, has, lacks string }{
		{"print FILE", unopened, "sasl-auth"},
		{"print --keylog KEYS FILE", "sasl-auth", unopened},
		{"print --keylog KEYS FILE", stranger, ""},
		{"print --keylog KEYS --upstream-ca CA FILE", "sasl-auth", stranger},
		{"export -o - --format txt FILE", "", "sasl-auth"},
		{"export -o - --format txt --keylog KEYS FILE", "sasl-auth", ""},
		{"export -o - --format md --keylog KEYS FILE", stranger, ""},
		{"export -o - --format md --keylog KEYS --upstream-ca CA FILE", "sasl", stranger},
		{"check --all FILE", unopened, "logged in"},
		{"check --all --keylog KEYS FILE", "logged in", unopened},
		{"check --all --keylog KEYS FILE", stranger, ""},
		{"check --all --keylog KEYS --upstream-ca CA FILE", "logged in", stranger},
		{"explain FILE", unopened, "logged in"},
		{"explain --keylog KEYS FILE", "logged in", unopened},
		{"explain --keylog KEYS FILE", stranger, ""},
		{"explain --keylog KEYS --upstream-ca CA FILE", "logged in", stranger},
		{"diff FILE FILE", "", "both logged in"},
		{"diff --keylog KEYS FILE FILE", "both logged in", ""},
		{"diff --details --keylog KEYS FILE stranger.jsonl", "both logged in", stranger},
		{"diff --details --keylog KEYS --upstream-ca CA FILE stranger.jsonl", stranger, ""},
	} {
		out, _ := scope(t, dir, words(c.line)...).Output() // the exit code is for other tests
		text := strings.Join(strings.Fields(string(out)), " ")
		if !strings.Contains(text, c.has) || c.lacks != "" && strings.Contains(text, c.lacks) {
			t.Errorf("%s: want %q and not %q:\n%s", c.line, c.has, c.lacks, out)
		}
	}

	// The inspector has the same from its flags.
	o, flags := new(openFlags), pflag.NewFlagSet("", 0)
	o.add(flags)
	o.in.add(flags)
	if err := flags.Parse(words("open --reveal --filter stanza --keylog KEYS --upstream-ca " + filepath.Join(dir, "lab.pem"))); err != nil {
		t.Fatal(err)
	}
	options, err := o.options(words("FILE"))
	if err != nil || !options.Reveal || options.Filter == nil || options.Filter(&session.Event{Seen: session.Seen{Body: session.TCPOpened{}}, Said: session.Said{Done: true}}) {
		t.Errorf("options %+v, %v", options, err)
	}
	log := session.NewLog()
	defer log.Close()
	r := read(t.Context(), &o.in, words("FILE"), log, false)
	<-r.done
	r.wait()
	events, _ := log.Read(0)
	said := ""
	for _, e := range events {
		said += e.Kind() + " " + e.Summary + "\n"
		for _, n := range e.Notes {
			said += n.Text + "\n"
		}
	}
	if !strings.Contains(said, "tls:established") || strings.Contains(said, stranger) {
		t.Errorf("opened: %v\n%s", r.failed, said)
	}
}
