package script

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestMain is a script's process too, as xmppscope is.
func TestMain(m *testing.M) {
	if file := os.Getenv("SCRIPT_HOST"); file != "" {
		if err := Serve(file, os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const dialogue = `C: <stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>
C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
S: <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
*: tls
C: <stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='2' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism><mechanism>PLAIN</mechanism></mechanisms></stream:features>
C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHB3</auth>
S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
C: <stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='3' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>
C: <iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
S: <iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@x.test/a</jid></bind></iq>
C: <iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>
S: <iq type='result' id='r'><query xmlns='jabber:iq:roster'><item jid='bob@x.test'/><item jid='carol@x.test'/></query></iq>
C: <presence/>
C: <message to='bob@x.test'><body>hello</body></message>
C: <iq type='get' id='v' to='bob@x.test'><query xmlns='jabber:iq:version'/></iq>
S: <iq type='error' id='v' from='bob@x.test'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
`

// decide plays a dialogue to a script, and returns what it does, a line for each element of
// which it says something.
func decide(t *testing.T, in *Interp, text string) (out []string) {
	t.Helper()
	for _, e := range xmpptest.Play(t, text) {
		if e.Kind() != (session.StreamElement{}).Name() && e.Kind() != (session.StreamOpened{}).Name() {
			continue
		}
		r := in.Consider(elementOf(&e))
		line := e.Name
		if r.Error != "" {
			line += " error: " + r.Error
		}
		for _, n := range r.Notes {
			line += " note: " + n
		}
		if r.Drop {
			line += " drop: " + r.Reason
		}
		if r.XML != "" {
			line += " replace: " + r.XML
		}
		if r.Delay > 0 {
			line += " delay: " + r.Reason
		}
		for _, s := range r.Sends {
			line += " inject: " + s.Dir + " " + s.XML
		}
		if line != e.Name {
			out = append(out, line)
		}
	}
	return out
}

// TestExamples: the examples do what they say.
func TestExamples(t *testing.T) {
	want := map[string]string{
		"plain":          "auth note: this client sends its password, and only TLS protects it",
		"count":          "iq note: 6 from the client and 9 from the server until here",
		"no-presence":    "presence drop: nobody is to know that the client is there",
		"shout":          "message replace: <message to='bob@x.test'><body>HELLO</body></message>",
		"slow-roster":    "iq delay: the roster is late",
		"only-plain":     "features replace: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>",
		"greet":          "presence inject: s2c <message type='chat' from='scope@xmpp.example'><body>you are watched</body></message>",
		"repeat":         "auth note: alice logs in for the 2th time",
		"unknown-answer": "iq note: the answer to v is an error",
		"roster-size":    "iq note: 2 contacts",
	}
	files, err := filepath.Glob("testdata/examples/*.star")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d examples, %v; want %d", len(files), err, len(want))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".star")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in, err := Load(file, text)
		if err != nil {
			t.Fatal(err)
		}
		play := dialogue
		if name == "repeat" {
			play += "*: session\n" + dialogue
		}
		if got := decide(t, in, play); !slices.Equal(got, []string{want[name]}) {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
}

// TestNotedAlone: a script that only notes something has done nothing to the session.
func TestNotedAlone(t *testing.T) {
	for _, c := range []struct {
		reply       Reply
		bent, noted bool
	}{
		{Reply{Notes: []string{"look"}}, false, true},
		{Reply{Error: "a.star:1:1: no"}, false, true},
		{Reply{Notes: []string{"late"}, Delay: int64(time.Second)}, true, false},
		{Reply{Notes: []string{"gone"}, Drop: true}, false, false},
		{Reply{Notes: []string{"other"}, XML: "<a/>"}, false, false},
	} {
		if d := decision(c.reply); d.Bent != c.bent || d.Noted != c.noted || d.Reason == "" {
			t.Errorf("%+v: %+v", c.reply, d)
		}
	}
}

// TestWrong: what is wrong with a script is told with its place, and the element passes.
func TestWrong(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"def on_element(s, e)\n", "got newline, want ':'"},
		{"x = 1\n", "it has none of the functions"},
		{"def on_element(s): pass\n", "on_element has to be a function of 2 parameters"},
		{"inject('c2s', '<a/>')\ndef on_element(s, e): pass\n", "a.star:1:7: inject: there is no session yet"},
		{"def on_element(s, e): return 1 // 0\n", "error: a.star:1:32: floored division by zero"},
		{"def on_element(s, e): return 5\n", "error: on_element returned int"},
		{"def on_element(s, e): return delay('soon')\n", "want a time such as"},
		{"def on_element(s, e): return replace('')\n", "want from 1 to"},
		{"def on_element(s, e): inject('up', '<a/>')\n", "is no direction"},
		{"def on_element(s, e):\n  for _ in range(200): inject('c2s', '<a/>')\n", "100 things at once are the most"},
		{"def on_element(s, e):\n  while True: pass\n", "too many steps"},
		{"def on_element(s, e): e.name = 'x'\n", "can't assign"},
		{"def on_session(s): fail('no')\n", "fail: no"},
	} {
		in, err := Load("a.star", []byte(tt.script))
		if err == nil {
			got := decide(t, in, dialogue[:strings.Index(dialogue, "S: ")])
			if len(got) != 1 || !strings.Contains(got[0], tt.want) {
				t.Errorf("%q: %q, want %q", tt.script, got, tt.want)
			}
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.script, err, tt.want)
		}
	}
	if _, err := Load("a.star", make([]byte, maxFile+1)); err == nil {
		t.Error("a script of any length is read")
	}
}

func start(t *testing.T, text string) (*Host, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.star")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SCRIPT_HOST="+file)
	h, err := Start(cmd)
	if h != nil {
		t.Cleanup(h.Close)
	}
	return h, err
}

// TestProcess: a script in its process answers, and one that takes too much is asked no more.
func TestProcess(t *testing.T) {
	h, err := start(t, "def on_element(s, e):\n  note(e.name)\n  return drop()\n")
	if err != nil {
		t.Fatal(err)
	}
	if r := h.Ask(Element{Session: 1, Name: "iq", Raw: "<iq/>"}); !r.Drop || len(r.Notes) != 1 || r.Notes[0] != "iq" || r.Error != "" {
		t.Errorf("it says %+v", r)
	}
	if h.Over() {
		t.Error("it is asked no more")
	}
	for name, text := range map[string]string{
		"memory":  "def on_element(s, e):\n  x = []\n  for i in range(1000): x.append('a' * (8 << 20) + str(i))\n",
		"at once": "def on_element(s, e): return replace(','.join(['a' * (1 << 20)] * 100000))\n",
	} {
		t.Run(name, func(t *testing.T) {
			h, err := start(t, text)
			if err != nil {
				t.Fatal(err)
			}
			if r := h.Ask(Element{Session: 1, Name: "iq"}); !strings.Contains(r.Error, "it is asked no more") || r.Drop {
				t.Errorf("it says %+v", r)
			}
			if !h.Over() {
				t.Error("it is asked on")
			}
			if r := h.Ask(Element{Session: 1}); r.Error != "" || r.Drop {
				t.Errorf("then it says %+v", r)
			}
		})
	}
	if _, err := start(t, "x ="); err == nil || !strings.Contains(err.Error(), "a.star:1:") {
		t.Errorf("what cannot be read starts: %v", err)
	}
}

// FuzzScript: whatever a script is, and whatever passes, it comes to an end.
func FuzzScript(f *testing.F) {
	files, _ := filepath.Glob("testdata/examples/*.star")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "<message><body>x</body></message>")
	}
	f.Fuzz(func(t *testing.T, text, raw string) {
		if len(text) > 1000 || strings.Contains(text, "*") { // memory is for the process to bound
			return
		}
		in, err := Load("a.star", []byte(text))
		if err != nil {
			return
		}
		for range 2 {
			r := in.Consider(Element{Session: 1, Dir: "c2s", Name: "message", Raw: raw, Step: "sasl-auth", Answers: true})
			if len(r.Notes) > maxSaid || len(r.Sends) > maxSaid || len(r.XML) > maxText {
				t.Errorf("it says %+v", r)
			}
			decision(r)
		}
	})
}
