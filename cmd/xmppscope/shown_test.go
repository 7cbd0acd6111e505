package main

import (
	"bytes"
	"testing"

	"xmppscope/decode"
	"xmppscope/internal/bend"
	"xmppscope/proxy"
	"xmppscope/session"
)

// TestWhatIsHeldIsShownWithoutSecrets: also where a rule, or a gate before, has made another
// element of it, in which the secret stands elsewhere.
func TestWhatIsHeldIsShownWithoutSecrets(t *testing.T) {
	const header = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
	const secret = "AGFsaWNlAGh1bnRlcjI="
	for _, long := range []string{"x", "a-value-that-is-long-enough-to-move-all-that-is-behind-it"} {
		set, err := bend.Parse("test", "[move]\nwhen = 'name == \"auth\"'\ndo = 'replace'\nattribute = 'a'\nwith = '"+long+"'\n[hold]\nwhen = 'name == \"auth\"'\ndo = 'hold'\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		var engine bend.Engine
		engine.Replace(set)
		look := proxy.NewLook(func() *decode.Session { return prepared().NewSession(&session.Book{}) })
		gate := engine.Gate(1, look)
		var s decode.Stream
		for rest := []byte(header + "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + secret + "</auth>"); ; {
			n, piece, ok := s.Next(session.C2S, rest)
			if !ok {
				break
			}
			rest = rest[n:]
			d := gate.Consider(&piece)
			if piece.Kind != decode.Element {
				continue
			}
			if d.Hold == "" || !bytes.Contains(d.XML, []byte(long)) {
				t.Fatalf("decided: %+v", d)
			}
			if !bytes.Contains(d.Shown, []byte("mechanism='PLAIN'")) {
				t.Errorf("the rule shows nothing of it: %q", d.Shown)
			}
			for i := range len(secret) - 7 {
				if bytes.Contains(d.Shown, []byte(secret[i:i+8])) {
					t.Errorf("the rule shows %s", d.Shown)
					break
				}
			}
			again := s.Cut(session.C2S, d.XML)[0]
			again.Offset = piece.Offset
			look.Event(1, &again)
			shown := look.Shown()
			for i := range len(secret) - 7 {
				if bytes.Contains(shown, []byte(secret[i:i+8])) {
					t.Errorf("a breakpoint behind the rule shows %s", shown)
					break
				}
			}
		}
	}
}
