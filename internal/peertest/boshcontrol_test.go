package peertest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"xmppscope/internal/xmpptest"
)

// TestBOSHControl: what stands in bodies of BOSH is bent by rules, held and edited, and both
// sides are asked for a sign of life; neither notices, whatever connections there are.
func TestBOSHControl(t *testing.T) {
	prosody, ejabberd := xmpptest.StartProsody(t), xmpptest.StartEjabberd(t)
	bobs := map[*xmpptest.PeerServer]*xmpptest.Bob{prosody: xmpptest.StartBob(t, prosody), ejabberd: xmpptest.StartBob(t, ejabberd)}
	for _, c := range []struct {
		name, scheme string
		server       *xmpptest.PeerServer
		library      string // "" is our own script
	}{
		{"stanza", "http", prosody, "stanza"},
		{"script", "http", prosody, ""},
		{"script in TLS", "https", prosody, ""},
		{"script, ejabberd", "http", ejabberd, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.server
			upstream := "http://" + s.HTTP
			if c.scheme == "https" {
				upstream = "tls://" + s.HTTPS
			}
			rules := filepath.Join(t.TempDir(), "rules.toml")
			if err := os.WriteFile(rules, []byte(bendingRules), 0o600); err != nil {
				t.Fatal(err)
			}
			scope := startScope(t, upstream, s.CAFile, "--reveal", "--rules", rules, "--api", "127.0.0.1:0", "--allow-control")
			r := scope.remote(t)
			defer http.DefaultClient.CloseIdleConnections()
			if err := r.do("break", `{"when":"name == \"message\" && dir == \"c2s\" && body != \"\"", "once":true}`, nil); err != nil {
				t.Fatal(err)
			}
			edited := make(chan error, 1)
			go func() { edited <- r.holdAndEditBOSH() }()
			says := "in bodies, held, " + t.Name()
			login, url := xmpptest.Login{CAFile: scope.CAFile, Says: says}, c.scheme+"://"+scope.Addr+"/http-bind"
			var ran xmpptest.Ran
			if c.library != "" {
				ran = xmpptest.WebClient(t, c.library, "bosh", url, login)
			} else {
				ran = xmpptest.BOSHClient(t, url, login)
			}
			if err := <-edited; err != nil {
				t.Error(err)
			}
			if !ran.OK {
				t.Fatalf("the client noticed something:\n%s", ran.Output)
			}
			bobs[s].Expect(t, "edited: "+says)
			scope.until(t, "end of the session", 1, func(e *event) bool { return clientGone(e) && !e.Beside })
			seen := scope.stop(t)
			checkWho(t, seen, "PLAIN")
			if what, _ := seen.verdict(1); !strings.Contains(what, "touched by") {
				t.Errorf("the verdict is %q", what)
			}
			if kept := seen.find(func(e *event) bool { return strings.Contains(line(e), "it answers what xmppscope has sent") }); len(kept) != 1 {
				t.Errorf("%d answers were kept from who had not asked", len(kept))
			}
			checkRead(t, seen, scope.Saved)
		})
	}
}

// holdAndEditBOSH waits until the client's message is held, has another go on, and the server
// asked for a sign of life.
func (r remote) holdAndEditBOSH() error {
	h, err := r.held()
	if err != nil {
		return err
	}
	if h.Session != 1 {
		return fmt.Errorf("it is held in session %d", h.Session)
	}
	if err := r.do("inject", `{"session":1,"dir":"c2s","template":"ping"}`, nil); err != nil { // it goes with what is held
		return err
	}
	return r.edit(h)
}
