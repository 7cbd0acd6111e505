package peertest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"xmppscope/internal/xmpptest"
)

// client logs in through the scope, or tries to, and returns when it is gone.
type client func(*testing.T, *scope)

// broken is a login that goes wrong, and what its verdict must say.
type broken struct {
	name     string
	upstream string   // "HOST:PORT" or "tls://HOST:PORT"
	args     []string // of xmppscope, more than usual
	client   client
	lines    []string         // what it says instead, for testSilence
	before   func(*testing.T) // what has to happen first, straight at the server
	step     string           // the rung that the verdict names, "" for none; "a|b" where a race decides
	want     []string         // words that the verdict has, in any case
	never    []string         // words that it must not have
}

// testBroken plays logins and compares the verdicts.
func testBroken(t *testing.T, ca string, cases []broken) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.before != nil {
				c.before(t)
			}
			args := append([]string{"--reveal"}, c.args...)
			s := startScope(t, c.upstream, ca, args...)
			c.client(t, s)
			s.until(t, "end of the client's connection", 1, func(e *event) bool { return e.Session == 1 && clientGone(e) })
			r := s.stop(t)
			c.check(t, r)
		})
	}
}

// check holds the newest verdict of the first session against what is wanted.
func (c *broken) check(t *testing.T, r recording) {
	t.Helper()
	what, next := r.verdict(1)
	t.Logf("%s\n    next: %s", what, next)
	if what == "" {
		t.Fatal("there is no verdict")
	}
	if step, wanted := stepOf(what), strings.Split(c.step, "|"); !slices.Contains(wanted, step) {
		t.Errorf("it blames step %q, want %q", step, wanted)
	}
	text := strings.ToLower(what + "\n" + next)
	for _, w := range c.want {
		if !strings.Contains(text, strings.ToLower(w)) {
			t.Errorf("it does not say %q", w)
		}
	}
	for _, w := range c.never {
		if strings.Contains(text, strings.ToLower(w)) {
			t.Errorf("it says %q", w)
		}
	}
}

// verdict is the newest of a session: what happened, and what to do next.
func (r recording) verdict(session int) (what, next string) {
	for _, e := range r.events {
		if e.Session != session {
			continue
		}
		for _, n := range e.Notes {
			if n.Rule == "verdict" {
				what, next = n.Value, n.Text
			}
		}
	}
	return what, next
}

// stepOf is the rung that a verdict names: "at #12 (features-2) …".
func stepOf(verdict string) string {
	rest, ok := strings.CutPrefix(verdict, "at #")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "(")
	id, _, _ := strings.Cut(rest, ")")
	return id
}

// configure fills in one of testdata and writes it to the folder of a server.
func configure(t *testing.T, dir, name string, data any) {
	t.Helper()
	tmpl, err := template.ParseFiles(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := tmpl.Execute(f, data); err != nil {
		t.Fatal(err)
	}
}

// real is one of the real clients. Whether it got in is for the verdict to say:
// some exit with 0 whatever happens.
func real(run func(testing.TB, xmpptest.Login) xmpptest.Ran, l xmpptest.Login) client {
	return func(t *testing.T, s *scope) {
		t.Helper()
		l := l
		l.Addr, l.CAFile, l.Says = s.Addr, s.CAFile, "never sent"
		run(t, l)
	}
}
