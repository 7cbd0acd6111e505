package viewer

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"xmppscope/session"
)

// began is when every made-up session begins.
var began = time.Date(2026, 11, 22, 14, 30, 5, 0, time.UTC)

// script makes events of one session with fixed times.
type script struct {
	id     int
	at     time.Duration
	seq    uint64
	events []session.Event
	steps  int
	last   time.Duration
}

func newScript(id int) *script { return &script{id: id, at: time.Duration(id-1) * 2 * time.Second} }

// add appends an event a while after the one before.
func (s *script) add(after time.Duration, e session.Event) *session.Event {
	s.at += after
	s.seq++
	e.Session, e.Seq, e.At = s.id, s.seq, began.Add(s.at)
	if e.Size == 0 {
		e.Size = int64(len(e.Raw))
	}
	s.events = append(s.events, e)
	return &s.events[len(s.events)-1]
}

// rung puts the event on the next rung of the ladder.
func (s *script) rung(e *session.Event, id, title, text, ref string) *session.Event {
	s.steps++
	e.Step = &session.Step{N: s.steps, ID: id, Title: title, Text: text, Ref: ref, Since: s.at - s.last}
	s.last = s.at
	return e
}

func (s *script) element(after time.Duration, dir session.Dir, raw, summary string) *session.Event {
	name := strings.TrimLeft(raw, "<")
	name = name[:strings.IndexAny(name, " />")]
	if _, local, ok := strings.Cut(name, ":"); ok {
		name = local
	}
	return s.add(after, session.Event{
		Seen: session.Seen{Leg: dir.From(), Dir: dir, Body: session.StreamElement{}, Raw: []byte(raw), Name: name}, Said: session.Said{Done: true, Summary: summary},
	})
}

func (s *script) header(after time.Duration, dir session.Dir, n int) {
	raw := `<?xml version='1.0'?><stream:stream to='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
	id, title, said := "stream-open", "opens a stream", "to example.net"
	if dir == session.S2C {
		raw = fmt.Sprintf(`<stream:stream from='example.net' id='c2s_%d' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`, n)
		id, title, said = "stream-reply", "answers with its stream", fmt.Sprintf("id c2s_%d", n)
	}
	e := s.add(after, session.Event{
		Seen: session.Seen{Leg: dir.From(), Dir: dir, Body: session.StreamOpened{}, Raw: []byte(raw), Name: "stream"}, Said: session.Said{Done: true, Summary: said,
			Notes: []session.Note{{Rule: "core-stream", Name: "version", Value: "1.0"}}},
	})
	if dir == session.C2S {
		e.Notes = append(e.Notes, session.Note{Rule: "core-stream", Name: "to", Value: "example.net"})
	}
	s.rung(e, fmt.Sprintf("%s-%d", id, n), title, "An XMPP session is one long XML document in each direction. The start tag names the domain that is asked for and the version of the protocol.", "RFC 6120 §4.2")
}

func (s *script) connect() {
	s.add(0, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Local: "127.0.0.1:5222", Peer: fmt.Sprintf("127.0.0.1:5012%d", s.id)}}, Said: session.Said{Done: true, Summary: fmt.Sprintf("client connected from 127.0.0.1:5012%d", s.id)}})
	s.add(3*time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Body: session.TCPOpened{Local: "192.0.2.4:41000", Peer: "192.0.2.80:5222", Target: "xmpp.example.net:5222", Via: "SRV _xmpp-client._tcp.example.net"}}, Said: session.Said{Done: true, Summary: "connected to xmpp.example.net:5222"}})
}

func facts(leg session.Leg) session.TLSFacts {
	f := session.TLSFacts{
		Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Group: "X25519MLKEM768", ALPN: "xmpp-client",
		SNI: "example.net", SNIFrom: "the stream's to", Domain: "example.net", EMS: true, Took: 4200 * time.Microsecond,
		Verdict: &session.Verification{OK: true, By: "DNS-ID example.net"},
		Hello:   &session.ClientHello{Versions: []string{"TLS 1.3", "TLS 1.2"}, Suites: []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}, Groups: []string{"X25519MLKEM768", "X25519", "P-256"}},
		Chain: []session.Certificate{
			{Subject: "CN=example.net", Issuer: "CN=Example CA", Serial: "1f00ba", DNS: []string{"example.net", "*.example.net"}, SRV: []string{"_xmpp-client.example.net"}, NotBefore: began.AddDate(0, -1, 0), NotAfter: began.AddDate(0, 2, 0), Key: "ECDSA P-256", Signature: "SHA256-RSA", SHA256: strings.Repeat("a1b2c3d4", 8)},
			{Subject: "CN=Example CA", Issuer: "CN=Example CA", NotBefore: began.AddDate(-1, 0, 0), NotAfter: began.AddDate(9, 0, 0), Key: "RSA 2048", CA: true, SHA256: strings.Repeat("00ff", 16)},
		},
	}
	if leg == session.ClientLeg {
		f.Verdict, f.Chain = nil, f.Chain[:1]
	}
	return f
}

// startTLS is the steps 1 to 9 of the ladder.
func (s *script) startTLS() {
	s.header(1*time.Millisecond, session.C2S, 1)
	s.header(12*time.Millisecond, session.S2C, 1)
	s.rung(s.element(1*time.Millisecond, session.S2C, `<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>X-GOOGLE-TOKEN</mechanism></mechanisms></stream:features>`, "STARTTLS required; SASL: X-GOOGLE-TOKEN"), "features-1", "features", "The server lists what it offers at this point, and what it insists on.", "RFC 6120 §4.3.2")
	s.rung(s.element(2*time.Millisecond, session.C2S, `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, "asks to encrypt"), "starttls", "asks for TLS", "The client asks to turn this connection into a TLS one.", "RFC 6120 §5.4.2.1")
	s.rung(s.element(9*time.Millisecond, session.S2C, `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, "go ahead"), "proceed", "agrees to TLS", "The byte after this element belongs to TLS.", "RFC 6120 §5.4.2.3")
	e := s.rung(s.add(21*time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Body: session.TLSEstablished{TLSFacts: facts(session.ServerLeg)}}, Said: session.Said{Done: true, Summary: "server leg: TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768"}}), "tls", "TLS handshake", "Both legs are encrypted from here on. xmppscope ends TLS on each side.", "RFC 6120 §5.4.3")
	step := e.Step
	s.add(5*time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TLSEstablished{TLSFacts: facts(session.ClientLeg)}}, Said: session.Said{Done: true, Step: step, Summary: "client leg: TLS 1.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768"}})
	s.header(2*time.Millisecond, session.C2S, 2)
	s.header(8*time.Millisecond, session.S2C, 2)
	s.rung(s.element(1*time.Millisecond, session.S2C, `<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism><mechanism>X-GOOGLE-TOKEN</mechanism></mechanisms></stream:features>`, "SASL: PLAIN, X-GOOGLE-TOKEN"), "features-2", "features", "The server lists what it offers at this point, and what it insists on.", "RFC 6120 §4.3.2")
}

const plainPayload = "AHlzb25nLmxlZUBnbWFpbC5jb20AeXNvbmdAMTk4NA=="

// auth is step 10: PLAIN with the payload of the founding document.
func (s *script) auth() {
	raw := `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>` + plainPayload + `</auth>`
	at := strings.Index(raw, plainPayload)
	e := s.element(6*time.Millisecond, session.C2S, raw, "PLAIN as ysong.lee@gmail.com")
	e.Secrets = []session.Secret{{Kind: "password", Span: session.Span{Start: at, End: at + len(plainPayload)}, Mark: "[SASL PLAIN #1, 44 characters]"}}
	e.Notes = []session.Note{
		{Rule: "sasl", Name: "mechanism", Value: "PLAIN"},
		{Rule: "sasl-plain", Name: "authcid", Value: "ysong.lee@gmail.com", Holds: session.User, Text: "who logs in"},
		{Rule: "sasl-plain", Name: "password", Value: "ysong@1984", Secret: "password", Mark: "[password #1, 10 characters]"},
		{Rule: "sasl-plain", Severity: session.Notice, Text: "the password itself is sent; only TLS protects it", Ref: "RFC 4616 §2"},
	}
	s.rung(e, "sasl-auth", "logs in", "The client chooses a SASL mechanism and sends what that mechanism wants first. For PLAIN that is NUL, user, NUL, password, in base64.", "RFC 6120 §6.4.2")
}

// login is the 18 steps, and a little of what follows them.
func login(id int) *script {
	s := newScript(id)
	s.connect()
	s.startTLS()
	s.auth()
	s.rung(s.element(30*time.Millisecond, session.S2C, `<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`, "the password is right"), "sasl-success", "authenticated", "The server knows who the client is.", "RFC 6120 §6.4.6")
	s.header(1*time.Millisecond, session.C2S, 3)
	s.header(9*time.Millisecond, session.S2C, 3)
	s.rung(s.element(1*time.Millisecond, session.S2C, `<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></stream:features>`, "bind, session"), "features-3", "features", "The server lists what it offers at this point.", "RFC 6120 §4.3.2")
	s.rung(s.element(3*time.Millisecond, session.C2S, `<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>home</resource></bind></iq>`, `asks for resource "home"`), "bind-request", "asks for an address", "The client asks for a full JID.", "RFC 6120 §7.6.1")
	e := s.element(11*time.Millisecond, session.S2C, `<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>ysong.lee@gmail.com/home</jid></bind></iq>`, "ysong.lee@gmail.com/home")
	e.Answers, e.RTT = s.seq-1, 11*time.Millisecond
	e.Notes = []session.Note{{Rule: "bind", Name: "jid", Value: "ysong.lee@gmail.com/home"}}
	s.rung(e, "bind-result", "gets its address", "The full JID under which others reach this session.", "RFC 6120 §7.6.1")
	s.rung(s.element(2*time.Millisecond, session.C2S, `<iq type='set' id='s1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>`, "asks for a session"), "session-request", "asks for a session", "A relic of RFC 3921.", "RFC 3921 §3")
	s.rung(s.element(10*time.Millisecond, session.S2C, `<iq type='result' id='s1'/>`, "done"), "session-result", "has a session", "The login is done.", "RFC 3921 §3")
	s.element(4*time.Millisecond, session.C2S, `<iq type='get' id='r1'><query xmlns='jabber:iq:roster'/></iq>`, "asks for the roster")
	s.element(12*time.Millisecond, session.S2C, `<iq type='result' id='r1'><query xmlns='jabber:iq:roster'><item jid='juliet@example.net' name='Juliet'/></query></iq>`, "roster: 1 contact")
	s.element(1*time.Millisecond, session.C2S, `<presence/>`, "is available")
	e = s.element(2*time.Second, session.S2C, `<message from='juliet@example.net/balcony' type='chat'><body>Wherefore art thou, [red]Romeo[-]?</body></message>`, `from juliet@example.net: "Wherefore art thou, [red]Romeo[-]?"`)
	e.Notes = []session.Note{{Rule: "im", Severity: session.Warning, Text: "has no id; receipts and corrections cannot name it"}}
	s.add(60*time.Second, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamWhitespace{}, Raw: []byte(" ")}, Said: session.Said{Done: true}})
	return s
}

// refused is a login with a wrong password.
func refused(id int) *script {
	s := newScript(id)
	s.connect()
	s.startTLS()
	s.auth()
	e := s.element(900*time.Millisecond, session.S2C, `<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>`, "not-authorized: the password is wrong, or there is no such account")
	e.Notes = []session.Note{{Rule: "sasl", Severity: session.Error, Text: "the server refused the credentials and does not say which of the two was wrong", Ref: "RFC 6120 §6.5.10"}}
	s.rung(e, "sasl-failure", "refused", "The server does not accept the credentials.", "RFC 6120 §6.4.5")
	s.add(2*time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Dir: session.C2S, Body: session.StreamClosed{}, Raw: []byte("</stream:stream>")}, Said: session.Said{Done: true, Summary: "closes its stream"}})
	e = s.add(1*time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}})
	e.Notes = []session.Note{{Rule: session.RuleVerdict, Name: session.FieldVerdict, Severity: session.Error,
		Value: "at #14 (sasl-failure) the server refused the login with PLAIN (not-authorized): a wrong user name or password is by far the most likely",
		Text:  "check user and password"}}
	s.add(1*time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ServerLeg, Body: session.TCPClosed{By: "xmppscope"}}, Said: session.Said{Done: true}})
	return s
}

// distrust is a client that does not accept our certificate.
func distrust(id int) *script {
	s := newScript(id)
	s.connect()
	s.header(1*time.Millisecond, session.C2S, 1)
	e := s.add(40*time.Millisecond, session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TLSFailed{
		TLSFacts: facts(session.ClientLeg), Class: session.ClassDistrust, Guilty: "client", Alert: "unknown_ca (48)",
		Reason: `the client does not trust the certificate that xmppscope made for "example.net"`,
		Hint:   "install the CA in the client; xmppscope ca says how", Err: "remote error: tls: unknown certificate authority",
	}}, Said: session.Said{Done: true}})
	s.rung(e, "tls", "TLS handshake", "Both legs are encrypted from here on.", "RFC 6120 §5.4.3")
	return s
}

// simplePretty is an indenter that is good enough for tests: one tag a line.
func simplePretty(raw []byte) iter.Seq[session.Line] {
	var out []session.Line
	depth := 0
	for _, part := range strings.SplitAfter(strings.ReplaceAll(string(raw), "<", "\x00<"), "\x00") {
		part = strings.Trim(part, "\x00")
		if part == "" {
			continue
		}
		if strings.HasPrefix(part, "</") {
			depth--
		}
		tag, text, _ := strings.Cut(part, ">")
		name, attrs, _ := strings.Cut(strings.Trim(tag, "</"), " ")
		l := session.Line{{Syntax: session.SyntaxPunct, Text: strings.Repeat("  ", max(0, depth)) + tag[:strings.Index(tag, name)]}, {Syntax: session.SyntaxTag, Text: name}}
		if attrs != "" {
			l = append(l, session.Piece{Syntax: session.SyntaxAttr, Text: " " + attrs})
		}
		l = append(l, session.Piece{Syntax: session.SyntaxPunct, Text: ">"})
		if text != "" {
			l = append(l, session.Piece{Syntax: session.SyntaxText, Text: text})
		}
		out = append(out, l)
		if !strings.HasPrefix(part, "</") && !strings.HasSuffix(tag, "/") && !strings.HasPrefix(part, "<?") {
			depth++
		}
	}
	return slices.Values(out)
}

// startLines is a start screen as cmd may give it.
var startLines = []string{
	"Listening on 127.0.0.1:5222. Set in the client:",
	"  account    your own address, as ever",
	"  server     127.0.0.1",
	"  port       5222",
	"",
	"Let the client trust the CA:",
	"  xmppscope ca export -o ca.pem",
	"  Gajim: Preferences, Advanced; profanity: /tls certpath",
}
