package peertest

import (
	"compress/zlib"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
)

const zlibRules = `
[edited]
when = 'name == "message" && dir == "c2s"'
do = "replace"
text = "said"
with = "edited"

[back-again]
when = 'name == "message" && dir == "s2c"'
do = "replace"
text = "edited"
with = "said"
`

// zlibClient is a client that compresses its stream (XEP-0138): no client that there is here
// does.
type zlibClient struct {
	conn io.ReadWriter
	r    io.Reader
	w    io.Writer
	read string
}

// says says something, and reads up to the end of what is wanted then.
func (c *zlibClient) says(text, want string) error {
	if _, err := io.WriteString(c.w, text); err != nil {
		return err
	}
	if z, ok := c.w.(*zlib.Writer); ok {
		if err := z.Flush(); err != nil {
			return err
		}
		if c.r == nil {
			r, err := zlib.NewReader(c.conn)
			if err != nil {
				return err
			}
			c.r = r
		}
	}
	room := make([]byte, 4<<10)
	for {
		if _, behind, ok := strings.Cut(c.read, want); ok {
			c.read = behind
			return nil
		}
		n, err := c.r.Read(room)
		if c.read += string(room[:n]); err != nil {
			return fmt.Errorf("behind %q: %w, and %q has not come in %q", text, err, want, c.read)
		}
	}
}

// TestZlib: a stream that ejabberd and its client compress is bent by rules, and both sides
// read what they get.
func TestZlib(t *testing.T) {
	s := xmpptest.StartEjabberd(t)
	bob := xmpptest.StartBob(t, s)
	rules := filepath.Join(t.TempDir(), "rules.toml")
	if err := os.WriteFile(rules, []byte(zlibRules), 0o600); err != nil {
		t.Fatal(err)
	}
	scope := startScope(t, "tls://"+s.Zlib, s.CAFile, "--reveal", "--rules", rules)
	pem, err := os.ReadFile(scope.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	conn, err := tls.Dial("tcp", scope.Addr, &tls.Config{RootCAs: roots, ServerName: xmpptest.PeerDomain})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	c := &zlibClient{conn: conn, r: conn, w: conn}
	header := "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + xmpptest.PeerDomain + "' version='1.0'>"
	user, _, _ := strings.Cut(xmpptest.AliceJID, "@")
	login := base64.StdEncoding.EncodeToString([]byte("\x00" + user + "\x00" + xmpptest.AlicePassword))
	for _, step := range []struct{ says, want string }{
		{header, "</stream:features>"},
		{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + login + "</auth>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"},
		{header, "<method>zlib</method>"},
		{"<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>", "<compressed xmlns='http://jabber.org/protocol/compress'/>"},
		{header, "</stream:features>"},
		{"<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</bind></iq>"},
		{"<presence/><message type='chat' to='" + xmpptest.BobJID + "'><body>said in blocks</body></message>", "<body>echo: said in blocks</body></message>"},
		{"</stream:stream>", "</stream:stream>"},
	} {
		if err := c.says(step.says, step.want); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(step.says, "<compress ") {
			c.r, c.w = nil, zlib.NewWriter(conn)
		}
	}
	conn.Close()
	bob.Expect(t, "edited in blocks")
	scope.until(t, "end of the client's connection", 1, clientGone)
	r := scope.stop(t)
	checkRead(t, r, scope.Saved)
	if len(r.find(func(e *event) bool { return strings.Contains(line(e), "xmppscope takes the compression off") })) != 1 {
		t.Error("it is not told, or not once, that the compression is taken off")
	}
	checkEdited(t, r, "edited", "back-again")
}
