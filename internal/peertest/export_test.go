package peertest

import (
	"os"
	"path/filepath"
	"testing"

	"xmppscope/internal/xmpptest"
)

func TestKeepForLooking(t *testing.T) {
	out := os.Getenv("KEEP_OUT")
	if out == "" {
		t.Skip()
	}
	xmpptest.Need(t, "slixmpp", "tshark", "dumpcap")
	prosody := xmpptest.StartProsody(t)
	bob := xmpptest.StartBob(t, prosody)
	for _, c := range []struct {
		name, addr string
		direct     bool
	}{{"starttls", prosody.StartTLS, false}, {"direct", prosody.Direct, true}} {
		keys := filepath.Join(out, c.name+".keys")
		dump := startDump(t, filepath.Join(out, c.name+".pcapng"), c.addr)
		ran := xmpptest.Slixmpp(t, xmpptest.Login{Addr: c.addr, CAFile: prosody.CAFile, Direct: c.direct, Says: "on the wire", KeyLog: keys})
		if !ran.OK {
			t.Fatalf("slixmpp failed:\n%s", ran.Output)
		}
		bob.Expect(t, "on the wire")
		dump.stop(t)
	}
}
