package capture

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// builder makes the events of one session as the relay would, with real TLS
// handshakes on both legs over loopback.
type builder struct {
	t      *testing.T
	mu     sync.Mutex
	id     int
	now    time.Time
	seq    uint64
	step   int
	events []session.Event
	book   session.Book
	offset [3]int64

	client, server net.Conn // the two ends that are not ours
	down, up       net.Conn // ours: towards the client, towards the server
}

const (
	nsSASL   = "urn:ietf:params:xml:ns:xmpp-sasl"
	password = "r0m30-myr0m30"
)

var start = time.Date(2026, 11, 22, 14, 0, 0, 123456789, time.UTC)

// tap records what passes on one of our connections as wire:bytes.
type tap struct {
	net.Conn
	b   *builder
	leg session.Leg
}

func (c tap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.b.add(session.Event{Seen: session.Seen{Leg: c.leg, Dir: c.leg.Dir(), Body: session.WireBytes{}, Raw: append([]byte(nil), p[:n]...), Size: int64(n)}, Said: session.Said{Done: true}})
	}
	return n, err
}

func (c tap) Write(p []byte) (int, error) {
	c.b.add(session.Event{Seen: session.Seen{Leg: c.leg, Dir: c.leg.Dir().Opposite(), Body: session.WireBytes{}, Raw: append([]byte(nil), p...), Size: int64(len(p))}, Said: session.Said{Done: true}})
	return c.Conn.Write(p)
}

func (b *builder) add(e session.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(1234567)
	e.Session, e.At = b.id, b.now
	if session.Numbered(e.Body) {
		b.seq++
		e.Seq = b.seq
	}
	b.events = append(b.events, e)
}

// newBuilder opens both legs.
func newBuilder(t *testing.T, id int) *builder {
	t.Helper()
	b := &builder{t: t, id: id, now: start.Add(time.Duration(id) * time.Second)}
	var down, up net.Conn
	b.client, down = xmpptest.Loopback(t)
	up, b.server = xmpptest.Loopback(t)
	b.down, b.up = tap{down, b, session.ClientLeg}, tap{up, b, session.ServerLeg}
	b.add(session.Event{Seen: session.Seen{Leg: session.ClientLeg, Body: session.TCPOpened{Local: down.LocalAddr().String(), Peer: down.RemoteAddr().String()}}, Said: session.Said{Done: true}})
	b.add(session.Event{Seen: session.Seen{Leg: session.ServerLeg, Body: session.TCPOpened{Local: up.LocalAddr().String(), Peer: up.RemoteAddr().String(), Target: "example.net:5222"}}, Said: session.Said{Done: true}})
	return b
}

// said is an element with what the explainer has to say about it.
type said struct {
	dir    session.Dir
	raw    string
	body   session.Body // StreamElement if nil
	name   string
	space  string
	step   string // rung id; "" for none
	notes  []session.Note
	secret string // a part of raw
}

// say sends an element through both legs.
func (b *builder) say(s said) {
	b.t.Helper()
	from, in, out, to := b.client, b.down, b.up, b.server
	if s.dir == session.S2C {
		from, in, out, to = b.server, b.up, b.down, b.client
	}
	go from.Write([]byte(s.raw))
	raw := make([]byte, len(s.raw))
	if _, err := io.ReadFull(in, raw); err != nil {
		b.t.Fatalf("reading %q: %v", s.raw, err)
	}
	b.add(b.explained(s))
	read := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(to, make([]byte, len(raw)))
		read <- err
	}()
	if _, err := out.Write(raw); err != nil {
		b.t.Fatal(err)
	}
	if err := <-read; err != nil {
		b.t.Fatal(err)
	}
}

func (b *builder) explained(s said) session.Event {
	e := session.Event{
		Seen: session.Seen{Leg: s.dir.From(), Dir: s.dir, Body: s.body, Raw: []byte(s.raw), Size: int64(len(s.raw)), Name: s.name, Offset: b.offset[s.dir]}, Said: session.Said{Done: true, Space: s.space, Notes: s.notes, Summary: "a summary of " + s.name},
	}
	b.offset[s.dir] += e.Size
	if e.Body == nil {
		e.Body = session.StreamElement{}
	}
	if s.step != "" {
		b.step++
		e.Step = &session.Step{N: b.step, ID: s.step, Title: "the rung " + s.step, Text: "what happens at " + s.step, Ref: "RFC 6120 §6.4.2", Since: 5 * time.Millisecond}
	}
	if s.secret != "" {
		at := strings.Index(s.raw, s.secret)
		e.AddSecrets(session.Secret{Kind: "password", Span: session.Span{Start: at, End: at + len(s.secret)}, Mark: b.book.Mark("password", password)})
	}
	return e
}

// secure does the handshakes of both legs, the server's inside the client's.
func (b *builder) secure(version uint16) {
	b.t.Helper()
	cert := selfSigned(b.t)
	keys := func(leg session.Leg) io.Writer { return keyLog{b, leg} }
	server := tls.Server(b.server, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: version, MaxVersion: version})
	client := tls.Client(b.client, &tls.Config{InsecureSkipVerify: true, ServerName: "example.net"})
	up := tls.Client(b.up, &tls.Config{InsecureSkipVerify: true, ServerName: "example.net", KeyLogWriter: keys(session.ServerLeg), MinVersion: version, MaxVersion: version})
	config := &tls.Config{Certificates: []tls.Certificate{cert}, KeyLogWriter: keys(session.ClientLeg), MinVersion: version, MaxVersion: version, SessionTicketsDisabled: true}
	down := tls.Server(b.down, &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if err := up.Handshake(); err != nil {
			return nil, err
		}
		b.add(b.established(session.ServerLeg, up))
		return config, nil
	}})
	peers := make(chan error, 2)
	go func() { peers <- server.Handshake() }()
	go func() { peers <- client.Handshake() }()
	if err := down.Handshake(); err != nil {
		b.t.Fatal(err)
	}
	b.add(b.established(session.ClientLeg, down))
	for range 2 {
		if err := <-peers; err != nil {
			b.t.Fatal(err)
		}
	}
	b.client, b.server, b.down, b.up = client, server, down, up
}

func (b *builder) established(leg session.Leg, c *tls.Conn) session.Event {
	state := c.ConnectionState()
	facts := session.TLSFacts{Version: tls.VersionName(state.Version), Suite: tls.CipherSuiteName(state.CipherSuite), SNI: "example.net"}
	if leg == session.ServerLeg {
		b.step++
	}
	return session.Event{
		Seen: session.Seen{Leg: leg, Body: session.TLSEstablished{TLSFacts: facts}}, Said: session.Said{Done: true, Summary: "TLS is on",
			Step: &session.Step{N: b.step, ID: "tls", Title: "the rung tls"}},
	}
}

type keyLog struct {
	b   *builder
	leg session.Leg
}

func (k keyLog) Write(line []byte) (int, error) {
	k.b.add(session.Event{Seen: session.Seen{Leg: k.leg, Body: session.TLSSecret{Line: strings.TrimSpace(string(line))}}, Said: session.Said{Done: true}})
	return len(line), nil
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.net"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// hang ends both legs, the client first.
func (b *builder) hang() {
	for _, leg := range []session.Leg{session.ClientLeg, session.ServerLeg} {
		b.add(session.Event{Seen: session.Seen{Leg: leg, Body: session.TCPClosed{By: "client"}}, Said: session.Said{Done: true}})
	}
}

const (
	clientHeader = `<?xml version='1.0'?><stream:stream to='example.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
	serverHeader = `<?xml version='1.0'?><stream:stream from='example.net' id='s1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
)

func plainPayload() string {
	return base64.StdEncoding.EncodeToString([]byte("\x00romeo\x00" + password))
}

func (b *builder) headers(features, k string) {
	c, s := session.C2S, session.S2C
	b.say(said{dir: c, raw: clientHeader, body: session.StreamOpened{}, name: "stream", space: nsStream, step: "stream-open-" + k})
	b.say(said{dir: s, raw: serverHeader, body: session.StreamOpened{}, name: "stream", space: nsStream, step: "stream-reply-" + k})
	b.say(said{dir: s, raw: `<stream:features>` + features + `</stream:features>`, name: "features", space: nsStream, step: "features-" + k})
}

// login is everything up to the bind; version 0 means without TLS.
func (b *builder) login(version uint16) {
	c, s := session.C2S, session.S2C
	mechanisms := `<mechanisms xmlns='` + nsSASL + `'><mechanism>PLAIN</mechanism></mechanisms>`
	if version != 0 {
		b.headers(`<starttls xmlns='`+nsTLS+`'><required/></starttls>`, "1")
		b.say(said{dir: c, raw: `<starttls xmlns='` + nsTLS + `'/>`, name: "starttls", space: nsTLS, step: "starttls"})
		b.say(said{dir: s, raw: `<proceed xmlns='` + nsTLS + `'/>`, name: "proceed", space: nsTLS, step: "proceed"})
		b.secure(version)
	}
	b.headers(mechanisms, "2")
	payload := plainPayload()
	b.say(said{
		dir: c, raw: `<auth xmlns='` + nsSASL + `' mechanism='PLAIN'>` + payload + `</auth>`, name: "auth", space: nsSASL, step: "sasl-auth", secret: payload,
		notes: []session.Note{
			{Rule: "sasl-plain", Name: "mechanism", Value: "PLAIN", Span: session.Span{Start: 50, End: 60}, Holds: session.Word},
			{Rule: "sasl-plain", Name: "authcid", Value: "juliet", Class: session.Identifier, Holds: session.User},
			{Rule: "sasl-plain", Severity: session.Warning, Name: "password", Value: password, Secret: "password", Mark: b.book.Mark("password", password), Ref: "RFC 4616 §2"},
			{Rule: "sasl-plain", Severity: session.Notice, Text: "the password goes to the server as it is"},
		},
	})
	b.say(said{dir: s, raw: `<success xmlns='` + nsSASL + `'/>`, name: "success", space: nsSASL, step: "sasl-success"})
	b.headers(`<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>`, "3")
	b.say(said{dir: c, raw: `<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`, name: "iq", space: "jabber:client", step: "bind-request"})
	b.say(said{dir: s, raw: `<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>romeo@example.net/x</jid></bind></iq>`, name: "iq", space: "jabber:client", step: "bind-result"})
}

// hostile is text that each format has to survive.
const hostile = "<message><body>]]> &lt;script&gt; --> <?php \x1b[2J \u202e \"'& \r\n\t \u0085 [red]</body><x xmlns='a&amp;\"b'>\x00\x01\ufffe</x></message>"

// rest is what follows a login in these tests.
func (b *builder) rest() {
	c, s := session.C2S, session.S2C
	b.say(said{dir: c, raw: "<presence/>", name: "presence", space: "jabber:client"})
	b.say(said{dir: c, raw: " ", body: session.StreamWhitespace{}})
	big := "<message><body>" + strings.Repeat("0123456789abcdef", 20_000) + "</body></message>"
	b.say(said{dir: s, raw: big, name: "message", space: "jabber:client"})
	b.say(said{dir: s, raw: "<message><body>that is all</body></message>", name: "message", space: "jabber:client"})
	b.say(said{dir: c, raw: "</stream:stream>", body: session.StreamClosed{}})
	b.say(said{dir: s, raw: "</stream:stream>", body: session.StreamClosed{}})
}

// nasty is text that is no XML, in every field that the wire can reach.
func (b *builder) nasty() {
	b.say(said{
		dir: session.S2C, raw: hostile, name: "message", space: "a&\"b\x01", notes: []session.Note{
			{Rule: "x", Name: "evil\x00", Value: "\x1b]0;title\a\ufffe", Text: "]]>\ufffe", Span: session.Span{Start: 3, End: 9}},
		},
	})
	b.say(said{dir: session.C2S, raw: "<message>\xff\xfe\xc3(\x80</message>", body: session.StreamRaw{}, name: "", space: ""})
	b.add(session.Event{Seen: session.Seen{Dir: session.C2S, Leg: session.ClientLeg, Body: session.RelayOpaque{Reason: "not UTF-8: \ufffe", At: 12}}, Said: session.Said{Done: true}})
	b.add(session.Event{Seen: session.Seen{Dir: session.C2S, Leg: session.ClientLeg, Body: session.Unknown{Kind: "relay:future", Detail: []byte(`{"a":1}`)}}, Said: session.Said{Done: true}})
}

// full is a session with everything in it.
func full(t *testing.T, id int, version uint16) []session.Event {
	t.Helper()
	b := newBuilder(t, id)
	b.login(version)
	b.rest()
	b.hang()
	return b.events
}
