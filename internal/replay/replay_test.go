package replay_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xmppscope/internal/demo"
	"xmppscope/internal/replay"
	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// patience bounds waits of parts that have nothing to wait for.
const patience = 20 * time.Second

// scoreOf is the first session of a dialogue.
func scoreOf(t testing.TB, dialogue string) *replay.Score {
	t.Helper()
	return scoreWith(t, dialogue, func(e session.Event) session.Event { return e })
}

// scoreWith is scoreOf of what its events become.
func scoreWith(t testing.TB, dialogue string, become func(session.Event) session.Event) *replay.Score {
	t.Helper()
	s := new(replay.Score)
	for _, e := range xmpptest.Play(t, dialogue) {
		e = become(e)
		s.Add(&e)
	}
	return s
}

// identity is TLS for a domain: the server's side and the client's.
func identity(t testing.TB, domain string) (server, client *tls.Config) {
	t.Helper()
	authority, err := demo.NewAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.Issue(domain)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}}, &tls.Config{RootCAs: authority.Roots(), ServerName: domain}
}

// told collects departures.
type told struct {
	mu   sync.Mutex
	list []string
}

func (d *told) add(x replay.Departure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, x.String())
}

// options are those of a part, with one password for everybody.
func options(password string, t *tls.Config, d *told) replay.Options {
	return replay.Options{
		Wait: patience, Most: 1000, TLS: t, Departs: d.add,
		Password: func(string, string) (string, bool) { return password, password != "" },
	}
}

// wired is a connection that keeps what is sent.
type wired struct {
	net.Conn
	mu   sync.Mutex
	sent []byte
}

func (w *wired) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.sent = append(w.sent, p...)
	w.mu.Unlock()
	return w.Conn.Write(p)
}

// TestAgainstItself: what was recorded of real clients and servers, played by both sides
// against each other, departs nowhere, whatever is new in it.
func TestAgainstItself(t *testing.T) {
	testAgainstItself(t, func(e session.Event) session.Event { return e })
}

// TestAgainstItselfBlanked: nor does it where secrets were taken out of the recording.
func TestAgainstItselfBlanked(t *testing.T) { testAgainstItself(t, session.Blank) }

func testAgainstItself(t *testing.T, become func(session.Event) session.Event) {
	played := 0
	for _, name := range xmpptest.Recordings(t) {
		s := scoreWith(t, xmpptest.Recording(t, name), become)
		if strings.Contains(name, "badca") || slices.ContainsFunc(s.Mechanisms(), func(m string) bool { return strings.HasSuffix(m, "-PLUS") }) {
			continue // ends in the handshake; bound to a connection of then
		}
		played++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := s.Ready(); err != nil {
				t.Fatal(err)
			}
			domain := s.Domain
			serverTLS, clientTLS := identity(t, domain)
			a, b := xmpptest.Loopback(t)
			var atClient, atServer told
			done := make(chan error, 1)
			go func() { done <- s.Server(t.Context(), b, options("sesame", serverTLS, &atServer)) }()
			if err := s.Client(t.Context(), a, options("sesame", clientTLS, &atClient)); err != nil {
				t.Errorf("the client: %v", err)
			}
			if err := <-done; err != nil {
				t.Errorf("the server: %v", err)
			}
			if all := slices.Concat(atClient.list, atServer.list); len(all) > 0 {
				t.Errorf("%s", strings.Join(all, "\n"))
			}
		})
	}
	if played < 12 {
		t.Errorf("only %d recordings were played", played)
	}
}

// clear is a login without TLS, for what is said to be looked at.
const clear = `C: <?xml version='1.0'?><stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <?xml version='1.0'?><stream:stream from='x.test' id='stream-1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>
C: <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAG9sZA==</auth>
S: <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>
C: <stream:stream to='x.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:stream from='x.test' id='stream-2' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>
S: <stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>
C: <iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>home</resource></bind></iq>
S: <iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@x.test/home-77</jid></bind></iq>
C: <enable xmlns='urn:xmpp:sm:3'/>
S: <enabled xmlns='urn:xmpp:sm:3' id='sm-77'/>
S: <iq type='get' id='push-77' from='x.test' to='alice@x.test/home-77'><ping xmlns='urn:xmpp:ping'/></iq>
C: <iq type='result' id='push-77' to='x.test' from='alice@x.test/home-77'/>
S: <r xmlns='urn:xmpp:sm:3'/>
C: <a xmlns='urn:xmpp:sm:3' h='1'/>
C: <presence from='alice@x.test/home-77'/>
C: <message to='bob@x.test' id='m1'><body>push-77</body></message>
`

// TestClientSaysWhatItMay: the login, and so many more as are allowed; ids, JIDs and counts
// are those of now, and all else is as it was recorded.
func TestClientSaysWhatItMay(t *testing.T) {
	server := []string{
		"<stream:stream", "<stream:stream from='x.test' id='new-1' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>",
		"</auth>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
		"<stream:stream", "<stream:stream from='x.test' id='new-2' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>",
		"</iq>", "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@x.test/home-99</jid></bind></iq>",
		"<enable ", "<enabled xmlns='urn:xmpp:sm:3' id='sm-99'/><message from='carol@x.test'><body>unasked</body></message><r xmlns='urn:xmpp:sm:3'/><iq type='get' id='push-99' from='x.test' to='alice@x.test/home-99'><ping xmlns='urn:xmpp:ping'/></iq>",
	}
	for _, tt := range []struct {
		most       int
		want, none []string
	}{
		{0, []string{"\x00", "<resource>home</resource>", "<enable "}, []string{"<message", "<presence", "type='result'"}},
		{1, []string{"<a xmlns='urn:xmpp:sm:3' h='1'/>", "<iq type='result' id='push-99' to='x.test' from='alice@x.test/home-99'/>"}, []string{"<message", "<presence"}},
		{9, []string{"<presence from='alice@x.test/home-99'/>", "<message to='bob@x.test' id='m1'><body>push-77</body></message>"}, []string{"home-77"}},
	} {
		a, b := xmpptest.Loopback(t)
		go func() {
			r := bufio.NewReader(b)
			for i := 0; i < len(server); i += 2 {
				if until(r, server[i]) != nil {
					return
				}
				io.WriteString(b, server[i+1])
			}
			io.Copy(io.Discard, r)
			b.Close()
		}()
		var departed told
		o := options("new password", nil, &departed)
		o.Most, o.InClear = tt.most, true
		w := &wired{Conn: a}
		s := scoreOf(t, clear)
		if err := s.Ready(); err != nil {
			t.Fatal(err)
		}
		if err := s.Client(t.Context(), w, o); err != nil {
			t.Fatal(err)
		}
		for _, want := range append(tt.want, "</stream:stream>") {
			if want == "\x00" {
				want = "AGFsaWNlAG5ldyBwYXNzd29yZA==" // the password of now
			}
			if !strings.Contains(string(w.sent), want) {
				t.Errorf("with %d stanzas allowed %q was not sent:\n%s", tt.most, want, w.sent)
			}
		}
		for _, none := range tt.none {
			if strings.Contains(string(w.sent), none) {
				t.Errorf("with %d stanzas allowed %q was sent:\n%s", tt.most, none, w.sent)
			}
		}
		if len(departed.list) > 0 {
			t.Errorf("it departed: %q", departed.list)
		}
	}
}

func until(r *bufio.Reader, what string) error {
	var got []byte
	for !strings.HasSuffix(string(got), what) {
		c, err := r.ReadByte()
		if err != nil {
			return err
		}
		got = append(got, c)
	}
	for strings.HasPrefix(what, "<") && !strings.HasPrefix(what, "</") { // to the end of the tag
		c, err := r.ReadByte()
		if err != nil || c == '>' {
			return err
		}
	}
	return nil
}

// TestNoPasswordInTheClear: a password is not sent without TLS unless that was meant.
func TestNoPasswordInTheClear(t *testing.T) {
	s := scoreOf(t, clear)
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	a, b := xmpptest.Loopback(t)
	var departed told
	go s.Server(t.Context(), b, options("sesame", nil, &told{}))
	w := &wired{Conn: a}
	err := s.Client(t.Context(), w, options("sesame", nil, &departed))
	if err == nil || !strings.Contains(err.Error(), "--in-clear") || strings.Contains(string(w.sent), "<auth") {
		t.Errorf("%v, and sent\n%s", err, w.sent)
	}
}

// TestDepartures: what the other side does otherwise is told, with the recorded event.
func TestDepartures(t *testing.T) {
	refused := strings.Replace(clear, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><account-disabled/></failure>", 1)
	refused = refused[:strings.Index(refused, "</failure>")+len("</failure>\n")]
	other := strings.ReplaceAll(clear, "mechanism='PLAIN'>AGFsaWNlAG9sZA==", "mechanism='X-UNKNOWN'>AGFsaWNlAG9sZA==")
	for _, tt := range []struct{ name, client, server, clientPassword, want string }{
		{"refused now", clear, refused, "sesame", "at #4: the server refuses the login (account-disabled), where the recording has it accepted"},
		{"accepted now", refused, clear, "sesame", "at #4: the server accepts the login, where the recording has it refused (account-disabled)"},
		{"wrong password", clear, clear, "wrong", "the login is refused, where the recording has it accepted: the client's password is another"},
		{"cannot be repeated", other, clear, "sesame", "at #4: X-UNKNOWN cannot be repeated: PLAIN is used"},
		{"silent", clear, clear[:strings.Index(clear, "S: <iq")], "sesame", "at #10: the server has not sent <iq type=\\\"result\\\"> with <bind>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := xmpptest.Loopback(t)
			var departed told
			client, server := scoreOf(t, tt.client), scoreOf(t, tt.server)
			if err := client.Ready(); err != nil {
				t.Fatal(err)
			}
			if err := server.Ready(); err != nil {
				t.Fatal(err)
			}
			go server.Server(t.Context(), b, options("sesame", nil, &departed))
			o := options(tt.clientPassword, nil, &departed)
			o.InClear = true
			if tt.name == "silent" {
				o.Wait = 50 * time.Millisecond
			}
			if err := client.Client(t.Context(), a, o); err != nil {
				t.Fatal(err)
			}
			departed.mu.Lock()
			defer departed.mu.Unlock()
			if !slices.ContainsFunc(departed.list, func(s string) bool { return strings.Contains(s, strings.ReplaceAll(tt.want, `\"`, `"`)) }) {
				t.Errorf("it was told: %q", departed.list)
			}
		})
	}
}

// TestAnotherAccount: the JIDs, the domain and the name that logs in are those of the account
// that plays.
func TestAnotherAccount(t *testing.T) {
	s := scoreOf(t, clear)
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	a, b := xmpptest.Loopback(t)
	var departed told
	with := func() replay.Options {
		o := options("sesame", nil, &departed)
		o.Account, o.InClear = "bob@y.test", true
		return o
	}
	go s.Server(t.Context(), b, with())
	w := &wired{Conn: a}
	if err := s.Client(t.Context(), w, with()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"to='y.test'", "AGJvYgBzZXNhbWU=", "from='bob@y.test/home"} {
		if !strings.Contains(string(w.sent), want) {
			t.Errorf("%q was not sent:\n%s", want, w.sent)
		}
	}
	if strings.Contains(string(w.sent), "alice") || len(departed.list) > 0 {
		t.Errorf("%q, sent\n%s", departed.list, w.sent)
	}
}

// TestNotPlayable: what cannot be played is refused before anything is sent.
func TestNotPlayable(t *testing.T) {
	for _, tt := range []struct{ dialogue, want string }{
		{"S: <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>", "no stream header of the client"},
		{"C: <stream:stream to='a' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>", "between two servers"},
		{"C: <open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a'/>", "no stream header"},
	} {
		err := scoreOf(t, tt.dialogue).Ready()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.dialogue, err)
		}
	}
	s := scoreOf(t, clear)
	o := options("", nil, &told{})
	if err := s.Needs(o); err == nil || !strings.Contains(err.Error(), "the password of alice@x.test") {
		t.Errorf("without a password: %v", err)
	}
	if o.Verbatim = true; s.Needs(o) != nil {
		t.Errorf("verbatim: %v", s.Needs(o))
	}
}

// FuzzPlay: whatever is in a recording, and whatever the other side says, a part ends, and
// says no more than the recording has.
func FuzzPlay(f *testing.F) {
	f.Add(clear, clear)
	f.Add(framedClear, framedClear)
	f.Add(clear, framedClear)
	for _, name := range []string{"slixmpp-prosody", "profanity-ejabberd", "slixmpp-ejabberd-badpw"} {
		f.Add(xmpptest.Recording(f, name), clear)
		f.Add(clear, xmpptest.Recording(f, name))
	}
	f.Fuzz(func(t *testing.T, recorded, other string) {
		if len(recorded) > 64<<10 || len(other) > 64<<10 {
			return
		}
		s := new(replay.Score)
		for _, e := range events(t, recorded) {
			s.Add(&e)
		}
		if s.Ready() != nil {
			return
		}
		stream := func(c net.Conn) {
			go io.Copy(io.Discard, c)
			for line := range strings.Lines(other) {
				if len(line) > 3 && line[1] == ':' {
					io.WriteString(c, line[3:])
				}
			}
			c.Close()
		}
		framed := func(c net.Conn) {
			var messages []byte
			for line := range strings.Lines(other) {
				messages = append(messages, xmpptest.WebSocketFrame(session.S2C, 0x81, []byte(line[min(3, len(line)):]))...)
			}
			hostile(c, "", string(messages), false)
		}
		for _, c := range []struct {
			part func(context.Context, net.Conn, replay.Options) error
			peer func(net.Conn)
			url  string
		}{{s.Client, stream, ""}, {s.Server, stream, ""}, {s.Client, framed, "ws://x.test/ws"}} {
			a, b := net.Pipe()
			go c.peer(b)
			w := &wired{Conn: a}
			o := options("p", &tls.Config{InsecureSkipVerify: true}, &told{})
			o.Wait, o.InClear, o.WebSocket = time.Millisecond, true, c.url
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			c.part(ctx, w, o)
			if ctx.Err() != nil {
				t.Fatal("it hangs")
			}
			cancel()
			a.Close()
			if n := len(w.sent); n > 4*len(recorded)+16<<10 {
				t.Fatalf("a recording of %d bytes had %d sent", len(recorded), n)
			}
		}
	})
}

// events are those of a dialogue that may be anything: lines that are none are left out.
func events(t testing.TB, text string) []session.Event {
	var dialogue strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "C: ") || strings.HasPrefix(line, "S: ") || strings.HasPrefix(line, "*: C ws ") || strings.HasPrefix(line, "*: S ws ") || strings.HasPrefix(line, "*: C http ") || strings.HasPrefix(line, "*: S http ") {
			dialogue.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
	}
	if dialogue.Len() == 0 {
		return nil
	}
	return xmpptest.Play(t, dialogue.String())
}
