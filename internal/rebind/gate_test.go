package rebind

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"xmppscope/decode"
	"xmppscope/proxy"
	"xmppscope/session"
)

const (
	onClient = "what the client's connection is"
	onServer = "what the server's connection is"
	account  = "carol@example.net"
	password = "r0m30myr0m30"
)

// wire is what lies between a client and a server: a gate.
type wire struct {
	t    *testing.T
	gate *Gate
	cut  decode.Stream
	said []string // reasons
}

func newWire(t *testing.T, kind string, change func(*Options)) *wire {
	o := Options{
		Client: map[string]string{kind: hex.EncodeToString([]byte(onClient))},
		Server: map[string]string{kind: hex.EncodeToString([]byte(onServer))},
		Domain: "example.net",
		Password: func(user, domain string) (string, bool) {
			return password, user+"@"+domain == account
		},
	}
	if change != nil {
		change(&o)
	}
	w := &wire{t: t, gate: New(o)}
	for _, dir := range []session.Dir{session.C2S, session.S2C} {
		w.pass(dir, "<stream:stream xmlns='jabber:client' xmlns:s='urn:ietf:params:xml:ns:xmpp-sasl' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
	}
	return w
}

// pass is what goes on of an element.
func (w *wire) pass(dir session.Dir, xml string) string {
	w.t.Helper()
	_, piece, ok := w.cut.Next(dir, []byte(xml))
	if !ok {
		w.t.Fatalf("%s is no element", xml)
	}
	if !w.gate.Wants(dir) {
		return xml
	}
	d := w.gate.Consider(&piece)
	if d.Later != nil {
		d = d.Later()
	}
	if d.Reason != "" {
		w.said = append(w.said, d.Reason)
	}
	if d.XML == nil {
		return xml
	}
	return string(d.XML)
}

// profile is how a SASL message is carried: RFC 6120, or XEP-0388.
type profile struct{ auth, challenge, response, success string }

var (
	sasl1 = profile{
		"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256-PLUS'>%s</auth>",
		"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</challenge>",
		"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</response>",
		"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</success>",
	}
	spaced = profile{
		"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256-PLUS'>%s</auth>",
		"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\n  %s\n</challenge>",
		"<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\n  %s\n</response>",
		"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</success>",
	}
	prefixed = profile{
		"<s:auth mechanism='SCRAM-SHA-256-PLUS'>%s</s:auth>", "<s:challenge>%s</s:challenge>", "<s:response>%s</s:response>", "<s:success>%s</s:success>",
	}
	tasks = profile{sasl2auth, sasl2challenge, sasl2response,
		"<continue xmlns='urn:xmpp:sasl:2'><additional-data>%s</additional-data><tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>",
	}
	sasl2 = profile{
		sasl2auth, sasl2challenge, sasl2response,
		"<success xmlns='urn:xmpp:sasl:2'><additional-data>%s</additional-data><authorization-identifier>carol@example.net</authorization-identifier></success>",
	}
)

const (
	sasl2auth      = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='SCRAM-SHA-256-PLUS'><initial-response>%s</initial-response><user-agent id='a'/></authenticate>"
	sasl2challenge = "<challenge xmlns='urn:xmpp:sasl:2'>%s</challenge>"
	sasl2response  = "<response xmlns='urn:xmpp:sasl:2'>%s</response>"
)

// carry passes a payload on in an element, and returns the payload that arrives; all else
// has to arrive as it was sent.
func (w *wire) carry(dir session.Dir, in, payload string) string {
	w.t.Helper()
	out := w.pass(dir, fmt.Sprintf(in, base64.StdEncoding.EncodeToString([]byte(payload))))
	before, after, _ := strings.Cut(in, "%s")
	text, ok := strings.CutPrefix(out, before)
	text, ok2 := strings.CutSuffix(text, after)
	got, err := base64.StdEncoding.DecodeString(text)
	if !ok || !ok2 || err != nil {
		w.t.Fatalf("%s arrives as %s", in, out)
	}
	return string(got)
}

// login plays a whole login; the errors are what each side makes of it.
func (w *wire) login(p profile, clientCB, serverCB scram.ChannelBinding, typed string) (client, server error) {
	w.t.Helper()
	c, err := scram.SHA256.NewClient("carol", typed, "")
	if err != nil {
		w.t.Fatal(err)
	}
	cc, sc := c.NewConversationWithChannelBinding(clientCB), serverConversation(w.t, serverCB)
	first, err := cc.Step("")
	if err != nil {
		w.t.Fatal(err)
	}
	challenge, err := sc.Step(w.carry(session.C2S, p.auth, first))
	if err != nil {
		w.t.Fatal(err)
	}
	final, err := cc.Step(w.carry(session.S2C, p.challenge, challenge))
	if err != nil {
		w.t.Fatal(err)
	}
	signature, err := sc.Step(w.carry(session.C2S, p.response, final))
	if err != nil {
		return nil, err
	}
	_, err = cc.Step(w.carry(session.S2C, p.success, signature))
	return err, nil
}

// serverConversation is that of a server that knows the password, and insists on the
// binding.
func serverConversation(t *testing.T, cb scram.ChannelBinding) *scram.ServerConversation {
	t.Helper()
	c, err := scram.SHA256.NewClient("carol", password, "")
	if err != nil {
		t.Fatal(err)
	}
	stored, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salty", Iters: 4096})
	if err != nil {
		t.Fatal(err)
	}
	s, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	if err != nil {
		t.Fatal(err)
	}
	return s.NewConversationWithChannelBindingRequired(cb)
}

func bindingOf(kind, data string) scram.ChannelBinding {
	return scram.ChannelBinding{Type: scram.ChannelBindingType(kind), Data: []byte(data)}
}

// TestLogins: a client and a server of another's making, bound to different connections,
// both get what they check.
func TestLogins(t *testing.T) {
	for _, kind := range []string{"tls-exporter", "tls-unique", "tls-server-end-point"} {
		for name, p := range map[string]profile{"SASL": sasl1, "SASL2": sasl2, "white space": spaced, "a prefix": prefixed, "tasks to come": tasks} {
			w := newWire(t, kind, nil)
			client, server := w.login(p, bindingOf(kind, onClient), bindingOf(kind, onServer), password)
			if client != nil || server != nil {
				t.Errorf("%s, %s: the client says %v, the server %v; said: %q", kind, name, client, server, w.said)
			}
			if len(w.said) != 2 || !strings.Contains(w.said[0], kind) || !strings.Contains(w.said[1], "v=") {
				t.Errorf("%s, %s: it is said: %q", kind, name, w.said)
			}
			if stays := name == "tasks to come"; w.gate.Wants(session.C2S) != stays || w.gate.Wants(session.S2C) != stays {
				t.Errorf("%s, %s: the gate stays: %v", kind, name, !stays)
			}
		}
	}
}

// TestUntouched: what cannot or must not be bound anew passes as it came, and why is said.
func TestUntouched(t *testing.T) {
	const kind = "tls-exporter"
	for _, tt := range []struct {
		name, typed, says string
		bound             string // what the client binds to
		change            func(*Options)
	}{
		{"another connection", password, "something else", "elsewhere", nil},
		{"nobody knows the password", password, "--password-file carol@example.net=FILE", onClient, func(o *Options) {
			o.Password = func(string, string) (string, bool) { return "", false }
		}},
		{"no such binding on the client's leg", password, "client's connection has no tls-exporter", onClient, func(o *Options) { o.Client = nil }},
		{"no such binding on the server's leg", password, "server's connection has no tls-exporter", onClient, func(o *Options) { o.Server = nil }},
	} {
		w := newWire(t, kind, tt.change)
		client, server := w.login(sasl1, bindingOf(kind, tt.bound), bindingOf(kind, onServer), tt.typed)
		if server == nil || client != nil {
			t.Errorf("%s: the client says %v, the server %v", tt.name, client, server)
		}
		if len(w.said) != 1 || !strings.Contains(w.said[0], tt.says) {
			t.Errorf("%s: it is said: %q", tt.name, w.said)
		}
		if !w.gate.Wants(session.C2S) {
			t.Errorf("%s: the gate is gone, and the client may try again", tt.name)
		}
	}
}

// TestWrongPassword: a server refuses a client with another password for that, as it does
// without us, and not for its binding.
func TestWrongPassword(t *testing.T) {
	const kind = "tls-exporter"
	w := newWire(t, kind, nil)
	client, server := w.login(sasl1, bindingOf(kind, onClient), bindingOf(kind, onServer), "n0tit")
	_, alone := newWire(t, kind, nil).login(sasl1, bindingOf(kind, onServer), bindingOf(kind, onServer), "n0tit")
	if client != nil || server == nil || alone == nil || server.Error() != alone.Error() {
		t.Errorf("the client says %v, the server %v; want %v", client, server, alone)
	}
	if len(w.said) != 1 || !strings.Contains(w.said[0], "does not fit the password") || !strings.Contains(w.said[0], "only c= ") {
		t.Errorf("it is said: %q", w.said)
	}
	if !w.gate.Wants(session.C2S) {
		t.Error("the gate is gone, and the client may try again")
	}
}

// TestWrongSignature: a server that does not know the password is not helped.
func TestWrongSignature(t *testing.T) {
	w := newWire(t, "tls-exporter", nil)
	c, err := scram.SHA256.NewClient("carol", password, "")
	if err != nil {
		t.Fatal(err)
	}
	cc := c.NewConversationWithChannelBinding(bindingOf("tls-exporter", onClient))
	first, _ := cc.Step("")
	w.carry(session.C2S, sasl1.auth, first)
	nonce := first[strings.Index(first, "r=")+2:]
	final, err := cc.Step(w.carry(session.S2C, sasl1.challenge, "r="+nonce+"xyz,s=c2FsdHk=,i=4096"))
	if err != nil {
		t.Fatal(err)
	}
	w.carry(session.C2S, sasl1.response, final)
	forged := "v=" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	if got := w.carry(session.S2C, sasl1.success, forged); got != forged {
		t.Errorf("a signature that does not fit arrives as %s", got)
	}
	if len(w.said) != 2 || !strings.Contains(w.said[1], "the client has to refuse it") {
		t.Errorf("it is said: %q", w.said)
	}
}

// TestOthersPass: all that is no login with SCRAM-PLUS passes byte for byte, without a word;
// so do messages that nobody understands.
func TestOthersPass(t *testing.T) {
	w := newWire(t, "tls-exporter", nil)
	for _, tt := range []struct {
		dir session.Dir
		xml string
	}{
		{session.S2C, "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>"},
		{session.C2S, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGNhcm9sAHg=</auth>"},
		{session.S2C, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"},
		{session.C2S, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>biwsbj1jLHI9YQ==</auth>"},
		{session.S2C, "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj1hYixzPWM=</challenge>"},
		{session.C2S, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yz1iaXdzLHI9YWIscD14</response>"},
		{session.C2S, "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"},
		{session.C2S, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1-PLUS'>biwsbj1jLHI9YQ==</auth>"}, // n,,n=c,r=a
		{session.S2C, "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>cj1hYixzPVkyRnliMnc9LGk9MQ==</challenge>"},
		{session.C2S, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yz1iaXdzLHI9YWIscD14</response>"},
		{session.C2S, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1-PLUS'/>"},
		{session.S2C, "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</challenge>"},
		{session.C2S, "<message><body>hello</body></message>"},
	} {
		if got := w.pass(tt.dir, tt.xml); got != tt.xml {
			t.Errorf("%s became %s", tt.xml, got)
		}
	}
	if len(w.said) > 0 {
		t.Errorf("it is said: %q", w.said)
	}
}

// TestNoBase64: what cannot be read is not bound anew, which is said.
func TestNoBase64(t *testing.T) {
	w := newWire(t, "tls-exporter", nil)
	w.pass(session.C2S, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1-PLUS'/>")
	const xml = "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>not base64</response>"
	if got := w.pass(session.C2S, xml); got != xml || len(w.said) != 1 || !strings.Contains(w.said[0], "no base64") {
		t.Errorf("%s; said: %q", got, w.said)
	}
}

// TestGateGoesWithoutSASL: a session that logs in without SASL, or does not log in at all,
// is not held back for longer.
func TestGateGoesWithoutSASL(t *testing.T) {
	for _, xml := range []string{"<presence/>", "<message/>", "<handshake>abc</handshake>"} {
		w := newWire(t, "tls-exporter", nil)
		w.pass(session.S2C, "<iq type='result' id='1'/>")
		if !w.gate.Wants(session.C2S) {
			t.Error("it goes too soon")
		}
		if w.pass(session.C2S, xml); w.gate.Wants(session.C2S) {
			t.Errorf("it stays after %s", xml)
		}
	}
}

// TestTooManyIterations: a server cannot have us compute for as long as it likes.
func TestTooManyIterations(t *testing.T) {
	w := newWire(t, "tls-exporter", nil)
	w.carry(session.C2S, sasl1.auth, "p=tls-exporter,,n=carol,r=abc")
	w.carry(session.S2C, sasl1.challenge, "r=abcdef,s=c2FsdHk=,i=1000001")
	c := base64.StdEncoding.EncodeToString([]byte("p=tls-exporter,," + onClient))
	w.carry(session.C2S, sasl1.response, "c="+c+",r=abcdef,p=AAAA")
	if len(w.said) != 1 || !strings.Contains(w.said[0], "1000001 iterations") {
		t.Errorf("it is said: %q", w.said)
	}
}

// TestToken: a token that has crossed us binds the next login anew, in another session, and
// a token that has not is left alone.
func TestToken(t *testing.T) {
	const (
		kind = "tls-exporter"
		auth = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='HT-SHA-256-EXPR'><initial-response>%s</initial-response><fast xmlns='urn:xmpp:fast:0'/></authenticate>"
	)
	tokens := new(Tokens)
	share := func(o *Options) { o.Tokens = tokens }
	mac := func(token, word, binding string) string {
		h := hmac.New(sha256.New, []byte(token))
		h.Write([]byte(word + binding))
		return string(h.Sum(nil))
	}
	first := newWire(t, kind, share)
	first.pass(session.C2S, "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>")
	first.pass(session.S2C, "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>carol@example.net/a</authorization-identifier><token xmlns='urn:xmpp:fast:0' expiry='2030-01-01T00:00:00Z' token='s3cr3tt0ken'/></success>")

	w := newWire(t, kind, share)
	if got, want := w.carry(session.C2S, auth, "carol\x00"+mac("s3cr3tt0ken", "Initiator", onClient)), "carol\x00"+mac("s3cr3tt0ken", "Initiator", onServer); got != want {
		t.Errorf("the server gets %q, want %q", got, want)
	}
	if got, want := w.carry(session.S2C, sasl2.success, mac("s3cr3tt0ken", "Responder", onServer)), mac("s3cr3tt0ken", "Responder", onClient); got != want {
		t.Errorf("the client gets %q, want %q", got, want)
	}
	if len(w.said) != 2 {
		t.Errorf("it is said: %q", w.said)
	}

	w = newWire(t, kind, share)
	sent := "carol\x00" + mac("an0ther", "Initiator", onClient)
	if got := w.carry(session.C2S, auth, sent); got != sent || len(w.said) != 1 || !strings.Contains(w.said[0], "none of the tokens") {
		t.Errorf("another token: the server gets %q; said: %q", got, w.said)
	}
	w = newWire(t, kind, share)
	w.carry(session.C2S, auth, "carol\x00"+mac("s3cr3tt0ken", "Initiator", onClient))
	forged := mac("an0ther", "Responder", onServer)
	if got := w.carry(session.S2C, sasl2.success, forged); got != forged || !strings.Contains(w.said[1], "has to refuse it") {
		t.Errorf("a forged answer: the client gets %q; said: %q", got, w.said)
	}
	for i := range 2 * maxTokens {
		tokens.add(fmt.Sprint(i))
	}
	if len(tokens.known) > maxTokens {
		t.Errorf("%d tokens are kept", len(tokens.known))
	}
}

// FuzzGate: whatever comes, it passes or is replaced by something well-formed.
func FuzzGate(f *testing.F) {
	f.Add("p=tls-exporter,,n=carol,r=abc", "r=abcdef,s=c2FsdHk=,i=10", "c=,r=abcdef,p=AAAA", "v=AAAA")
	f.Fuzz(func(t *testing.T, first, challenge, final, signature string) {
		w := newWire(t, "tls-exporter", nil)
		w.carry(session.C2S, sasl1.auth, first)
		w.carry(session.S2C, sasl1.challenge, challenge)
		w.carry(session.C2S, sasl1.response, final)
		w.carry(session.S2C, sasl1.success, signature)
	})
}

var _ proxy.Gate = (*Gate)(nil)
