package peertest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"xmppscope/internal/xmpptest"
)

const bendingRules = `
[plain-only]
do = "mechanisms"
only = ["PLAIN"]

[back-again]
when = 'name == "message" && dir == "s2c"'
do = "replace"
text = "edited: "
with = ""
`

// remote takes hold of a running xmppscope over its api.
type remote struct{ url, token string }

func (s *scope) remote(t *testing.T) (r remote) {
	t.Helper()
	late := time.After(patience)
	for r.url == "" || r.token == "" {
		select {
		case line := <-s.told:
			if m := regexp.MustCompile(`programs may look at (http://\S+)`).FindStringSubmatch(line); m != nil {
				r.url = m[1]
			}
			if m := regexp.MustCompile(`token of control: (\S+)`).FindStringSubmatch(line); m != nil {
				r.token = m[1]
			}
		case <-late:
			t.Fatal("the token of control is not told")
		}
	}
	return r
}

// do asks for something, and reads the answer into out.
func (r remote) do(verb, body string, out any) error {
	req, err := http.NewRequest("POST", r.url+"/api/v1/control/"+verb, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("%s: %d %s", verb, resp.StatusCode, text)
	}
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(text, out)
}

// holdAndEdit waits until the client's message is held, asks both sides for a sign of life
// meanwhile, and has another message go on.
func (r remote) holdAndEdit() error {
	h, err := r.held()
	if err != nil {
		return err
	}
	var said struct{ Answer string }
	if err := r.do("inject", `{"dir":"c2s","template":"ping","ms":10000}`, &said); err != nil {
		return err
	}
	if !strings.HasPrefix(said.Answer, "<iq") {
		return fmt.Errorf("the ping is answered by %q", said.Answer)
	}
	if err := r.do("inject", `{"dir":"s2c","template":"ping"}`, nil); err != nil { // its answer waits behind what is held
		return err
	}
	return r.edit(h)
}

// heldElement is one that the proxy holds.
type heldElement struct {
	ID      uint64
	Session int
	XML     string
}

// held waits until something is held.
func (r remote) held() (h heldElement, err error) {
	var held struct{ Held []heldElement }
	for until := time.Now().Add(patience); len(held.Held) == 0; {
		if err := r.do("held", "", &held); err != nil {
			return h, err
		}
		if time.Now().After(until) {
			return h, fmt.Errorf("nothing is held")
		}
	}
	return held.Held[0], nil
}

// edit has a held message go on with other text.
func (r remote) edit(h heldElement) error {
	edited, err := json.Marshal(map[string]any{"id": h.ID, "do": "edit", "xml": strings.Replace(h.XML, "<body>", "<body>edited: ", 1)})
	if err != nil {
		return err
	}
	return r.do("decide", string(edited), nil)
}

// controlled has a client log in that is offered PLAIN alone, whose message is held and edited,
// and who is asked for a sign of life as the server is. It notices nothing: stream management's
// counts are right on both sides. It returns where what was seen is saved.
func controlled(t *testing.T, s *xmpptest.PeerServer, upstream string, bob *xmpptest.Bob, says string, client func(*scope) xmpptest.Ran) (saved string) {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rules.toml")
	if err := os.WriteFile(rules, []byte(bendingRules), 0o600); err != nil {
		t.Fatal(err)
	}
	scope := startScope(t, upstream, s.CAFile, "--reveal", "--rules", rules, "--api", "127.0.0.1:0", "--allow-control")
	r := scope.remote(t)
	defer http.DefaultClient.CloseIdleConnections()
	if err := r.do("break", `{"when":"name == \"message\" && dir == \"c2s\" && body != \"\""}`, nil); err != nil {
		t.Fatal(err)
	}
	edited := make(chan error, 1)
	go func() { edited <- r.holdAndEdit() }()
	ran := client(scope)
	if err := <-edited; err != nil {
		t.Error(err)
	}
	if !ran.OK {
		t.Fatalf("the client noticed something:\n%s", ran.Output)
	}
	bob.Expect(t, "edited: "+says)
	scope.until(t, "end of the client's connection", 1, clientGone)
	seen := scope.stop(t)
	checkWho(t, seen, "PLAIN")
	if what, _ := seen.verdict(1); !strings.Contains(what, "touched by plain-only") {
		t.Errorf("the verdict is %q", what)
	}
	kept := seen.find(func(e *event) bool { return strings.Contains(line(e), "it answers what xmppscope has sent") })
	if len(kept) != 2 || kept[0].Dir != "s2c" || kept[1].Dir != "c2s" {
		t.Errorf("%d answers were kept from who had not asked", len(kept))
	}
	for _, e := range seen.events {
		for _, n := range e.Notes {
			if n.Rule == "M02" || n.Rule == "W05" { // counts, frames
				t.Errorf("%s: %s", n.Rule, line(&e))
			}
		}
	}
	checkRead(t, seen, scope.Saved)
	return scope.Saved
}

// TestControl: slixmpp on Prosody is taken hold of. The capture shows on each leg what passed
// there, as tshark reads it.
func TestControl(t *testing.T) {
	xmpptest.Need(t, "slixmpp", "tshark")
	s := xmpptest.StartProsody(t)
	const says = "through the scope, held"
	saved := controlled(t, s, s.StartTLS, xmpptest.StartBob(t, s), says, func(scope *scope) xmpptest.Ran {
		return xmpptest.Slixmpp(t, xmpptest.Login{Addr: scope.Addr, CAFile: scope.CAFile, Says: says})
	})
	mechanisms, bodies := map[string]string{}, map[string]string{}
	for _, f := range tshark(t, saved, []string{"frame.interface_name", "xml.cdata"}, "-E", "occurrence=a") {
		leg, text := f["frame.interface_name"], f["xml.cdata"]
		if strings.Contains(text, "SCRAM") || strings.Contains(text, "PLAIN") {
			mechanisms[leg] += text
		}
		if strings.Contains(text, "scope, held") {
			bodies[leg] += text + "\n"
		}
	}
	if m := mechanisms["client-leg"]; !strings.Contains(m, "PLAIN") || strings.Contains(m, "SCRAM") {
		t.Errorf("on the client's leg tshark sees the mechanisms %q", m)
	}
	if m := mechanisms["server-leg"]; !strings.Contains(m, "SCRAM") {
		t.Errorf("on the server's leg tshark sees the mechanisms %q", m)
	}
	if b := bodies["client-leg"]; !strings.Contains(b, says) || strings.Contains(b, "edited: ") {
		t.Errorf("on the client's leg tshark sees %q", b)
	}
	if b := bodies["server-leg"]; !strings.Contains(b, "edited: "+says) {
		t.Errorf("on the server's leg tshark sees %q", b)
	}
}
