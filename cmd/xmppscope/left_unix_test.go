//go:build unix

package main

import (
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
	"xmppscope/session"
)

// packedFloods are servers that speak without end in what is no bare XML: each takes what the
// client has said first, and gives what writes an element.
var packedFloods = map[string]struct {
	asks  []string // the client, in turn with what the server answers
	says  []string
	packs func(io.Writer) func(string) error
}{
	"WebSocket": {
		[]string{"GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"},
		[]string{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n"},
		func(w io.Writer) func(string) error {
			return func(text string) error {
				_, err := w.Write(xmpptest.WebSocketFrame(session.S2C, 0x81, []byte(text)))
				return err
			}
		},
	},
	"zlib": {
		[]string{plainHeader, "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>"},
		[]string{
			"<stream:stream from='a.example' id='1' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>",
			"<compressed xmlns='http://jabber.org/protocol/compress'/>",
		},
		func(w io.Writer) func(string) error {
			z := zlib.NewWriter(w)
			io.WriteString(z, "<stream:stream from='a.example' id='2' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
			return func(text string) error {
				io.WriteString(z, text)
				return z.Flush()
			}
		},
	},
}

// TestNothingIsMadeUpAfterKill: what a kill -9 leaves of a session whose bytes are no bare XML is
// read back where it can be, and else told to be missing: nothing comes twice, or as something
// that it is not.
func TestNothingIsMadeUpAfterKill(t *testing.T) {
	for name, c := range packedFloods {
		for _, many := range []int{1, 3000} {
			t.Run(fmt.Sprint(name, " ", many), func(t *testing.T) {
				dir := t.TempDir()
				file := filepath.Join(dir, "x.jsonl")
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				cmd, _, addr := startSelf(t, []string{"--plain", "--listen", "127.0.0.1:0", "--upstream", l.Addr().String(), "--ca-dir", filepath.Join(dir, "ca"), "--save", file})
				client, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				io.WriteString(client, c.asks[0])
				server, err := l.Accept()
				l.Close()
				if err != nil {
					t.Fatal(err)
				}
				defer server.Close()
				for i, ask := range c.asks {
					if i > 0 {
						io.WriteString(client, ask)
					}
					io.CopyN(io.Discard, server, int64(len(ask)))
					io.WriteString(server, c.says[i])
					io.CopyN(io.Discard, client, int64(len(c.says[i])))
				}
				go io.Copy(io.Discard, client)
				say, said := c.packs(server), 0
				speak := func() {
					say(fmt.Sprintf("<message xmlns='jabber:client' from='b@a.example' id='m%d'><body>%s</body></message>", said, strings.Repeat("load ", said%100)))
					said++
				}
				for range many {
					speak()
				}
				for { // until something lies in the file
					if left, err := session.ReadUnexplained(file + session.UnexplainedExt); err == nil && len(left.Sessions()) > 0 {
						break
					}
					if speak(); t.Context().Err() != nil {
						t.Fatal("nothing is left")
					}
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				cmd.Wait()
				next, lost := 0, false
				readAgain(t, file, func(e *leftEvent) {
					switch m := messageID.FindStringSubmatch(strings.Replace(e.Raw, " xmlns='jabber:client'", "", 1)); {
					case e.Kind == "log:lost":
						lost = true
					case strings.HasPrefix(e.Kind, "relay:"), e.Kind == "stream:partial", e.Kind == "stream:raw":
						t.Fatalf("event %d is %s: %s", e.Seq, e.Kind, e.line)
					case m != nil && m[1] != fmt.Sprint(next):
						t.Fatalf("message %s comes in place of %d", m[1], next)
					case m != nil && lost:
						t.Fatalf("message %s comes behind what is lost", m[1])
					case m != nil:
						next++
					}
				})
				t.Logf("%d of %d came back, lost: %v", next, said, lost)
			})
		}
	}
}

// TestLeftBehindCompressed: where the recording ends with <compressed/>, what is left of the
// session is compressed.
func TestLeftBehindCompressed(t *testing.T) {
	r := &resumed{by: prepared().NewSession(new(session.Book))}
	r.cut()
	l := &leftover{sessions: map[int]*resumed{1: r}}
	c := packedFloods["zlib"]
	for _, e := range xmpptest.Play(t, "C: "+c.asks[0]+"\nS: "+c.says[0]+"\nC: "+c.asks[1]+"\nS: "+c.says[1]) {
		if r.packed {
			t.Errorf("it is taken for compressed before event %d, %s", e.Seq, e.Kind())
		}
		e.Session = 1
		l.note(e)
	}
	if !r.packed {
		t.Error("it is not known that what follows is compressed")
	}
}
