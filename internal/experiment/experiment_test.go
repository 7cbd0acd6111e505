package experiment

import (
	"slices"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// TestEveryExperimentSaysWhatItIs: a name of its own, and what a good client does, with its source.
func TestEveryExperimentSaysWhatItIs(t *testing.T) {
	var names []string
	for _, x := range All() {
		if slices.Contains(names, x.Name) {
			t.Errorf("two experiments are called %q", x.Name)
		}
		names = append(names, x.Name)
		for what, text := range map[string]string{"title": x.Title, "good client": x.Good, "source": x.Ref, "need": x.Needs} {
			if text == "" {
				t.Errorf("%s has no %s", x.Name, what)
			}
		}
		if x.Bend == nil || x.Judge == nil || !strings.Contains(x.Ref, "§") && !strings.HasPrefix(x.Ref, "XEP-") {
			t.Errorf("%s is not whole", x.Name)
		}
	}
	for _, want := range []string{
		"sasl-failure-temporary", "account-disabled", "tcp-drop-after-bind", "resume-client", "resume-server", "slow-server", "see-other-host", "no-starttls",
		"plus-stripped", "features-late", "half-close", "split-bytes", "big-stanza", "ping-unanswered", "stream-error-conflict", "stream-error-reset",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s", want)
		}
	}
}

func TestFind(t *testing.T) {
	for name, want := range map[string]int{"all": len(All()), "resume": 2, "resume-client": 1, "stream-error": len(streamErrors)} {
		if got, err := Find(name); err != nil || len(got) != want {
			t.Errorf("%s finds %d, %v; want %d", name, len(got), err, want)
		}
	}
	if _, err := Find("half-clos"); err == nil || !strings.Contains(err.Error(), "did you mean half-close?") {
		t.Errorf("%v", err)
	}
	if _, err := Find("zzzzzzzzzzzz"); err == nil {
		t.Error("it finds what is not there")
	}
}

const (
	inClear = `C: <stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism></mechanisms></stream:features>
`
	opening      = "*: tls\n" + inClear
	refusedScram = `C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>eSwsbj1hbGljZSxyPWFiYw==</auth>
S: <failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>
`
	plain = `C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHB3</auth>
`
	loggedIn = plain + `S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
C: <stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='2' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>
C: <iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>
S: <iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@x.test/a</jid></bind></iq>
`
	gone = `*: {"kind":"tcp:closed","leg":"client","detail":{"by":"client"}}
`
	next = "*: session\n"

	unknown = `C: <stream:stream to='y.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>
`
)

// outcomeOf is what becomes of a dialogue, when something was done in its first session a
// number of events after its beginning.
func outcomeOf(t *testing.T, dialogue string, fired int) *Outcome {
	t.Helper()
	o := &Outcome{FiredIn: 1}
	for i, e := range xmpptest.Play(t, dialogue) {
		if i == fired {
			o.Fired = e.At
		}
		o.Add(&e)
		o.Now = e.At.Add(2 * time.Second)
	}
	return o
}

// TestJudgements: what a client did, and what is said of it.
func TestJudgements(t *testing.T) {
	for _, tt := range []struct {
		name, dialogue string
		fired          int
		exited         bool
		code           int
		want           Grade
		why            string
	}{
		{"tcp-drop-after-bind", opening + loggedIn + gone + next + "*: wait 3s\n" + opening + loggedIn, 12, false, 0, Good, "it came back after 3.0"},
		{"tcp-drop-after-bind", opening + loggedIn + gone, 12, true, 3, Weak, "it gave up; it ended with exit code 3"},
		{"tcp-drop-after-bind", opening + loggedIn + gone, 12, false, 0, Weak, "it did not come back within 2"},
		{"tcp-drop-after-bind", opening + loggedIn + gone, 12, true, -1, Bad, "it gave up; it was ended by a signal"},
		{"tcp-drop-after-bind", opening + loggedIn + gone + strings.Repeat(next+opening+gone, 5), 12, false, 0, Bad, "and it came back 5 times without a pause"},
		{"tcp-drop-after-bind", opening, -1, true, 1, NoUse, "the client has not used its session; it ended with exit code 1"},
		{"no-starttls", unknown + gone, -1, true, 1, NoUse, "the server ended the stream with host-unknown"},
		{"tcp-drop-after-bind", gone, -1, false, 0, NoUse, "the client has not connected"},
		{"no-starttls", inClear + plain, 2, false, 0, Bad, "with PLAIN it sent the password without TLS"},
		{"no-starttls", inClear + refusedScram, 2, false, 0, Weak, "without TLS, with SCRAM-SHA-1"},
		{"no-starttls", inClear + gone, 2, true, 1, Good, "it went no further, and left"},
		{"plus-stripped", opening + refusedScram + loggedIn, 3, false, 0, Bad, "it went on with PLAIN after SCRAM-SHA-1, without asking"},
		{"plus-stripped", opening + refusedScram, 3, false, 0, Good, `it said "y"`},
		{"plus-stripped", opening + loggedIn, 3, false, 0, Weak, "it logged in with PLAIN, which hands over what it proves itself with, and binds nothing to TLS"},
		{"stream-error-conflict", opening + loggedIn + gone + next + opening, 12, false, 0, Bad, "it came back after"},
		{"stream-error-conflict", opening + loggedIn + gone, 12, false, 0, Good, "it did not come back within"},
		{"stream-error-policy-violation", opening + loggedIn + gone + next + "*: wait 5s\n" + opening, 12, false, 0, Good, "it came back once, after 5"},
		{"stream-error-policy-violation", opening + loggedIn + gone + next + opening, 12, false, 0, Weak, "it came back at once"},
		{"account-disabled", opening + strings.Repeat(refusedScram, 4), 5, false, 0, Bad, "it tried 4 times within"},
		{"account-disabled", opening + refusedScram, 5, false, 0, Good, "it tried once"},
		{"sasl-failure-temporary", opening + refusedScram + strings.ReplaceAll(loggedIn, "mechanism='PLAIN'>AGFsaWNlAHB3", "mechanism='SCRAM-SHA-1'>eSwsbj1hbGljZSxyPWFiYw=="), 5, false, 0, Good, "tried again on the same connection"},
		{"sasl-failure-temporary", opening + strings.Replace(refusedScram, "SHA-1'", "SHA-256'", 1) + strings.ReplaceAll(loggedIn, "mechanism='PLAIN'>AGFsaWNlAHB3", "mechanism='SCRAM-SHA-1'>eSwsbj1hbGljZSxyPWFiYw=="), 5, false, 0, Weak, "logged in, with SCRAM-SHA-1 after SCRAM-SHA-256"},
		{"half-close", opening + loggedIn, 11, false, 0, Bad, "it keeps a connection on which nothing can come"},
		{"split-bytes", opening + loggedIn, 0, false, 0, Good, "it logged in, "},
		{"split-bytes", unknown + gone, 0, true, 1, NoUse, "the server ended the stream with host-unknown"},
		{"slow-server", opening + gone, 1, true, 1, Bad, "it gave up after"},
		{"features-late", opening, 1, false, 0, Bad, "it did not log in within"},
		{"resume-client", opening + loggedIn + gone + next + "*: wait 3s\n" + opening + loggedIn, 12, false, 0, Weak, "by a new login: what was under way is lost"},
		{"resume-server", opening + loggedIn, 11, false, 0, Weak, "it did not notice within"},
		{"big-stanza", opening + loggedIn + "C: <iq type='result' id='xmppscope-try'/>", 12, false, 0, Good, "it answered the ping"},
		{"big-stanza", opening + loggedIn + "C: <iq type='result' id='xmppscope-try'/>", 12, true, 2, Bad, "and then broke down; it ended with exit code 2"},
		{"big-stanza", opening + loggedIn + gone, 12, false, 0, Bad, "the connection ended after"},
		{"ping-unanswered", opening + loggedIn, 11, false, 0, Weak, "it did not mind within"},
		{"bind-conflict", opening + loggedIn, 10, false, 0, Good, "it got alice@x.test/a on the same connection"},
		{"see-other-host", opening + gone + next + "*: wait 1s\n" + opening + loggedIn, 2, false, 0, Good, "it came back after 1.0"},
	} {
		all, err := Find(tt.name)
		if err != nil || len(all) != 1 {
			t.Fatal(tt.name, err)
		}
		o := outcomeOf(t, tt.dialogue, tt.fired)
		o.Exited, o.Code = tt.exited, tt.code
		if r := all[0].Of(o); r.Grade != tt.want || !strings.Contains(r.Why, tt.why) {
			t.Errorf("%s: %s, %q; want %s, %q, of\n%s", tt.name, r.Grade, r.Why, tt.want, tt.why, tt.dialogue)
		}
	}
}

// TestEnough: a client is watched no longer than there is something to see.
func TestEnough(t *testing.T) {
	find := func(name string) *Experiment {
		all, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		return &all[0]
	}
	back := outcomeOf(t, opening+loggedIn+gone+next+opening+loggedIn, 12)
	if !back.Enough(find("tcp-drop-after-bind")) {
		t.Error("it has come back, and is watched on")
	}
	if back.Enough(find("stream-error-conflict")) {
		t.Error("who has to stay away is not watched to the end")
	}
	silent := outcomeOf(t, opening+loggedIn+gone, 12)
	if silent.Enough(find("tcp-drop-after-bind")) {
		t.Error("it is not watched to the end")
	}
	if silent.Exited = true; !silent.Enough(find("stream-error-conflict")) {
		t.Error("the client is gone, and watched on")
	}
	late := session.Event{Seen: session.Seen{Session: 9, At: silent.Now.Add(time.Second)}}
	if silent.Over = true; true {
		silent.Add(&late)
	}
	if len(silent.sessions) != 1 {
		t.Error("what happens later counts")
	}
}
